# on node1
docker info --format '{{.Swarm.LocalNodeState}}' | grep -qx active || docker swarm init
# on node1, output as token
docker swarm join-token -q worker
# on node2
docker info --format '{{.Swarm.LocalNodeState}}' | grep -qx active || docker swarm join --token "$token" node1:2377
# on node3
docker info --format '{{.Swarm.LocalNodeState}}' | grep -qx active || docker swarm join --token "$token" node1:2377
# on node1
cat >own.yaml <<'EOF'
services:
  web:
    image: slipway/orders-web:2
    ports: ["{{ own_port }}:8000"]
    environment: {TASK: "{{.Service.Name}}.{{.Task.Slot}}", NODE: "{{.Node.Hostname}}"}
    networks: [inside]
    deploy:
      replicas: {{ own_copies }}
      placement: {constraints: ["node.role != manager"]}
  worker:
    image: slipway/orders-worker:1
    environment: {TASK: "{{.Service.Name}}.{{.Task.Slot}}"}
    networks: [inside]
    deploy: {mode: global}
  store:
    image: redis
    volumes: ["memory:/data"]
    networks: [inside]
    deploy:
      placement: {constraints: ["node.role == manager"]}
networks:
  inside:
volumes:
  memory:
EOF
docker stack deploy --detach=false --compose-file own.yaml {{ own }}
# on node2
for i in $(seq 30); do curl -fs http://localhost:{{ own_port }}/figures && break; sleep 1; done
for i in $(seq 10); do curl -fsS -X POST http://localhost:{{ own_port }}/orders; done
