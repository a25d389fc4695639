# on node1
docker service scale {{ stack }}_web={{ copies }}
# on node2
docker run --rm --network host slipway/load http://node1:{{ port }}/ --seconds 12
