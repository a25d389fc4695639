"""What must be true of the three machines after each step of Swarm mode.

Asked are the manager's records and the order desk itself, through the doors of the machines; never what was typed.
Names, ports and numbers of copies are the learner's own.
"""

from __future__ import annotations

import json
from typing import Any

from slipway.checks import Docker, HttpAnswer, Lab, Service, Stack, Task, check, expect

NODES = ["node1", "node2", "node3"]
LEAST_ORDERS = 3
LEAST_ANSWERS = 10
LEAST_OWN_ORDERS = 10


# Step 1


@check("node1 manages a swarm", points=1)
def swarm_made(lab: Lab) -> None:
    swarm = lab.node("node1").docker.info().swarm
    expect(swarm.state, "the state of the swarm, seen from node1,").equals(
        "active", hint="`docker swarm init`, in the terminal of node1."
    )
    expect("manager" if swarm.manager else "worker", "the role of node1 in its swarm").equals(
        "manager", hint="Here node1 makes the swarm and the others join it. `docker swarm leave` undoes a join."
    )


@check("node2 and node3 are workers in the swarm of node1", points=2, within=15)
def workers_joined(lab: Lab) -> None:
    _three_nodes(lab)


# Step 3


@check("The stack {stack} runs: two of web, one of worker, one of store", points=2, within=60)
def stack_runs(lab: Lab) -> None:
    stack = _stack(lab, lab.params.stack)
    for name, copies in (("store", "1/1"), ("worker", "1/1"), ("web", "2/2")):
        _runs(_service(stack, name), copies)


@check("The page of {stack} comes back from port {port} of every node", points=2, within=20)
def page_everywhere(lab: Lab) -> None:
    for name in NODES:
        page = lab.node("node1").http(f"http://{name}:{lab.params.port}/")
        expect(page.status, f"the status of the page from port {lab.params.port} of {name}").equals(
            200, hint=f"`docker stack services {lab.params.stack}` shows whether the web tasks run."
        )
        expect(_who(page), f"the task that answers at {name}").matches(f"^{lab.params.stack}_web\\.")


# Step 4


@check("At least three orders have been placed and carried out", points=3, within=15)
def orders_done(lab: Lab) -> None:
    figures = _figures(lab, lab.params.port)
    expect(figures["placed"], "the number of orders placed").at_least(
        LEAST_ORDERS, hint="The button on the page places one, or the curl command with -X POST in this step."
    )
    expect(figures["done"], "the number of orders carried out").at_least(
        LEAST_ORDERS, hint=f"`docker service logs {lab.params.stack}_worker` tells what the worker does."
    )


# Step 5


@check("{copies} of {copies} tasks of the web front run", points=2, within=60)
def web_scaled(lab: Lab) -> None:
    _runs(_web(lab), f"{lab.params.copies}/{lab.params.copies}")


@check("Each of the {copies} has answered at least ten visitors", points=3, within=10)
def load_spread(lab: Lab) -> None:
    web = _web(lab)
    wanted = [f"{web.name}.{number}" for number in range(1, lab.params.copies + 1)]
    answers = _figures(lab, lab.params.port)["answers"]
    busy = sorted(task for task in wanted if answers.get(task, 0) >= LEAST_ANSWERS)
    expect(busy, "the list of tasks that have answered ten visitors").equals(
        wanted, hint="Let the load run while all of them are there. A task that has just come has answered nobody yet."
    )


# Step 6


@check("The manager has noticed that node3 is lost", points=1, within=60)
def node_lost(lab: Lab) -> None:
    states = {member.name: member.state for member in lab.node("node1").docker.nodes()}
    expect(states.get("node3", "unknown"), "the state of node3 in the list of node1").equals(
        "down", hint="Unplug node3, and give the manager half a minute to notice."
    )


@check("All {copies} web tasks run on the two nodes that are left", points=3, within=60)
def tasks_moved(lab: Lab) -> None:
    docker, name = lab.node("node1").docker, _web(lab).name
    running = _running(docker, name)
    where = sorted({task.node for task in running})
    expect(where, f"the list of nodes where tasks of {name} run").equals(
        ["node1", "node2"], hint="As long as the manager takes node3 for alive, it leaves the tasks there."
    )
    expect(len(running), f"the number of tasks of {name} that run").equals(lab.params.copies)
    lost = [task for task in docker.tasks(name, all=True) if task.node == "node3" and not task.current]
    expect(bool(lost), f"a task of {name} was on node3 and has been replaced").is_true(
        hint="If none of them was there, there was nothing to move."
    )


@check("The page still comes back, through the doors of node1 and node2", points=2, within=30, stable=2)
def still_answers(lab: Lab) -> None:
    states = {member.name: member.state for member in lab.node("node1").docker.nodes()}
    expect(states.get("node3", "unknown"), "the state of node3 in the list of node1").equals("down")
    for name in ("node1", "node2"):
        page = lab.node("node1").http(f"http://{name}:{lab.params.port}/", timeout=3)
        expect(page.status, f"the status of the page from port {lab.params.port} of {name}").equals(200)


# Step 7


@check("node3 is back in the swarm", points=1, within=45)
def node_back(lab: Lab) -> None:
    _three_nodes(lab)


@check("All {copies} web tasks are of version 2, and node3 has its share", points=4, within=90)
def new_version(lab: Lab) -> None:
    docker, web = lab.node("node1").docker, _web(lab)
    expect(web.image, f"the image of {web.name}").equals("slipway/orders-web:2")
    # An update that has nothing to change leaves no state.
    expect(web.update_state, f"the state of the update of {web.name}").is_in(
        ("completed", ""), hint=f"`docker service inspect --pretty {web.name}` says how far it is, and why."
    )
    running = [task for task in _running(docker, web.name) if task.image == "slipway/orders-web:2"]
    expect(len(running), "the number of tasks of version 2 that run").equals(lab.params.copies)
    expect(sorted({task.node for task in running}), "the list of nodes where they run").contains(
        "node3", hint="They are spread when they are started. Plug node3 in first, and update when it is ready."
    )


# Step 8


@check("The stack {stack} is gone, with all that belonged to it", points=2, within=30)
def stack_removed(lab: Lab) -> None:
    _have_been_in_a_swarm(lab)
    name = lab.params.stack
    expect(lab.node("node1").docker.stack(name), f"stack {name}").is_absent(hint=f"`docker stack rm {name}`.")
    for node in lab.nodes:
        left = [one.name for one in node.docker.containers(all=True) if one.service.startswith(f"{name}_")]
        expect(left, f"container of {name} on {node.name}").is_absent(hint="They need a few seconds to end.")
    expect(lab.node("node1").docker.inspect("volume", f"{name}_memory"), f"volume {name}_memory on node1").is_absent(
        hint=f"`docker volume rm {name}_memory`: data is never removed along with a stack."
    )


@check("All three nodes have left the swarm", points=1)
def swarm_left(lab: Lab) -> None:
    _have_been_in_a_swarm(lab)
    for node in reversed(lab.nodes):
        expect(node.docker.info().swarm.state, f"the state of the swarm, seen from {node.name},").equals(
            "inactive", hint=f"`docker swarm leave` on {node.name}; the last manager needs --force."
        )


# Step 9


@check("The stack {own} runs: {own_copies} of web, a worker on every node, a store", points=3, within=60)
def own_stack(lab: Lab) -> None:
    _three_nodes(lab)
    stack = _stack(lab, lab.params.own)
    web, worker, store = (_service(stack, name) for name in ("web", "worker", "store"))
    expect(web.image, f"the image of {web.name}").equals("slipway/orders-web:2")
    _runs(web, f"{lab.params.own_copies}/{lab.params.own_copies}")
    expect(worker.mode, f"the mode of {worker.name}").equals(
        "global", hint="A number is right for as many machines as there are today. Which mode needs no number?"
    )
    _runs(worker, "3/3")
    _runs(store, "1/1")


@check("No web task of {own} runs on node1, and its page comes back from port {own_port} of every node",
       points=4, within=30)  # fmt: skip
def own_placement(lab: Lab) -> None:
    web = _service(_stack(lab, lab.params.own), "web")
    running = _running(lab.node("node1").docker, web.name)
    expect(len(running), f"the number of tasks of {web.name} that run").equals(lab.params.own_copies)
    expect(sorted({task.node for task in running}), f"the list of nodes where tasks of {web.name} run").lacks(
        "node1", hint="`constraints`, below `deploy` and `placement`, says where a task may run."
    )
    for name in NODES:
        page = lab.node("node1").http(f"http://{name}:{lab.params.own_port}/who")
        expect(page.status, f"the status of the page from port {lab.params.own_port} of {name}").equals(
            200, hint=f"`docker stack services {lab.params.own}` shows which ports are published."
        )
        expect(page.body, f"what {name} says about who answers").contains("version 2")


@check("At least ten orders of {own} have been placed and carried out", points=3, within=20)
def own_orders(lab: Lab) -> None:
    _stack(lab, lab.params.own)
    figures = _figures(lab, lab.params.own_port)
    for what in ("placed", "done"):
        expect(figures[what], f"the number of orders {what}").at_least(
            LEAST_OWN_ORDERS, hint="Step 4 shows how orders are placed, and where the worker tells what it does."
        )


# What several checks need


def _three_nodes(lab: Lab) -> None:
    """node1 manages a swarm in which node2 and node3 are workers, and all three are ready."""
    manager = lab.node("node1").docker
    members = {member.id: member for member in manager.nodes()}
    for name in ("node2", "node3"):
        swarm = lab.node(name).docker.info().swarm
        expect(swarm.state, f"the state of the swarm, seen from {name},").equals(
            "active", hint=f"Run in {name} the join command that node1 has printed."
        )
        expect("manager" if swarm.manager else "worker", f"the role of {name} in its swarm").equals(
            "worker", hint=f"`docker swarm leave --force` on {name}, then join with the worker's token."
        )
        known = members.get(swarm.node_id)
        expect(known.state if known else "unknown", f"the state of {name} in the list of node1").equals(
            "ready", hint="`docker node ls` on node1 shows the list; a node needs a few seconds to become ready."
        )


def _stack(lab: Lab, name: str) -> Stack:
    return expect(lab.node("node1").docker.stack(name), f"the stack {name}").exists(
        hint="`docker stack deploy` on node1; the name comes last."
    )


def _service(stack: Stack, name: str) -> Service:
    expect([service.short_name for service in stack.services], f"the list of services of {stack.name}").contains(name)
    return expect(stack.service(name), f"the service {name}").exists()


def _web(lab: Lab) -> Service:
    return _service(_stack(lab, lab.params.stack), "web")


def _runs(service: Service, copies: str) -> None:
    """So many of so many tasks run."""
    expect(f"{service.running}/{service.desired}", f"the number of running tasks of {service.name}").equals(
        copies, hint=f"`docker service ps {service.name}` shows each task, and what is wrong with it."
    )


def _running(docker: Docker, service: str) -> list[Task]:
    return [task for task in docker.tasks(service) if task.running]


def _who(page: HttpAnswer) -> str:
    """The task that says it made this page."""
    return page.headers.get("x-answered-by", "")


def _figures(lab: Lab, port: int) -> dict[str, Any]:
    """What the order desk counts. It runs in the learner's hands, so nothing is taken for granted."""
    page = lab.node("node1").http(f"http://localhost:{port}/figures")
    expect(page.status, f"the status of the page /figures from port {port} of node1").equals(
        200, hint="`docker service ls` on node1 shows whether web and store run."
    )
    try:
        said = json.loads(page.body)
    except ValueError:
        said = None
    said = said if isinstance(said, dict) else {}
    answers = said.get("answers")
    counts = answers.items() if isinstance(answers, dict) else ()
    return {
        **{key: said[key] if isinstance(said.get(key), int) else 0 for key in ("placed", "done")},
        "answers": {task: count for task, count in counts if isinstance(count, int)},
    }


def _have_been_in_a_swarm(lab: Lab) -> None:
    """Clean-up is worth something only where something was: an engine keeps this network after it has left a swarm."""
    for node in lab.nodes:
        expect([network.name for network in node.docker.networks()], f"the list of networks on {node.name}").contains(
            "docker_gwbridge", hint="Take the steps before this one first: there is nothing to clean up yet."
        )
