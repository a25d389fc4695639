# on control
kubectl replace --force -f visitors.yaml
# unplug worker2
# on control
kubectl wait --for=condition=Ready=Unknown node/worker2 --timeout=40s
for i in $(seq 60); do kubectl get pods -l app={{ desk }} --no-headers | grep -q Terminating && break; sleep 1; done
kubectl rollout status deployment/{{ desk }} --timeout=60s
