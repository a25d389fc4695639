"""The lab as a check sees it: nodes that can be asked, and the learner's own values.

Everything returned is typed and comes from outside the learner's shell. A thing that is not there is None or
an empty tuple; a machine that answers nonsense ends the check with a sentence about it.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from urllib.parse import quote

from slipway.checks.authoring.answers import JSON, Answer, Command, CommandResult, File, HttpAnswer, Link, Ping
from slipway.checks.authoring.asking import Asker, Refused
from slipway.checks.authoring.docker_answers import Container, EngineInfo, Network
from slipway.checks.authoring.expectations import NotAsExpected
from slipway.checks.authoring.kube import Kube
from slipway.checks.authoring.swarm_answers import Service, Stack, SwarmNode, Task
from slipway.checks.authoring.visits import LOOP, MOST_VISITS, Visits

_OK = range(200, 300)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Parameters:
    """The learner's own values: `lab.params.port`. A wrong name is the author's mistake and says what is near
    it.
    """

    def __init__(self, values: Mapping[str, str | int]) -> None:
        self._values = dict(values)

    def __getattr__(self, name: str) -> Any:
        """The value of that parameter."""
        return self[name] if not name.startswith("_") else object.__getattribute__(self, name)

    def __getitem__(self, name: str) -> Any:
        """The value of that parameter. Any: the author knows which of theirs are numbers."""
        if name in self._values:
            return self._values[name]
        raise AttributeError(f"There is no parameter {name!r}{_or_rather(name, self._values)}")

    def all(self) -> dict[str, str | int]:
        """Every value by its name. A parameter called "all" is reached as `lab.params["all"]`."""
        return dict(self._values)


def _or_rather(name: str, names: Sequence[str] | Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(names) or 'none'}."


class Lab:
    """One learner's sandbox."""

    def __init__(self, asker: Asker, *, nodes: Sequence[str], parameters: Mapping[str, str | int]) -> None:
        self._asker = asker
        self._nodes = tuple(nodes)
        self.params = Parameters(parameters)

    def node(self, name: str) -> Node:
        """The node of that name."""
        if name not in self._nodes:
            raise LookupError(f"There is no node {name!r}{_or_rather(name, self._nodes)}")
        return Node(self._asker, name)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, in the order of the exercise."""
        return tuple(Node(self._asker, name) for name in self._nodes)

    def networks(self, name: str) -> dict[str, Network]:
        """The networks of that name, by the nodes that know one: an overlay is known where a task is on it."""
        found = {node.name: node.docker.network(name) for node in self.nodes}
        return {node: network for node, network in found.items() if network}

    @property
    def kube(self) -> Kube:
        """The lab's Kubernetes cluster."""
        return Kube(self.nodes)

    def history(self, node: str) -> tuple[Command, ...]:
        """What the shells of a node were asked, oldest first. For better hints only: never give points for
        it.
        """
        answer = self.node(node).ask("history", {"max": 500})
        return tuple(Command.read(item) for item in answer.each("commands"))


class Node:
    """One machine of the sandbox."""

    def __init__(self, asker: Asker, name: str) -> None:
        self._asker = asker
        self.name = name

    @property
    def docker(self) -> Docker:
        """The node's Docker Engine."""
        return Docker(self)

    @property
    def files(self) -> Files:
        """The node's files."""
        return Files(self)

    def http(
        self, url: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, timeout: float = 5
    ) -> HttpAnswer:
        """Ask for a page from this node; status 0 when no answer came within `timeout` seconds."""
        params: dict[str, JSON] = {
            "method": method,
            "url": url,
            "headers": dict(headers or {}),
            "timeout_ms": _ms(timeout),
        }
        return HttpAnswer.read(self.ask("http", params))

    def visits(self, url: str, *, times: int = 20, every: float = 0.1, timeout: float = 2) -> Visits:
        """Ask for a page again and again from this node, at most 200 times and for 25 seconds in all; who has not been
        answered by then, within `timeout` seconds or with a status below 400, counts as failed.
        """
        times = min(max(times, 1), MOST_VISITS)
        words = ["bash", "-c", LOOP, "visits", url, str(times), f"{every:.3f}", f"{timeout:.3f}"]
        return Visits.counted(self.run(words, timeout=25).stdout, total=times)

    def ping(self, address: str, *, count: int = 1, timeout: float = 2) -> Ping:
        """Send ICMP echo requests from this node."""
        return Ping.read(self.ask("ping", {"address": address, "count": count, "timeout_ms": _ms(timeout)}))

    def tcp(self, address: str, *, timeout: float = 2) -> bool:
        """Whether a TCP connection from this node to "host:port" is accepted."""
        return self.ask("tcp", {"address": address, "timeout_ms": _ms(timeout)}).flag("open")

    def run(self, argv: Sequence[str], *, timeout: float = 10, stdin: str = "") -> CommandResult:
        """Run a program on this node, as root in /root; a list of words, never a shell line."""
        if isinstance(argv, str):
            raise TypeError(f"run() takes a list of words: {argv.split()!r}")
        params: dict[str, JSON] = {"argv": [str(word) for word in argv], "timeout_ms": _ms(timeout), "stdin": stdin}
        return CommandResult.read(self.ask("run", params))

    def exec(self, container: str, argv: Sequence[str], *, timeout: float = 10) -> CommandResult:
        """Run a program in a container of this node (`docker exec`); give the container's name or id."""
        if isinstance(argv, str):
            raise TypeError(f"exec() takes a list of words: {argv.split()!r}")
        if container.startswith("-") or not container:
            raise ValueError(f"{container!r} is no name of a container")
        return self.run(["docker", "exec", container, *argv], timeout=timeout)

    def links(self) -> tuple[Link, ...]:
        """The node's network interfaces."""
        return tuple(Link.read(item) for item in self.ask("links", {}).each("links"))

    def link(self, name: str) -> Link | None:
        """The interface of that name."""
        return next((link for link in self.links() if link.name == name), None)

    def ask(self, op: str, params: Mapping[str, JSON]) -> Answer:
        """Put one question of the node protocol; a refusal becomes a sentence for the learner."""
        try:
            return Answer(self._asker.ask(self.name, op, params), self.name, op)
        except Refused as refusal:
            if refusal.code == "bad-request":
                raise ValueError(f"{self.name} did not accept the question {op}: {refusal.message}") from None
            raise NotAsExpected(
                expected=f"The machine {self.name} answers the question “{op}”.",
                observed=f"It could not: {refusal.message}",
            ) from None


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


class Files:
    """Files of a node; reading only."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def read(self, path: str, *, most: int = 65_536) -> File | None:
        """The beginning of a file, at most `most` bytes; None when there is no such file."""
        try:
            answer = self._node._asker.ask(self._node.name, "read-file", {"path": path, "max": most})  # noqa: SLF001
        except Refused as refusal:
            if refusal.code == "not-found":
                return None
            raise NotAsExpected(
                expected=f"The file {path} of {self._node.name} can be read.", observed=refusal.message
            ) from None
        return File.read(Answer(answer, self._node.name, "read-file"))


class Docker:
    """The Docker Engine of one node, asked through its API and never changed."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def containers(self, *, all: bool = False) -> tuple[Container, ...]:  # noqa: A002 - as in `docker ps --all`
        """The running containers; with `all`, those that have stopped too."""
        return tuple(Container.read(item) for item in self._list("/containers/json?all=true") if all or _runs(item))

    def container(self, name: str) -> Container | None:
        """The container of that name, running or not."""
        return next((found for found in self.containers(all=True) if found.name == name), None)

    def networks(self) -> tuple[Network, ...]:
        """All networks that this node knows; who is on them is told by `network(name)` alone."""
        return tuple(Network.read(item) for item in self._list("/networks"))

    def network(self, name: str) -> Network | None:
        """The network of that name with the containers of this node that are on it."""
        listed = next((network for network in self.networks() if network.name == name), None)
        answer = self._get(f"/networks/{quote(listed.id, safe='')}") if listed else None
        return Network.read(answer) if answer else None

    def services(self) -> tuple[Service, ...]:
        """The services of the swarm; empty on a node that is not a manager."""
        return tuple(Service.read(item) for item in self._list("/services?status=true"))

    def service(self, name: str) -> Service | None:
        """The service of that name."""
        return next((service for service in self.services() if service.name == name), None)

    def tasks(self, service: str | None = None, *, all: bool = False) -> tuple[Task, ...]:  # noqa: A002 - as above
        """The current tasks of one service, or of every one, by slot; with `all` also those that have ended or were
        replaced, of each slot the newest first. Empty on a node that is not a manager.
        """
        listed = self._list("/tasks")
        names = {member.id: member.name for member in self.nodes()} if listed else {}
        tasks = [task for item in listed if (task := Task.read(item, names)) and (all or task.current)]
        if service is not None:
            wanted = self.service(service)
            tasks = [task for task in tasks if wanted and task.service_id == wanted.id]
        tasks.sort(key=lambda task: task.created or _LONG_AGO, reverse=True)
        return tuple(sorted(tasks, key=lambda task: (task.service_id, task.slot)))

    def stacks(self) -> tuple[Stack, ...]:
        """The stacks of the swarm, each with its services; empty on a node that is not a manager."""
        services = sorted((one for one in self.services() if one.stack), key=lambda one: (one.stack, one.name))
        return tuple(Stack(name, tuple(its)) for name, its in groupby(services, key=lambda one: one.stack))

    def stack(self, name: str) -> Stack | None:
        """The stack of that name."""
        return next((stack for stack in self.stacks() if stack.name == name), None)

    def nodes(self) -> tuple[SwarmNode, ...]:
        """The members of the swarm; empty on a node that is not a manager."""
        return tuple(SwarmNode.read(item) for item in self._list("/nodes"))

    def images(self) -> tuple[str, ...]:
        """The names of the images on this node, each with its tag."""
        return tuple(name for item in self._list("/images/json") for name in item.texts("RepoTags"))

    def info(self) -> EngineInfo:
        """What `docker info` shows, the node's place in a swarm included."""
        answer = self._get("/info")
        if answer is None:
            raise NotAsExpected(
                expected=f"Docker on {self._node.name} tells about itself.", observed="It knows no such question."
            )
        return EngineInfo.read(answer)

    def inspect(self, kind: str, name: str) -> Mapping[str, JSON] | None:
        """The raw answer of `docker inspect` for a container, network, image, volume, service, node or task."""
        if kind not in _INSPECT:
            raise ValueError(f"inspect() knows {', '.join(_INSPECT)}, not {kind!r}")
        answer = self._get(_INSPECT[kind].format(quote(name, safe="")))
        if answer is None:
            return None
        return {key: item.value for key, item in answer.entries()}

    def _list(self, path: str) -> list[Answer]:
        answer = self._get(path)
        return list(answer.each()) if answer else []

    def _get(self, path: str) -> Answer | None:
        """One GET; None for "not found" and for "this node is not a swarm manager"."""
        node = self._node
        try:
            said = node._asker.ask(node.name, "docker", {"method": "GET", "path": path})  # noqa: SLF001
        except Refused as refusal:
            if refusal.code == "bad-request":
                raise ValueError(f"{node.name} did not accept {path}: {refusal.message}") from None
            raise NotAsExpected(
                expected=f"Docker on {node.name} answers.",
                observed="It does not answer." if refusal.code in {"unavailable", "timeout"} else refusal.message,
                hint="Docker may be starting again; if it stays away, look at what stopped it.",
            ) from None
        answer = Answer(said, node.name, f"docker {path.partition('?')[0]}")
        status = answer.integer("status")
        if status in _OK and not answer.flag("truncated", default=False):
            return Answer(answer.at("body"), node.name, answer.place)
        message = _message(answer)
        if status == 404 or (status in {406, 503} and "swarm" in message):
            return None
        raise NotAsExpected(
            expected=f"Docker on {node.name} answers {path.partition('?')[0]}.",
            observed="Its answer is too long to read." if status in _OK else f"It answered {status}: {message}",
        )


_INSPECT = {
    "container": "/containers/{}/json",
    "network": "/networks/{}",
    "image": "/images/{}/json",
    "volume": "/volumes/{}",
    "service": "/services/{}",
    "node": "/nodes/{}",
    "task": "/tasks/{}",
}


def _runs(item: Answer) -> bool:
    return item.text("State", default="") == "running"


def _message(answer: Answer) -> str:
    """The `message` of an error from Docker, whether the node gave it as JSON or as text."""
    body = answer.at("body")
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            return str(body)[:200]
    return str(body.get("message", ""))[:200] if isinstance(body, Mapping) else ""
