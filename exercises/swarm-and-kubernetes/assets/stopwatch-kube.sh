# Counts from the moment in which kube3 falls silent until all copies of the web front run elsewhere.
echo "Waiting for kube3 to fall silent. Pull the plug."
while ping -c 1 -W 1 -q kube3 >/dev/null 2>&1; do sleep 0.2; done
SECONDS=0
until kubectl get node kube3 --no-headers | grep -qw NotReady; do sleep 0.2; done
echo "After $SECONDS seconds the control plane says that kube3 is NotReady."
where() { kubectl get pods -l app=web --no-headers -o wide | grep -w Running | grep -w 1/1 | grep -vw kube3; }
until [ "$(where | wc -l)" = "{{ copies }}" ]; do sleep 0.2; done
echo "After $SECONDS seconds {{ copies }} copies run again, on:"
where | awk '{print $7}' | sort | uniq -c
