# on swarm1
docker info --format '{{.Swarm.LocalNodeState}}' | grep -qx active || docker swarm init
# on swarm1, output as token
docker swarm join-token -q worker
# on swarm2
docker info --format '{{.Swarm.LocalNodeState}}' | grep -qx active || docker swarm join --token "$token" swarm1:2377
# on swarm3
docker info --format '{{.Swarm.LocalNodeState}}' | grep -qx active || docker swarm join --token "$token" swarm1:2377
