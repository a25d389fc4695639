# on swarm1
docker stack deploy --detach=true --compose-file orders.yaml {{ desk }}
# on kube1
kubectl apply -f desk.yaml
