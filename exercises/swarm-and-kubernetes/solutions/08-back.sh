# plug in swarm3
# plug in kube3
# on kube1
kubectl wait --for=condition=Ready node/kube3 --timeout=60s
kubectl rollout restart deployment/web
kubectl rollout status deployment/web --timeout=60s
# on swarm1
timeout 60 bash -c 'until docker node ls | grep swarm3 | grep -q Ready; do sleep 1; done'
docker service update --detach=false --quiet --force {{ desk }}_web
