# plug in worker2
# on control
kubectl wait --for=condition=Ready node/worker2 --timeout=60s
kubectl scale deployment/{{ desk }} --replicas={{ copies }}
kubectl rollout status deployment/{{ desk }} --timeout=60s
