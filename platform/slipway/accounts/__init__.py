"""People, sign-in and guests."""
