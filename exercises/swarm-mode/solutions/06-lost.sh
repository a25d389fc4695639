# unplug node3
# on node1
for i in $(seq 60); do docker node ls --filter name=node3 | grep -q Down && break; sleep 1; done
docker node ls
