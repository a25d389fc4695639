"""What the learner's pages say in templates beyond Django's own tags."""
