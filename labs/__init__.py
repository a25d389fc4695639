"""The learner's side: catalogue, lab page, results."""
