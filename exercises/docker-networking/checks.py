"""What must be true of the two nodes after each step of Docker networking.

Names and the port are the learner's own. Nothing that was typed is looked at: only what the engines hold, which
pages answer, and what a ping from inside a container finds.
"""

from __future__ import annotations

from slipway.checks import Container, Lab, Node, check, expect

ANSWERED = "answered"
NO_ANSWER = "no answer"
NO_SUCH_NAME = "no such name"


# Step 1


@check("node1 has a bridge network called {network}", points=3)
def network_made(lab: Lab) -> None:
    docker, name = lab.node("node1").docker, lab.params.network
    expect([network.name for network in docker.networks()], "the list of networks on node1").contains(
        name, hint=f"`docker network create {name}`, in the terminal of node1."
    )
    network = expect(docker.network(name), f"the network {name}").exists()
    expect(network.driver, f"the driver of {name}").equals(
        "bridge", hint=f"Remove {name} with `docker network rm` and create it without --driver."
    )


# Step 2


@check("{box} runs on node1 and is on the network bridge", points=2)
def box_on_bridge(lab: Lab) -> None:
    box = _running(lab.node("node1"), lab.params.box, hint="The command in this step starts it.")
    expect(list(box.networks), f"the list of networks that {box.name} is on").contains(
        "bridge", hint=f"Remove {box.name} with `docker rm -f` and start it again without --network."
    )


@check("node1 reaches {box} at its address", points=2, within=5)
def box_answers(lab: Lab) -> None:
    box = _running(lab.node("node1"), lab.params.box, hint="The command in this step starts it.")
    address = box.networks.get("bridge", "")
    expect(address, f"the address of {box.name} on the network bridge").differs_from(
        "", hint="A container without --network gets one."
    )
    answer = ANSWERED if lab.node("node1").ping(address).answered else NO_ANSWER
    expect(answer, f"the result of a ping from node1 to {address}").equals(ANSWERED)


# Step 3


@check("{web} runs nginx and publishes its port 80 as port {port} of node1", points=1)
def port_published(lab: Lab) -> None:
    web = _running(lab.node("node1"), lab.params.web, hint="`docker ps -a` shows whether it has ended, and how.")
    expect(web.image.partition(":")[0], f"the image of {web.name}").equals(
        "nginx", hint="The image is the last word of the docker run command."
    )
    published = sorted({f"{port.public} -> {port.private}" for port in web.ports if port.public})
    expect(published, f"the list of ports that {web.name} publishes").contains(
        f"{lab.params.port} -> 80",
        hint=f"-p takes the port of node1 first: -p {lab.params.port}:80. A port is chosen when a container "
        f"starts, so remove {web.name} with `docker rm -f` and start it again.",
    )


@check("A page comes back from port {port} of node1", points=2, within=10)
def page_on_node1(lab: Lab) -> None:
    page = lab.node("node1").http(f"http://localhost:{lab.params.port}/")
    expect(page.status, "the status of the page that node1 sees").equals(
        200, hint=f"`docker logs {lab.params.web}` tells what the web server says."
    )


@check("node2 gets the same page from node1", points=2, within=10)
def page_from_node2(lab: Lab) -> None:
    port = lab.params.port
    page = lab.node("node2").http(f"http://node1:{port}/")
    expect(page.status, "the status of the page that node2 sees").equals(
        200, hint=f"Publish on all addresses of node1: -p {port}:80, without 127.0.0.1 before it."
    )
    same = page.body == lab.node("node1").http(f"http://localhost:{port}/").body
    expect(same, "node1 and node2 see the same page").is_true()


# Step 4


@check("node1 manages a swarm", points=2)
def swarm_made(lab: Lab) -> None:
    swarm = lab.node("node1").docker.info().swarm
    expect(swarm.state, "the state of the swarm, seen from node1,").equals(
        "active", hint="`docker swarm init` on node1."
    )
    expect("manager" if swarm.manager else "worker", "the role of node1 in its swarm").equals(
        "manager", hint="Here node1 makes the swarm and node2 joins it. `docker swarm leave` undoes a join."
    )


@check("node2 is a worker in the swarm of node1", points=3, within=10)
def worker_joined(lab: Lab) -> None:
    swarm = lab.node("node2").docker.info().swarm
    expect(swarm.state, "the state of the swarm, seen from node2,").equals(
        "active", hint="Run in node2 the join command that `docker swarm init` printed in node1."
    )
    expect("manager" if swarm.manager else "worker", "the role of node2 in its swarm").equals(
        "worker", hint="`docker swarm leave --force` on node2, then join with the worker's token."
    )
    members = {member.id: member.state for member in lab.node("node1").docker.nodes()}
    expect(members.get(swarm.node_id, "unknown"), "the state of node2 in the list of node1").equals(
        "ready", hint="`docker node ls` on node1 shows the list; a node needs a few seconds to become ready."
    )


# Step 5


@check("The swarm has an attachable overlay network called {overlay}", points=2)
def overlay_made(lab: Lab) -> None:
    docker, name = lab.node("node1").docker, lab.params.overlay
    expect([network.name for network in docker.networks()], "the list of networks on node1").contains(
        name, hint="docker network create takes the kind of network with --driver."
    )
    network = expect(docker.network(name), f"the network {name}").exists()
    expect(network.driver, f"the driver of {name}").equals(
        "overlay", hint=f"Remove {name} with `docker network rm` and create it with --driver overlay."
    )
    expect(network.attachable, f"{name} is attachable").is_true(
        hint=f"Remove {name} with `docker network rm` and create it with --attachable."
    )


@check("{service} runs 2 of 2 tasks, one on each node", points=2, within=30)
def service_on_both_nodes(lab: Lab) -> None:
    docker, name = lab.node("node1").docker, lab.params.service
    service = expect(docker.service(name), f"the service {name}").exists(hint="docker service create, on node1.")
    expect(f"{service.running}/{service.desired}", f"the number of running tasks of {name}").equals(
        "2/2", hint=f"`docker service ps {name}` shows each task, and what is wrong with it."
    )
    names = {member.id: member.name for member in docker.nodes()}
    where = sorted(names.get(task.node_id, "unknown") for task in docker.tasks(name) if task.running)
    expect(where, f"the list of nodes where tasks of {name} run").equals(["node1", "node2"])


@check("node2 has {overlay} now, with a task of {service} on it", points=2, within=30)
def overlay_on_node2(lab: Lab) -> None:
    name = lab.params.overlay
    expect([network.name for network in lab.node("node2").docker.networks()], "the list of networks on node2").contains(
        name, hint=f"It comes to node2 with the first container there that uses it: give the service --network {name}."
    )
    task = _task(lab.node("node2"), lab.params.service)
    expect(list(task.networks), f"the list of networks that the task of {lab.params.service} on node2 is on").contains(
        name, hint=f"Remove the service with `docker service rm` and create it with --network {name}."
    )


# Step 6


@check("The task of {service} on node1 pings {guest} on node2 by name", points=2, within=10)
def guest_by_name(lab: Lab) -> None:
    guest, task = _guest(lab), _task(lab.node("node1"), lab.params.service)
    result = _ping(lab.node("node1"), task.name, guest.name)
    expect(result, f"the result of a ping from that task to {guest.name}").equals(
        ANSWERED, hint=f"Both must be on {lab.params.overlay}; `docker network inspect` on each node shows who is."
    )


@check("The task of {service} on node1 pings {guest} on node2 by address", points=2, within=10)
def guest_by_address(lab: Lab) -> None:
    guest, task = _guest(lab), _task(lab.node("node1"), lab.params.service)
    address = guest.networks[lab.params.overlay]
    result = _ping(lab.node("node1"), task.name, address)
    expect(result, f"the result of a ping from that task to {address}").equals(ANSWERED)


# Step 7


@check("The service {service}, the container {guest} and the network {overlay} are gone", points=1, within=20)
def overlay_gone(lab: Lab) -> None:
    _have_been_in_a_swarm(lab)
    service, guest, overlay = lab.params.service, lab.params.guest, lab.params.overlay
    expect(lab.node("node1").docker.service(service), f"service {service}").is_absent(
        hint=f"`docker service rm {service}`."
    )
    expect(lab.node("node2").docker.container(guest), f"container {guest} on node2").is_absent(
        hint=f"`docker rm -f {guest}`, in the terminal of node2."
    )
    for node in lab.nodes:
        expect(node.docker.network(overlay), f"network {overlay} on {node.name}").is_absent(
            hint=f"`docker network rm {overlay}` on node1. While tasks are still ending Docker refuses; try again."
        )


@check("The containers {box} and {web} and the network {network} are gone", points=1)
def node1_tidy(lab: Lab) -> None:
    _have_been_in_a_swarm(lab)
    docker = lab.node("node1").docker
    for name in (lab.params.box, lab.params.web):
        expect(docker.container(name), f"container {name} on node1").is_absent(
            hint=f"`docker rm -f {name}`; a container that has only been stopped is still there (`docker ps -a`)."
        )
    name = lab.params.network
    expect(docker.network(name), f"network {name} on node1").is_absent(hint=f"`docker network rm {name}`.")


@check("Both nodes have left the swarm", points=1)
def swarm_left(lab: Lab) -> None:
    _have_been_in_a_swarm(lab)
    for node in reversed(lab.nodes):
        expect(node.docker.info().swarm.state, f"the state of the swarm, seen from {node.name},").equals(
            "inactive", hint=f"`docker swarm leave` on {node.name}; the last manager needs --force."
        )


# Step 8


@check("{own} is a bridge network with {first} and {second} on it, and nobody else", points=2)
def own_network(lab: Lab) -> None:
    name = lab.params.own
    network = expect(lab.node("node1").docker.network(name), f"the network {name} on node1").exists()
    expect(network.driver, f"the driver of {name}").equals("bridge")
    expect(sorted(one.name for one in network.containers), f"the list of containers on {name}").equals(
        sorted((lab.params.first, lab.params.second)), hint="`docker network inspect` lists who is on a network."
    )


@check("{first} and {second} find each other by name", points=4, within=5)
def pair_finds_each_other(lab: Lab) -> None:
    _pair_pings(lab)


@check("{stranger} is on a network too, but finds neither of them, by name or by address", points=4, within=5)
def stranger_finds_nobody(lab: Lab) -> None:
    node, name = lab.node("node1"), lab.params.stranger
    stranger = _running(node, name, hint=f"Start it on node1 and give it its name with --name {name}.")
    expect(
        [address for address in stranger.networks.values() if address], f"the list of addresses of {name}"
    ).differs_from([], hint="A container that is cut off from everything is too easy: put it on a network of its own.")
    _pair_pings(lab)
    for other in (lab.params.first, lab.params.second):
        expect(_ping(node, name, other), f"the result of a ping from {name} to {other}").equals(
            NO_SUCH_NAME, hint=f"{name} and {other} share a network on which names are known."
        )
        known = _running(node, other)
        for network, address in known.networks.items():
            expect(_ping(node, name, address), f"the result of a ping from {name} to {other} at {address}").equals(
                NO_ANSWER, hint=f"{name} and {other} are both on {network}, or the address is one that they share."
            )


# What several checks need


def _running(node: Node, name: str, *, hint: str = "") -> Container:
    """The container of that name, which must run."""
    container = expect(node.docker.container(name), f"the container {name} on {node.name}").exists(hint=hint)
    expect(container.state, f"the state of {name}").equals(
        "running", hint=f"`docker logs {name}` may say why it ended."
    )
    return container


def _task(node: Node, service: str) -> Container:
    """A container on this node that is a task of the service, which must run."""
    tasks = [container for container in node.docker.containers() if container.service == service]
    return expect(tasks[0] if tasks else None, f"a running task of {service} on {node.name}").exists(
        hint=f"`docker service ps {service}` on node1 shows where its tasks run."
    )


def _guest(lab: Lab) -> Container:
    """The learner's container on node2, which must be on the overlay."""
    guest = _running(lab.node("node2"), lab.params.guest, hint="Start it in the terminal of node2.")
    expect(list(guest.networks), f"the list of networks that {guest.name} is on").contains(
        lab.params.overlay, hint=f"Remove {guest.name} with `docker rm -f` and start it with --network."
    )
    return guest


def _pair_pings(lab: Lab) -> None:
    """The two containers of the open task answer each other by name."""
    node = lab.node("node1")
    pair = (lab.params.first, lab.params.second)
    for name in pair:
        _running(node, name, hint=f"Start it on node1 and give it its name with --name {name}.")
    for one, other in (pair, pair[::-1]):
        expect(_ping(node, one, other), f"the result of a ping from {one} to {other}").equals(
            ANSWERED, hint="Docker knows names on networks that you create, and for those who are on the same one."
        )


def _ping(node: Node, container: str, target: str) -> str:
    """What a ping from inside a container finds, in words: answered, no answer, no such name, or ping's own."""
    result = node.exec(container, ["ping", "-c", "1", "-W", "2", target], timeout=8)
    if result.ok:
        return ANSWERED
    said = (result.stderr + result.stdout).lower()
    if any(words in said for words in ("bad address", "not known", "name resolution")):
        return NO_SUCH_NAME
    if result.exit_code in (126, 127):
        return "there is no ping in this container"
    return NO_ANSWER if "100% packet loss" in said or result.timed_out else said.strip()[-120:] or NO_ANSWER


def _have_been_in_a_swarm(lab: Lab) -> None:
    """Clean-up is worth something only where something was: an engine keeps this network after it has left a swarm."""
    for node in lab.nodes:
        expect([network.name for network in node.docker.networks()], f"the list of networks on {node.name}").contains(
            "docker_gwbridge", hint="Take the steps before this one first: there is nothing to clean up yet."
        )
