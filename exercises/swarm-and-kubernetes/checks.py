"""What must be true of both clusters after each step of Swarm beside Kubernetes.

Asked are the manager of the swarm, the API server, and the order desk itself through the doors of the machines; never
what was typed. The table of the last step is compared with what both clusters say of themselves at that moment.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from slipway.checks import KubeObject, Lab, Service, Task, Visits, check, expect

SWARM, KUBE = ["swarm1", "swarm2", "swarm3"], ["kube1", "kube2", "kube3"]
FIRST, SECOND = "slipway/orders-web:1", "slipway/orders-web:2"
COPIES = 2  # of web, as both files have them
LEAST_VISITS = 200
# So long after a machine's last sign of life each side says that it is lost, in the settings of this lab. A swarm's
# machines send one every five seconds, so for the swarm it is the middle of ten to fifteen.
DOWN_AFTER, NOT_READY_AFTER = timedelta(seconds=12.5), timedelta(seconds=8)
WITHIN = 6  # seconds by which a stopwatch and the clusters' own records may differ


# Step 2


@check("swarm1 manages a swarm in which swarm2 and swarm3 are workers", points=2, within=15)
def swarm_whole(lab: Lab) -> None:
    swarm = lab.node("swarm1").docker.info().swarm
    expect("manager" if swarm.manager else "no manager", "the role of swarm1").equals(
        "manager", hint="`docker swarm init`, in the terminal of swarm1."
    )
    members = {member.name: member for member in lab.node("swarm1").docker.nodes()}
    for name in ("swarm2", "swarm3"):
        member = expect(members.get(name), f"{name} in the list of swarm1").exists(
            hint=f"Run in {name} the join command that swarm1 has printed."
        )
        expect(member.role, f"the role of {name}").equals("worker")
        expect(member.state, f"the state of {name} in the list of swarm1").equals("ready")


# Step 3


@check("Swarm: the stack {desk} runs, two of web, one each of worker and store", points=2, within=60)
def swarm_deployed(lab: Lab) -> None:
    stack = expect(lab.node("swarm1").docker.stack(lab.params.desk), f"the stack {lab.params.desk}").exists(
        hint="`docker stack deploy` on swarm1; the name comes last."
    )
    for name, least in (("web", COPIES), ("worker", 1), ("store", 1)):
        service = expect(stack.service(name), f"the service {stack.name}_{name}").exists()
        expect(service.running, f"the number of running tasks of {service.name}").at_least(
            least, hint=f"`docker service ps --no-trunc {service.name}` says what is wrong."
        )


@check("Kubernetes: the deployments web, worker and store run, two of web, one each of the others", points=2, within=60)
def kube_deployed(lab: Lab) -> None:
    for name, least in (("web", COPIES), ("worker", 1), ("store", 1)):
        expect(
            _deployment(lab, name).number("status", "readyReplicas"), f"the number of ready pods of {name}"
        ).at_least(least, hint="`kubectl get pods`, and `kubectl describe pod NAME` for one that is not Running.")


@check("The page comes back from port {port} of all six machines", points=1, within=30)
def doors_open(lab: Lab) -> None:
    for first, machines in (("swarm1", SWARM), ("kube1", KUBE)):
        for name in machines:
            page = lab.node(first).http(f"http://{name}:{lab.params.port}/")
            expect(page.status, f"the status of the page from port {lab.params.port} of {name}").equals(200)


# Step 4


@check("Swarm: {copies} tasks of web run", points=2, within=60)
def swarm_scaled(lab: Lab) -> None:
    web = _web(lab)
    expect(web.desired, f"the number of tasks that {web.name} shall have").equals(lab.params.copies)
    expect(web.running, f"the number of tasks of {web.name} that run").equals(lab.params.copies)


@check("Kubernetes: {copies} pods of web are ready", points=2, within=60)
def kube_scaled(lab: Lab) -> None:
    web = _deployment(lab, "web")
    expect(web.number("spec", "replicas"), "the number of pods that web shall have").equals(lab.params.copies)
    expect(web.number("status", "readyReplicas"), "the number of pods of web that are ready").equals(lab.params.copies)


# Step 5


@check("Swarm: all {copies} tasks of web are of version 2", points=2, within=90)
def swarm_updated(lab: Lab) -> None:
    web = _web(lab)
    expect(web.image, f"the image of {web.name}").equals(SECOND)
    expect(web.update_state, f"the state of the update of {web.name}").is_in(
        ("completed", ""), hint=f"`docker service ps {web.name}` shows how far it is."
    )
    running = [task for task in _tasks(lab) if task.image == SECOND]
    expect(len(running), "the number of tasks of version 2 that run").equals(lab.params.copies)


@check("Kubernetes: all {copies} pods of web are of version 2, and there was a version 1", points=2, within=90)
def kube_updated(lab: Lab) -> None:
    web = _deployment(lab, "web")
    expect(list(web.images), "the list of images of web").equals([SECOND])
    for what, field in (
        ("of the latest version", "updatedReplicas"),
        ("ready", "readyReplicas"),
        ("there", "replicas"),
    ):
        expect(web.number("status", field), f"the number of pods of web that are {what}").equals(lab.params.copies)
    former = [revision for revision in lab.kube.revisions("web") if FIRST in revision.images]
    expect(len(former), f"the number of revisions of web with {FIRST}").at_least(
        1, hint="Deploy version 1 first, as the file has it, and then update."
    )


# Step 6


@check("Swarm: swarm3 is lost, tasks of web were on it, and all {copies} run on the others", points=3, within=90)
def swarm_survived(lab: Lab) -> None:
    states = {member.name: member.state for member in lab.node("swarm1").docker.nodes()}
    expect(states.get("swarm3", "unknown"), "the state of swarm3 in the list of swarm1").equals(
        "down", hint="Unplug swarm3, and give the manager fifteen seconds to notice."
    )
    expect(len(_lost_tasks(lab)), "the number of tasks of web that were on swarm3").at_least(
        1, hint="If none was there, nothing had to be replaced. The last hint of this step says how to mend that."
    )
    elsewhere = [task for task in _tasks(lab) if task.node != "swarm3"]
    expect(len(elsewhere), "the number of tasks of web that run on the others").equals(lab.params.copies)


@check("Kubernetes: kube3 is lost, pods of web were on it, and all {copies} are ready on kube2", points=3, within=90)
def kube_survived(lab: Lab) -> None:
    node = expect(lab.kube.get("node", "kube3"), "the node kube3").exists()
    expect("Ready" if node.ready else "NotReady", "the status of kube3").equals(
        "NotReady", hint="Unplug kube3, and give the control plane ten seconds to notice."
    )
    expect(len(_lost_pods(lab)), "the number of pods of web that were on kube3").at_least(
        1, hint="If none was there, nothing had to be replaced. The last hint of this step says how to mend that."
    )
    elsewhere = [pod for pod in _pods(lab) if pod.ready and pod.node != "kube3"]
    expect(len(elsewhere), "the number of pods of web that are ready on kube2").equals(lab.params.copies)


@check("Visitors have counted on both sides, to the end", points=2, within=70)
def visitors_counted(lab: Lab) -> None:
    for side, visits in (("swarm", _swarm_visits(lab)), ("Kubernetes", _kube_visits(lab))):
        expect("finished" if visits.finished else "still visiting", f"the state of the visitors of {side}").equals(
            "finished", hint="They come for a minute."
        )
        expect(visits.total, f"the number of visits on the side of {side}").at_least(LEAST_VISITS)


# Step 7


@check("The words are those of each side", points=2)
def table_words(lab: Lab) -> None:
    keeps, one = _row(lab, "what keeps"), _row(lab, "one copy")
    hint = "`docker service ls` and `kubectl get deployments` have the one, the lists below them the other."
    expect(keeps[0], "the word of Swarm for what keeps so many copies running").equals("service", hint=hint)
    expect(keeps[1], "the word of Kubernetes for what keeps so many copies running").is_in(
        ("deployment", "replicaset"), hint=hint
    )
    expect(one[0], "the word of Swarm for one copy").equals("task", hint=hint)
    expect(one[1], "the word of Kubernetes for one copy").equals("pod", hint=hint)


@check("The copies on the lost machines are as many as both clusters say", points=2)
def table_copies(lab: Lab) -> None:
    swarm, kube = _numbers(lab, "copies on")
    lost_tasks, lost_pods = len(_lost_tasks(lab)), len(_lost_pods(lab))
    hint = "Is the machine still without power? Then the second hint of this step says how to count."
    expect(min(lost_tasks, lost_pods), "the number of copies that each side has lost").at_least(
        1, hint="Plugged in again, a machine clears away what it had. Do the last step again, and leave them unplugged."
    )
    expect(swarm == lost_tasks, f"{swarm} is the number of tasks of web that were on swarm3").is_true(hint=hint)
    expect(kube == lost_pods, f"{kube} is the number of pods of web that were on kube3").is_true(hint=hint)


@check("The seconds are what both clusters have on record, give or take six", points=2)
def table_seconds(lab: Lab) -> None:
    swarm, kube = _numbers(lab, "seconds until")
    hint = "It is the second number that the stopwatch has told."
    _near(swarm, _swarm_seconds(lab), "Swarm", hint)
    _near(kube, _kube_seconds(lab), "Kubernetes", hint)


@check("The visitors who failed are as many as both loads have counted", points=2)
def table_visitors(lab: Lab) -> None:
    swarm, kube = _numbers(lab, "visitors who")
    hint = "The last line of each side's visitors says how many were answered, and how many failed."
    for said, visits, side in ((swarm, _swarm_visits(lab), "the swarm"), (kube, _kube_visits(lab), "Kubernetes")):
        expect("finished" if visits.finished else "still visiting", f"the state of the visitors of {side}").equals(
            "finished"
        )
        expect(said == visits.failed, f"{said} is the number of visitors of {side} who failed").is_true(hint=hint)


# Step 8


@check("Swarm: swarm3 is back, and has its share of the {copies} tasks of web again", points=2, within=90)
def swarm_back(lab: Lab) -> None:
    states = {member.name: member.state for member in lab.node("swarm1").docker.nodes()}
    expect(states.get("swarm3", "unknown"), "the state of swarm3 in the list of swarm1").equals("ready")
    tasks = _tasks(lab)
    expect(len(tasks), "the number of tasks of web that run").equals(lab.params.copies)
    expect(sorted({task.node for task in tasks}), "the list of machines where they run").contains("swarm3")


@check("Kubernetes: kube3 is back, and has its share of the {copies} pods of web again", points=2, within=90)
def kube_back(lab: Lab) -> None:
    node = expect(lab.kube.get("node", "kube3"), "the node kube3").exists()
    expect("Ready" if node.ready else "NotReady", "the status of kube3").equals("Ready")
    pods = [pod for pod in _pods(lab) if pod.ready]
    expect(len(pods), "the number of pods of web that are ready").equals(lab.params.copies)
    expect(sorted({pod.node for pod in pods}), "the list of machines where they are").contains("kube3")


# The swarm


def _web(lab: Lab) -> Service:
    name = f"{lab.params.desk}_web"
    return expect(lab.node("swarm1").docker.service(name), f"the service {name}").exists(
        hint=f"`docker stack services {lab.params.desk}` on swarm1 shows which there are."
    )


def _tasks(lab: Lab) -> list[Task]:
    """The tasks of web that run and should."""
    return [task for task in lab.node("swarm1").docker.tasks(_web(lab).name) if task.running]


def _lost_tasks(lab: Lab) -> list[Task]:
    """Those that were on swarm3: they should have ended, and nobody can tell the manager that they have."""
    known = lab.node("swarm1").docker.tasks(_web(lab).name, all=True)
    return [task for task in known if task.node == "swarm3" and task.state == "running" and not task.current]


def _swarm_visits(lab: Lab) -> Visits:
    expect(lab.node("swarm1").docker.container("visitors"), "the container visitors on swarm1").exists(
        hint="Step 6 has the command that starts it."
    )
    return Visits.told(lab.node("swarm1").run(["docker", "logs", "visitors"]).stdout)


def _swarm_seconds(lab: Lab) -> float:
    """From the loss of swarm3 to the last task that came to run in place of one, by the manager's records."""
    record = lab.node("swarm1").docker.inspect("node", "swarm3") or {}
    noticed = _moment(str(record.get("UpdatedAt", "")))
    running = [task.since for task in _tasks(lab) if task.since]
    return _seconds(noticed - DOWN_AFTER if noticed else None, running)


# The Kubernetes cluster


def _deployment(lab: Lab, name: str) -> KubeObject:
    return expect(lab.kube.get("deployment", name), f"the deployment {name}").exists(
        hint="`kubectl apply -f desk.yaml`, on kube1."
    )


def _pods(lab: Lab) -> list[KubeObject]:
    """The pods of web that have not been told to go."""
    return [pod for pod in lab.kube.pods(labels={"app": "web"}) if not pod.deleting]


def _lost_pods(lab: Lab) -> list[KubeObject]:
    """Those that were on kube3: they have been given up, and their kubelet cannot say that they have ended."""
    return [pod for pod in lab.kube.pods(labels={"app": "web"}) if pod.deleting and pod.node == "kube3"]


def _kube_visits(lab: Lab) -> Visits:
    return expect(lab.kube.visits("visitors"), "the pod visitors").exists(hint="Step 6 has the command that starts it.")


def _kube_seconds(lab: Lab) -> float:
    """From the loss of kube3 to the last pod that became ready in place of one, by the API server's records."""
    node = lab.kube.get("node", "kube3")
    condition = node.condition("Ready") if node else None
    noticed = condition.since if condition and not condition.holds else None
    ready = [since for pod in _pods(lab) if (one := pod.condition("Ready")) and one.holds and (since := one.since)]
    return _seconds(noticed - NOT_READY_AFTER if noticed else None, ready)


# The table


def _row(lab: Lab, begins: str) -> tuple[str, str]:
    """What stands in the two cells of the row that begins so."""
    file = expect(lab.node("swarm1").files.read("/root/table.md"), "the file table.md on swarm1").exists()
    rows = [[cell.strip(" `*.") for cell in line.strip().strip("|").split("|")] for line in file.content.splitlines()]
    row = expect(next((row for row in rows if row[0].startswith(begins)), None), f"the row “{begins} …”").exists()
    cells = [cell.lower() for cell in (*row[1:3], "", "")]
    for cell, side in zip(cells, ("Swarm", "Kubernetes"), strict=False):
        expect("filled in" if cell else "empty", f"the cell “{row[0]}” of {side}").equals("filled in")
    return cells[0], cells[1]


def _numbers(lab: Lab, begins: str) -> tuple[int, int]:
    swarm, kube = _row(lab, begins)
    for cell, side in ((swarm, "Swarm"), (kube, "Kubernetes")):
        expect(cell, f"the cell “{begins} …” of {side}").matches(r"^\d{1,5}$", hint="A whole number, and nothing else.")
    return int(swarm), int(kube)


def _near(said: int, measured: float, side: str, hint: str) -> None:
    expect(
        measured > 0, f"the records of {side} tell of a lost machine, and of copies in place of those on it"
    ).is_true(
        hint="Plugged in again, a machine clears away what it had. Do the last step again, and leave them unplugged."
    )
    expect(abs(said - measured) <= WITHIN, f"{said} seconds are near what {side} has on record").is_true(hint=hint)


def _seconds(begin: datetime | None, ends: list[datetime]) -> float:
    """From one moment to the last of the others; 0 when one of them is not known."""
    return (max(ends) - begin).total_seconds() if begin and ends else 0.0


def _moment(text: str) -> datetime | None:
    """The moment in Docker's notation, to the second."""
    try:
        return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)
    except ValueError:
        return None
