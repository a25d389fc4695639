"""The images of an installation: what nodes, the examiner and the registry run from, and what learners pull."""
