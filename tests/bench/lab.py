"""Commands that make checks of the Docker networking lab hold, for timing how soon the page knows."""

# (step, command on node1); braces are the learner's own values
COMMANDS: list[tuple[str, str]] = []
