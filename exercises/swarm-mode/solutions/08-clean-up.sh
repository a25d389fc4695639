# on node1
if docker info --format '{{.Swarm.LocalNodeState}}' | grep -qx active; then docker stack rm --detach=false {{ stack }}; fi
for i in $(seq 30); do docker volume rm --force {{ stack }}_memory && break; sleep 1; done
# on node2
if docker info --format '{{.Swarm.LocalNodeState}}' | grep -qx active; then docker swarm leave; fi
# on node3
if docker info --format '{{.Swarm.LocalNodeState}}' | grep -qx active; then docker swarm leave; fi
# on node1
if docker info --format '{{.Swarm.LocalNodeState}}' | grep -qx active; then docker swarm leave --force; fi
