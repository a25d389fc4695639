"""Commands of the learner's side."""
