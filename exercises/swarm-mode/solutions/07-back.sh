# plug in node3
# on node1
for i in $(seq 60); do docker node ls --filter name=node3 | grep -q Ready && break; sleep 1; done
docker node ls
# on node1
# Nobody may notice the update: the load ends with an error when a visit fails.
docker run --rm --name visitors --network host slipway/load http://node2:{{ port }}/ --seconds 110 &
sleep 4
docker service update --quiet --image slipway/orders-web:2 {{ stack }}_web
sleep 2
docker kill --signal INT visitors
wait $!
