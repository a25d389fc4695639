# on control
kubectl set image deployment/{{ desk }} web=slipway/orders-web:1
kubectl rollout status deployment/{{ desk }} --timeout=60s
kubectl replace --force -f visitors.yaml
kubectl wait --for=condition=Ready pod/visitors --timeout=60s
sleep 4
kubectl set image deployment/{{ desk }} web=slipway/orders-web:2
kubectl rollout status deployment/{{ desk }} --timeout=60s
sleep 4
# Long enough: the visitors sum up when they are interrupted.
kubectl exec visitors -- sh -c 'kill -INT 1'
kubectl wait --for=jsonpath='{.status.phase}'=Succeeded pod/visitors --timeout=20s
kubectl logs visitors
