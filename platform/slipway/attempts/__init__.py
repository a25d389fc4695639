"""A person's attempt at an exercise: parameters, progress, results, score."""
