# on control
cat >own.yaml <<'MANIFEST'
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ own }}
spec:
  replicas: 4
  selector:
    matchLabels: {app: {{ own }}}
  template:
    metadata:
      labels: {app: {{ own }}}
    spec:
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector: {matchLabels: {app: {{ own }}}}
      containers:
        - name: web
          image: slipway/orders-web:1
          readinessProbe:
            httpGet: {path: /health, port: 8000}
            periodSeconds: 1
          env:
            - {name: TASK, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
            - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ own }}
spec:
  type: NodePort
  selector: {app: {{ own }}}
  ports: [{port: 80, targetPort: 8000, nodePort: {{ own_port }}}]
MANIFEST
kubectl wait --for=condition=Ready node --all --timeout=60s
# Anew each time, so that the pods are on both workers.
kubectl delete deployment {{ own }} --ignore-not-found --cascade=foreground
kubectl apply -f own.yaml
kubectl rollout status deployment/{{ own }} --timeout=60s
sed 's|name: visitors|name: witness|; s|http://{{ desk }}/|http://{{ own }}/who|; s|"90"|"120"|' visitors.yaml >witness.yaml
kubectl replace --force -f witness.yaml
kubectl wait --for=condition=Ready pod/witness --timeout=60s
sleep 3
# unplug worker1
# on control
kubectl wait --for=condition=Ready=Unknown node/worker1 --timeout=40s
kubectl set image deployment/{{ own }} web=slipway/orders-web:2
kubectl rollout status deployment/{{ own }} --timeout=90s
sleep 8
kubectl exec witness -- sh -c 'kill -INT 1'
kubectl wait --for=jsonpath='{.status.containerStatuses[0].state.terminated.reason}' pod/witness --timeout=20s
kubectl logs witness
# plug in worker1
# on control
kubectl wait --for=condition=Ready node --all --timeout=60s
kubectl rollout status deployment/{{ own }} --timeout=60s
