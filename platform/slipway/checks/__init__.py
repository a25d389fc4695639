"""The check API, the examiner, convergence and grading."""
