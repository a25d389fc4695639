"""Commands that make checks of the Docker networking lab hold, for timing how soon the page knows."""

# (step, command on node1); braces are the learner's own values
COMMANDS = [
    ("networks", "docker network create {network}"),
    ("bridge", "docker run -d --name {box} busybox sleep 86400"),
    ("publish", "docker run -d --name {web} -p {port}:80 nginx"),
    ("swarm", "docker swarm init"),
    ("overlay", "docker network create --driver overlay --attachable {overlay}"),
]
