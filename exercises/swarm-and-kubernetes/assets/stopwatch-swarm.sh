# Counts from the moment in which swarm3 falls silent until all copies of the web front run on the other two.
name={{ desk }}_web
where() { docker service ps "$name" --filter desired-state=running --format '{{.Node}} {{.CurrentState}}' | grep -w Running; }
echo "Waiting for swarm3 to fall silent. Pull the plug."
while ping -c 1 -W 1 -q swarm3 >/dev/null 2>&1; do sleep 0.2; done
SECONDS=0
until docker node ls --format '{{.Hostname}} {{.Status}}' | grep -q 'swarm3 Down'; do sleep 0.2; done
echo "After $SECONDS seconds the manager says that swarm3 is Down."
until [ "$(where | grep -vwc swarm3)" = "{{ copies }}" ]; do sleep 0.2; done
echo "After $SECONDS seconds {{ copies }} copies run again, on:"
where | cut -d' ' -f1 | sort | uniq -c
