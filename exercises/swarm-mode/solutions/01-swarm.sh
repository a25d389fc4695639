# on node1
docker info --format '{{.Swarm.LocalNodeState}}' | grep -qx active || docker swarm init
# on node1, output as token
docker swarm join-token -q worker
# on node2
docker info --format '{{.Swarm.LocalNodeState}}' | grep -qx active || docker swarm join --token "$token" node1:2377
# on node3
docker info --format '{{.Swarm.LocalNodeState}}' | grep -qx active || docker swarm join --token "$token" node1:2377
# on node1
docker node ls
