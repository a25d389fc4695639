"""What must be true of the cluster after each step of Kubernetes on your own.

Asked are the API server, the pages of the pods and services, and what the load generator has seen; never what was
typed. Names, ports and numbers of pods are the learner's own.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from slipway.checks import KubeObject, Lab, Revision, Visits, check, expect

NODES = ["control", "worker1", "worker2"]
WORKERS = ["worker1", "worker2"]
FIRST, SECOND, BAD = (f"slipway/orders-web:{number}" for number in (1, 2, 3))
PODS = 3  # of the desk, as its file has them
LEAST_VISITS = 100
LEAST_WITNESSED = 300
LONGEST_SILENCE = 6  # seconds
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


# Step 2


@check("The pod {single} runs, and its page comes back from its own address", points=2, within=30)
def single_runs(lab: Lab) -> None:
    pod = _pod(lab, lab.params.single)
    expect(pod.owner or "nobody", f"the one who made {pod.name}").equals(
        "nobody", hint="Use `kubectl run`. A pod that a deployment has made belongs to that."
    )
    _answers_at(lab, pod, "/", "nginx")


# Step 3


@check("The pod {pair} has two containers, both ready, and a folder that both have mounted", points=2, within=45)
def pair_runs(lab: Lab) -> None:
    pod = _pod(lab, lab.params.pair)
    expect(len(pod.images), f"the number of containers of {pod.name}").equals(2)
    mounted = [_volumes(pod, place) for place in range(2)]
    empty = {pod.text("spec", "volumes", place, "name") for place in range(10) if _is_empty_dir(pod, place)}
    expect(len(empty & mounted[0] & mounted[1]), "the number of folders of the kind emptyDir in both").at_least(
        1, hint="`kubectl apply -f pair.yaml` makes the pod as the file describes it."
    )


@check("What writer has put into the folder, web serves: {word}", points=2, within=10)
def pair_shares(lab: Lab) -> None:
    pod = _pod(lab, lab.params.pair)
    _answers_at(lab, pod, "/word", lab.params.word)
    inside = lab.kube.exec(pod.name, ["wget", "-qO-", "-T", "3", "http://localhost/word"], container="writer")
    expect(inside.stdout, "what writer gets from http://localhost/word").contains(lab.params.word)


# Step 4


@check("The deployment {desk} has three pods, all ready, and the store runs", points=2, within=60)
def desk_runs(lab: Lab) -> None:
    for name in ("store", lab.params.desk):
        _whole(lab, name)
    expect(len(_pods(lab, lab.params.desk)), f"the number of pods of {lab.params.desk}").at_least(PODS)


@check("A pod of {desk} has been deleted, and another one has taken its place", points=2, within=30)
def pod_came_back(lab: Lab) -> None:
    name = lab.params.desk
    deployment = _whole(lab, name)
    there = {pod.name for pod in _pods(lab, name)}
    sets = [revision.replica_set for revision in lab.kube.revisions(name)]
    ended = {event.name for event in lab.kube.events(reason="Killing") if event.name.rpartition("-")[0] in sets}
    expect(len(ended - there), f"the number of pods of {name} that have been deleted").at_least(
        1, hint=f"`kubectl delete pod` with the name of one that begins with {name}."
    )
    expect(len(there), f"the number of pods of {name}").equals(deployment.number("spec", "replicas"))


@check("The pod {single}, which nobody keeps, is gone", points=1, within=10)
def single_gone(lab: Lab) -> None:
    expect(lab.kube.get("pod", lab.params.single), f"the pod {lab.params.single}").is_absent(
        hint=f"`kubectl delete pod {lab.params.single}`."
    )


# Step 5


@check("A pod reaches {desk} by its name", points=2, within=20)
def desk_has_service(lab: Lab) -> None:
    name = lab.params.desk
    service = _service(lab, name)
    expect(service.address, f"the cluster address of {name}").matches(r"^10\.96\.")
    pods = [pod for pod in _pods(lab, name) if pod.ready]
    expect(len(pods), f"the number of pods of {name} that are ready").at_least(1)
    said = lab.kube.exec(pods[0].name, ["curl", "-sS", "-m", "3", f"http://{name}/who"])
    expect(said.stdout, f"the answer to a pod that asks http://{name}/who").contains(
        "version", hint="The service's port is 80, and the program listens on port 8000 of its pods (--target-port)."
    )


@check("The page of {desk} comes back from port {port} of every node", points=2, within=20)
def door_open(lab: Lab) -> None:
    ports = _service(lab, lab.params.desk).node_ports
    expect(list(ports), f"the list of node ports of {lab.params.desk}").contains(lab.params.port)
    _open_everywhere(lab, lab.params.port, "/", NODES)


# Step 6


@check("The cluster has noticed that worker2 is lost", points=1, within=40)
def worker_lost(lab: Lab) -> None:
    _lost(lab, "worker2")


@check("The pods of {desk} that were on worker2 have been replaced, on worker1", points=3, within=60)
def pods_moved(lab: Lab) -> None:
    name = lab.params.desk
    everyone = lab.kube.pods(labels={"app": name})
    given_up = [pod for pod in everyone if pod.deleting and pod.node == "worker2"]
    expect(len(given_up), f"the number of pods of {name} that have been given up on worker2").at_least(
        1, hint="The cluster waits eight seconds for a sign of life, and five more before it gives pods up."
    )
    new = sorted({pod.node for pod in everyone if not pod.deleting})
    expect(new, f"the list of nodes where the pods of {name} are").equals(["worker1"])
    _whole(lab, name)


@check("Twenty visitors in a row are answered, at the doors of control and of worker1", points=2, within=40)
def still_answers(lab: Lab) -> None:
    _lost(lab, "worker2")
    for node in ("control", "worker1"):
        visits = lab.node("control").visits(f"http://{node}:{lab.params.port}/who", times=20, every=0.02)
        expect(visits.verdict, f"the verdict about visitors of {node}").equals("0 of 20 failed")


# Step 7


@check("worker2 is back and Ready", points=1, within=45)
def worker_back(lab: Lab) -> None:
    _all_ready(lab)


@check("{desk} has {copies} pods, all ready, on both workers", points=2, within=60)
def desk_scaled(lab: Lab) -> None:
    name = lab.params.desk
    _whole(lab, name)
    pods = _pods(lab, name)
    expect(len(pods), f"the number of pods of {name}").equals(lab.params.copies)
    expect(sorted({pod.node for pod in pods}), f"the list of nodes where the pods of {name} are").equals(
        WORKERS, hint="Pods are given a place when they are made. Scale when worker2 is Ready."
    )


@check("Each of the {copies} answers visitors who come to worker2", points=1, within=30)
def both_work(lab: Lab) -> None:
    wanted = sorted(pod.name for pod in _pods(lab, lab.params.desk))
    expect(len(wanted), f"the number of pods of {lab.params.desk}").equals(lab.params.copies)
    visits = lab.node("control").visits(f"http://worker2:{lab.params.port}/who", times=100, every=0.01)
    expect(sorted(visits.answers), "the list of pods that have answered a hundred visitors").equals(wanted)


# Step 8


@check("All pods of {desk} are of version 2", points=2, within=60)
def desk_updated(lab: Lab) -> None:
    _of_version(lab, lab.params.desk, SECOND)


@check("Visitors were there before and after the update, and not one of them failed", points=3, within=100)
def nobody_noticed(lab: Lab) -> None:
    visits = _visits(lab, "visitors", LEAST_VISITS)
    _has_seen_both(lab, lab.params.desk, visits)
    expect(visits.verdict, "the verdict of the visitors").equals(
        f"0 of {visits.total} failed", hint="Start the visitors anew, roll back, and update while they are there."
    )


# Step 9


@check("{desk} has tried a version 3, and no pod of it was ever ready", points=2, within=10)
def bad_version_tried(lab: Lab) -> None:
    bad = [revision for revision in lab.kube.revisions(lab.params.desk) if BAD in revision.images]
    expect(len(bad), f"the number of revisions of {lab.params.desk} with the image {BAD}").at_least(
        1, hint="`kubectl set image` as in the step before, with version 3."
    )


@check("{desk} has been rolled back to version 2, and all its pods are ready", points=2, within=60)
def rolled_back(lab: Lab) -> None:
    _of_version(lab, lab.params.desk, SECOND)
    revisions = lab.kube.revisions(lab.params.desk)
    now, bad = revisions[-1], [revision for revision in revisions if BAD in revision.images]
    expect(len(bad), f"the number of revisions of {lab.params.desk} with the image {BAD}").at_least(1)
    expect(len(now.former), f"how often the revision {now.number} of {lab.params.desk} was taken up again").at_least(
        1, hint=f"`kubectl rollout undo deployment/{lab.params.desk}` takes the revision before up again."
    )
    expect(bad[-1].wanted, f"the number of pods that shall be of {BAD}").equals(0)


# Step 10


@check("{own} is of version 2 now, all its pods are ready, and so are both workers", points=2, within=60)
def own_runs(lab: Lab) -> None:
    _of_version(lab, lab.params.own, SECOND)
    _all_ready(lab)


@check("The page /who of {own} comes back from port {own_port} of every node", points=2, within=30)
def own_door(lab: Lab) -> None:
    ports = _service(lab, lab.params.own).node_ports
    expect(list(ports), f"the list of node ports of {lab.params.own}").contains(lab.params.own_port)
    _open_everywhere(lab, lab.params.own_port, "/who", NODES)


@check("The witness has seen a worker lost and {own} updated, and no more than six seconds of silence",
       points=6, within=100)  # fmt: skip
def own_survived(lab: Lab) -> None:
    visits = _visits(lab, "witness", LEAST_WITNESSED)
    pod = expect(lab.kube.get("pod", "witness"), "the pod witness").exists()
    _has_seen_both(lab, lab.params.own, visits)
    watched = _watched(pod)
    losses = [event for event in lab.kube.events(reason="NodeNotReady") if event.kind == "Node"]
    seen = sorted({event.name for event in losses if event.last and watched[0] <= event.last <= watched[1]})
    expect(len(seen), "the number of workers lost while the witness watched").at_least(
        1, hint="Unplug a worker when the witness has begun, and wait until it is NotReady."
    )
    places = sorted(set(visits.places.values()) & set(seen))
    expect(len(places), "the number of lost workers where a pod had answered the witness").at_least(
        1, hint=f"Unplug one of the workers where {lab.params.own} has a pod."
    )
    expect(visits.silence, "the longest silence in seconds").at_most(
        LONGEST_SILENCE, hint="Nobody answered for a while. Were there pods on both workers when the one was lost?"
    )


# What several checks need


def _pod(lab: Lab, name: str) -> KubeObject:
    """The pod of that name, which is ready."""
    pod = expect(lab.kube.get("pod", name), f"the pod {name}").exists(hint="`kubectl get pods` shows which there are.")
    expect(pod.ready, f"the pod {name} is ready").is_true(
        hint=f"`kubectl describe pod {name}` ends with what happened."
    )
    return pod


def _pods(lab: Lab, app: str) -> list[KubeObject]:
    """The pods with that label that have not been told to go."""
    return [pod for pod in lab.kube.pods(labels={"app": app}) if not pod.deleting]


def _whole(lab: Lab, name: str) -> KubeObject:
    """The deployment of that name; all pods of it that should be are ready, and of its latest version."""
    deployment = expect(lab.kube.get("deployment", name), f"the deployment {name}").exists()
    wanted = deployment.number("spec", "replicas")
    for what, field in (("ready", "readyReplicas"), ("of the latest version", "updatedReplicas")):
        expect(deployment.number("status", field), f"the number of pods of {name} that are {what}").equals(
            wanted, hint="`kubectl get pods` shows each of them, and `kubectl describe pod NAME` what is wrong with it."
        )
    expect(deployment.number("status", "replicas"), f"the number of all pods of {name}").equals(wanted)
    return deployment


def _of_version(lab: Lab, name: str, image: str) -> None:
    deployment = expect(lab.kube.get("deployment", name), f"the deployment {name}").exists()
    expect(list(deployment.images), f"the list of images of {name}").equals([image])
    expect(_whole(lab, name).number("spec", "replicas"), f"the number of pods of {name}").at_least(1)


def _service(lab: Lab, name: str) -> KubeObject:
    return expect(lab.kube.get("service", name), f"the service {name}").exists(
        hint=f"`kubectl expose deployment {name}` makes one."
    )


def _answers_at(lab: Lab, pod: KubeObject, path: str, text: str) -> None:
    page = lab.node("control").http(f"http://{pod.address}{path}")
    expect(page.status, f"the status of the page {path} at {pod.address}, the address of {pod.name},").equals(200)
    expect(page.body, f"the page {path} of {pod.name}").contains(text)


def _open_everywhere(lab: Lab, port: int, path: str, nodes: list[str]) -> None:
    for node in nodes:
        page = lab.node("control").http(f"http://{node}:{port}{path}")
        expect(page.status, f"the status of the page {path} from port {port} of {node}").equals(
            200, hint="`kubectl get services` shows the ports; `kubectl get endpointslices` the pods behind a service."
        )


def _lost(lab: Lab, name: str) -> None:
    node = expect(lab.kube.get("node", name), f"the node {name}").exists()
    expect("Ready" if node.ready else "NotReady", f"the status of {name}").equals(
        "NotReady", hint=f"Unplug {name}, and give the cluster ten seconds to notice."
    )


def _all_ready(lab: Lab) -> None:
    for node in lab.kube.nodes():
        expect("Ready" if node.ready else "NotReady", f"the status of {node.name}").equals(
            "Ready", hint="Plug in whatever has no power."
        )


def _visits(lab: Lab, pod: str, least: int) -> Visits:
    """What the load in that pod has counted, which must have come to its end."""
    visits = expect(lab.kube.visits(pod), f"the pod {pod}").exists(hint="visitors.yaml makes such a pod.")
    expect("finished" if visits.finished else "still visiting", f"the state of {pod}").equals(
        "finished", hint=f"`kubectl logs -f {pod}` follows it to its end."
    )
    expect(visits.total, f"the number of visits by {pod}").at_least(least, hint="Let it run to its end.")
    return visits


def _has_seen_both(lab: Lab, deployment: str, visits: Visits) -> None:
    """Pods of the first and of the second version have answered."""
    revisions = lab.kube.revisions(deployment)
    for image in (FIRST, SECOND):
        seen = [name for name in visits.answers if _made_by(name, revisions, image)]
        expect(len(seen), f"the number of pods with {image} that answered the visitors").at_least(
            1, hint="Visitors must come before the update begins, and still be there when it is through."
        )


def _made_by(pod: str, revisions: tuple[Revision, ...], image: str) -> bool:
    return any(pod.rpartition("-")[0] == one.replica_set for one in revisions if image in one.images)


def _watched(pod: KubeObject) -> tuple[datetime, datetime]:
    """From when to when the witness watched; events are told to the second."""
    ended = ("status", "containerStatuses", 0, "state", "terminated")
    start, end = pod.moment(*ended, "startedAt"), pod.moment(*ended, "finishedAt")
    expect(start is not None and end is not None, "the pod witness has ended").is_true()
    return start or _NEVER, (end or _NEVER) + timedelta(seconds=1)


def _is_empty_dir(pod: KubeObject, place: int) -> bool:
    return pod.at("spec", "volumes", place, "emptyDir") is not None


def _volumes(pod: KubeObject, container: int) -> set[str]:
    """The names of the volumes that a container has mounted."""
    return {pod.text("spec", "containers", container, "volumeMounts", place, "name") for place in range(10)}
