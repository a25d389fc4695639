"""What lies in exercises/: loading, schema, lint, self-test."""
