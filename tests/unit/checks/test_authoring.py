"""The API that authors write checks with, against tables of answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.checks import Lab, expect
from slipway.checks.authoring.answers import JSON
from slipway.checks.authoring.asking import Refused
from slipway.checks.authoring.expectations import NotAsExpected, in_words, sentence
from slipway.checks.questions import BadQuestion, permitted

JSON_VALUES: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


class Table:
    """Answers of one node's Docker by path, and of its other operations by name."""

    def __init__(self, docker: Mapping[str, JSON] | None = None, **answers: JSON) -> None:
        self._docker = docker or {}
        self._answers = answers
        self.asked: list[Mapping[str, JSON]] = []

    def ask(self, node: str, op: str, params: Mapping[str, JSON]) -> JSON:
        self.asked.append(params)
        answer = (
            self._docker.get(str(params.get("path"))) if op == "docker" else self._answers.get(op.replace("-", "_"))
        )
        if isinstance(answer, Refused):
            raise answer
        if op == "docker" and answer is None:
            return {"status": 404, "body": {"message": "not found"}, "truncated": False}
        return {"status": 200, "body": answer, "truncated": False} if op == "docker" else answer


def _lab(docker: Mapping[str, JSON] | None = None, **answers: JSON) -> Lab:
    return Lab(Table(docker, **answers), nodes=["node1", "node2"], parameters={"port": 8080, "name": "web"})


CONTAINER: JSON = {
    "Id": "c1",
    "Names": ["/web"],
    "Image": "nginx",
    "State": "running",
    "Status": "Up 3 seconds",
    "Ports": [{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}],
    "NetworkSettings": {"Networks": {"bridge": {"IPAddress": "172.17.0.2"}}},
    "Labels": {"com.docker.swarm.service.name": "front"},
}


def test_containers_are_read_with_their_ports_networks_and_service() -> None:
    docker = (
        _lab({"/containers/json?all=true": [CONTAINER, {"Id": "c2", "Names": ["/old"], "State": "exited"}]})
        .node("node1")
        .docker
    )
    (container,) = docker.containers()
    assert (container.name, container.running, container.service) == ("web", True, "front")
    assert container.networks == {"bridge": "172.17.0.2"}
    assert container.ports[0].public == 8080
    assert [one.name for one in docker.containers(all=True)] == ["web", "old"]
    assert docker.container("nothing") is None


def test_a_network_is_read_with_who_is_on_it() -> None:
    networks: dict[str, JSON] = {
        "/networks": [{"Id": "n1", "Name": "web", "Driver": "overlay", "Scope": "swarm"}],
        "/networks/n1": {
            "Id": "n1",
            "Name": "web",
            "Driver": "overlay",
            "Scope": "swarm",
            "IPAM": {"Config": [{"Subnet": "10.0.1.0/24"}]},
            "Containers": {"c1": {"Name": "front.1", "IPv4Address": "10.0.1.3/24"}},
        },
    }
    network = expect(_lab(networks).node("node1").docker.network("web"), "the network web").exists()
    assert (network.driver, network.scope, network.subnets) == ("overlay", "swarm", ("10.0.1.0/24",))
    assert [(one.name, one.address) for one in network.containers] == [("front.1", "10.0.1.3/24")]


def test_a_service_is_read_with_its_tasks() -> None:
    docker = (
        _lab(
            {
                "/services?status=true": [
                    {
                        "ID": "s1",
                        "Spec": {
                            "Name": "front",
                            "Mode": {"Replicated": {"Replicas": 2}},
                            "TaskTemplate": {
                                "ContainerSpec": {"Image": "nginx:latest@sha256:1"},
                                "Networks": [{"Target": "n1"}],
                            },
                        },
                        "ServiceStatus": {"RunningTasks": 1, "DesiredTasks": 2},
                        "Endpoint": {"Ports": [{"TargetPort": 80, "PublishedPort": 8080, "Protocol": "tcp"}]},
                    }
                ],
                "/tasks": [
                    {
                        "ID": "t1",
                        "ServiceID": "s1",
                        "NodeID": "a",
                        "DesiredState": "running",
                        "Status": {"State": "running"},
                    },
                    {"ID": "t2", "ServiceID": "other", "NodeID": "b", "Status": {"State": "pending"}},
                ],
            }
        )
        .node("node1")
        .docker
    )
    service = expect(docker.service("front"), "the service front").exists()
    assert (service.image, service.mode, service.running, service.desired) == ("nginx:latest", "replicated", 1, 2)
    assert (service.network_ids, service.ports[0].public) == (("n1",), 8080)
    assert [task.running for task in docker.tasks("front")] == [True]


class NotAManager(Table):
    """Docker of a node that is in no swarm, or only works in one."""

    def ask(self, node: str, op: str, params: Mapping[str, JSON]) -> JSON:
        return {"status": 503, "body": '{"message": "This node is not a swarm manager."}', "truncated": False}


def test_a_node_that_is_no_manager_knows_no_services_nodes_or_tasks() -> None:
    docker = Lab(NotAManager(), nodes=["node1"], parameters={}).node("node1").docker
    assert (docker.services(), docker.nodes(), docker.tasks()) == ((), (), ())


def test_a_file_that_is_not_there_is_none() -> None:
    lab = _lab(read_file=Refused("not-found", "There is no such file."))  # type: ignore[arg-type]
    assert lab.node("node1").files.read("/nothing") is None


def test_a_command_in_a_container_cannot_become_an_option() -> None:
    with pytest.raises(ValueError, match="no name of a container"):
        _lab().node("node1").exec("--privileged", ["id"])


def test_a_command_is_a_list_of_words() -> None:
    with pytest.raises(TypeError, match="list of words"):
        _lab().node("node1").run("docker ps")


def test_a_wrong_name_says_what_is_near_it() -> None:
    with pytest.raises(AttributeError, match="did you mean 'port'"):
        _ = _lab().params.prot
    with pytest.raises(LookupError, match="did you mean 'node1'"):
        _lab().node("nod1")


def _finding(look: Callable[[], object]) -> NotAsExpected | None:
    try:
        look()
    except NotAsExpected as finding:
        return finding
    return None


@given(JSON_VALUES)
def test_whatever_a_node_says_becomes_values_or_a_sentence(said: JSON) -> None:
    paths = (
        "/containers/json?all=true",
        "/networks",
        "/services?status=true",
        "/tasks",
        "/nodes",
        "/info",
        "/images/json",
    )
    node = _lab(dict.fromkeys(paths, said), http=said, ping=said, run=said, links=said, tcp=said, read_file=said).node(
        "node1"
    )
    docker = node.docker
    for look in (
        docker.containers, docker.networks, docker.services, docker.tasks, docker.nodes, docker.info, docker.images,
        lambda: docker.network("web"), lambda: node.http("http://x/"), lambda: node.ping("x"), lambda: node.run(["x"]),
        node.links, lambda: node.tcp("x:1"), lambda: node.files.read("/x"),
    ):  # fmt: skip
        finding = _finding(look)
        assert finding is None or (finding.expected.endswith(".") and len(finding.observed) < 1000)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing"),
        ("", "empty"),
        (True, "yes"),
        (200, "200"),
        ("web", "“web”"),
        (("a", "b", "c"), "“a”, “b” and “c”"),
        ([], "nothing"),
        ("x" * 5000, "“" + "x" * 159 + "…”"),
    ],
)
def test_values_are_said_as_a_person_would(value: object, words: str) -> None:
    assert in_words(value) == words


def test_every_comparison_says_what_it_wanted_and_what_it_saw() -> None:
    cases = [
        (lambda: expect(404, "status").equals(200), "Status is 200.", "Status is 404."),
        (
            lambda: expect(1, "the number of tasks").at_least(2),
            "The number of tasks is at least 2.",
            "The number of tasks is 1.",
        ),
        (lambda: expect(["a"], "the list").contains("b"), "The list contains “b”.", "The list is “a”."),
        (lambda: expect(None, "the list").contains("b"), "The list contains “b”.", "The list is nothing."),
        (
            lambda: expect(None, "the network web").exists(),
            "The network web exists.",
            "The network web does not exist.",
        ),
        (lambda: expect("x", "container x").is_absent(), "There is no container x.", "Container x exists."),
        (
            lambda: expect(False, "node1 is in a swarm").is_true(),
            "Node1 is in a swarm.",
            "It is not so that node1 is in a swarm.",
        ),
        (lambda: expect("abc", "the page").matches("^x"), "The page matches the pattern ^x.", "The page is “abc”."),
        (lambda: expect(5, "the port").is_in([80, 81]), "The port is 80 or 81.", "The port is 5."),
    ]
    for compare, expected, observed in cases:
        with pytest.raises(NotAsExpected) as caught:
            compare()
        assert (caught.value.expected, caught.value.observed) == (expected, observed)


@given(st.text())
def test_a_sentence_is_short_and_ends(text: str) -> None:
    said = sentence(text)
    assert len(said) <= 602
    assert not said or said[-1] in ".!?…"


@given(JSON_VALUES, JSON_VALUES)
def test_no_question_gets_through_that_is_not_on_the_list(asked: JSON, params: JSON) -> None:
    for question in (asked, {"node": "node1", "op": "docker", "params": params}):
        try:
            allowed = permitted(question, ["node1"])
        except BadQuestion:
            continue
        assert allowed.node == "node1"
        assert allowed.params["method"] == "GET"


@pytest.mark.parametrize(
    ("op", "params"),
    [
        ("docker", {"method": "POST", "path": "/containers/create"}),
        ("docker", {"path": "/x HTTP/1.1\r\nHost: y"}),
        ("docker", {"path": "/x", "body": {"a": 1}}),
        ("http", {"url": "file:///etc/passwd"}),
        ("run", {"argv": "id"}),
        ("run", {"argv": ["id"], "timeout_ms": 10**9}),
        ("write-files", {"files": []}),
        ("lease", {"seconds": 9999}),
        ("power", {"plugged": False}),
        ("shell", {"shell": "1"}),
        ("dial", {"address": "127.0.0.1:22"}),
    ],
)
def test_what_is_not_on_the_list_is_refused(op: str, params: dict[str, JSON]) -> None:
    with pytest.raises(BadQuestion):
        permitted({"node": "node1", "op": op, "params": params}, ["node1"])
