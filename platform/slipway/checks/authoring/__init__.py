"""What the author of a check works with. Standard library only, Python 3.11 and later; never imports Django."""
