# on kube1, output as kube
copies=$(kubectl get pods -l app=web -o wide --no-headers | grep -w kube3 | grep -c Terminating)
seconds=$(sed -n 's/^After \([0-9]*\) seconds {{ copies }} copies.*/\1/p' stopwatch.out)
failed=$(kubectl logs visitors | sed -n 's/.* answered, \([0-9]*\) failed.*/\1/p')
echo "$copies $seconds $failed"
# on swarm1
read -r kube_copies kube_seconds kube_failed <<<"$kube"
copies=$(docker service ps {{ desk }}_web --format '{{.Node}} {{.CurrentState}}' | grep -c '^swarm3 Running')
seconds=$(sed -n 's/^After \([0-9]*\) seconds {{ copies }} copies.*/\1/p' stopwatch.out)
failed=$(docker logs visitors | sed -n 's/.* answered, \([0-9]*\) failed.*/\1/p')
cat >table.md <<TABLE
| what                                         | Swarm | Kubernetes |
| -------------------------------------------- | ----- | ---------- |
| what keeps so many copies running is a ...   | service | Deployment |
| one copy is called a ...                     | task  | pod        |
| copies on the machine that was lost          | $copies | $kube_copies |
| seconds until all copies ran again           | $seconds | $kube_seconds |
| visitors who failed meanwhile                | $failed | $kube_failed |
TABLE
cat table.md
