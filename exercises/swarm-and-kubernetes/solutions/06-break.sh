# on swarm1
docker rm -f visitors >/dev/null 2>&1 || true
docker run -d --name visitors --network host slipway/load http://localhost:{{ port }}/who --seconds 60
setsid bash stopwatch.sh >stopwatch.out 2>&1 </dev/null &
# on kube1
kubectl replace --force -f visitors.yaml
kubectl wait --for=condition=Ready pod/visitors --timeout=30s
setsid bash stopwatch.sh >stopwatch.out 2>&1 </dev/null &
sleep 5
# unplug swarm3
# unplug kube3
# on kube1
timeout 60 bash -c 'until grep -q "copies run again" stopwatch.out; do sleep 0.5; done'
kubectl wait --for=jsonpath='{.status.containerStatuses[0].state.terminated.reason}' pod/visitors --timeout=70s
kubectl logs visitors | tail -1
# on swarm1
timeout 60 bash -c 'until grep -q "copies run again" stopwatch.out; do sleep 0.5; done'
docker wait visitors
docker logs visitors | tail -1
