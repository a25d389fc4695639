"""The check API for Kubernetes, against tables of answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from slipway.checks import Lab
from slipway.checks.authoring.answers import JSON
from slipway.checks.authoring.asking import Refused
from slipway.checks.authoring.expectations import NotAsExpected
from slipway.checks.questions import BadQuestion, permitted

DEPLOYMENT: JSON = {
    "metadata": {"name": "web", "namespace": "default", "labels": {"app": "web"}},
    "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "web", "image": "nginx:1.26"}]}}},
    "status": {"readyReplicas": 2, "conditions": [{"type": "Available", "status": "True", "reason": "Enough"}]},
}
POD: JSON = {
    "metadata": {
        "name": "web-1",
        "namespace": "default",
        "ownerReferences": [{"kind": "ReplicaSet", "name": "web-5f"}],
    },
    "spec": {"nodeName": "worker1", "containers": [{"image": "nginx:1.26"}]},
    "status": {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}],
    },
}


class Cluster:
    """An API server on `control`, and a Docker node beside it; those of `unplugged` have no power."""

    def __init__(self, answers: Mapping[str, JSON], status: int = 200, *, unplugged: Collection[str] = ()) -> None:
        self._answers = answers
        self._unplugged = unplugged
        self._status = status
        self.asked: list[str] = []
        self.ran: list[tuple[str, JSON]] = []

    def ask(self, node: str, op: str, params: Mapping[str, JSON]) -> JSON:
        """As a node answers."""
        if op == "run":
            self.ran.append((node, params["argv"]))
            return {"exit_code": 0, "stdout": "10.244.1.2", "stderr": ""}
        assert op == "kubernetes"
        if node in self._unplugged:
            raise Refused("unavailable", f"{node} has no power.")
        if node != "control":
            raise Refused("not-found", "This machine is not part of a Kubernetes cluster.")
        path = str(params["path"])
        self.asked.append(path)
        if path not in self._answers:
            return {"status": 404, "body": {"kind": "Status", "code": 404}, "truncated": False}
        return {"status": self._status, "body": self._answers[path], "truncated": False}


def replica_set(name: str, revision: str, image: str, *, former: str = "", wanted: int = 0) -> JSON:
    """As the API tells of one that a deployment called web has made."""
    notes = {
        f"deployment.kubernetes.io/revision{suffix}": text for suffix, text in (("", revision), ("-history", former))
    }
    return {
        "metadata": {
            "name": name,
            "annotations": notes,
            "creationTimestamp": "2026-11-24T22:01:24Z",
            "ownerReferences": [{"kind": "Deployment", "name": "web"}],
        },
        "spec": {"replicas": wanted, "template": {"spec": {"containers": [{"image": image}]}}},
        "status": {"readyReplicas": wanted},
    }


def lab_of(cluster: Cluster, *nodes: str) -> Lab:
    return Lab(cluster, nodes=nodes or ("docker1", "control"), parameters={})


def test_a_deployment_is_read_with_what_checks_ask_for_most() -> None:
    lab = lab_of(Cluster({"/apis/apps/v1/namespaces/default/deployments/web": DEPLOYMENT}))
    web = lab.kube.get("deployment", "web")
    assert web is not None
    assert (web.ready, web.images, web.at("spec", "replicas")) == (True, ("nginx:1.26",), 2)
    assert web.condition("Available") is not None
    assert web.condition("Progressing") is None


def test_a_pod_tells_its_node_its_owner_and_that_it_is_not_ready() -> None:
    lab = lab_of(Cluster({"/api/v1/namespaces/default/pods?labelSelector=app%3Dweb": {"items": [POD]}}))
    (pod,) = lab.kube.pods(labels={"app": "web"})
    assert (pod.node, pod.owner, pod.phase, pod.ready) == ("worker1", "ReplicaSet/web-5f", "Running", False)


def test_what_is_not_there_is_none_or_empty() -> None:
    lab = lab_of(Cluster({"/api/v1/namespaces": {"items": []}}))
    assert lab.kube.get("Service", "web") is None
    assert lab.kube.list("namespaces") == ()


@pytest.mark.parametrize("kind", ["pods", "Pod", "pod"])
def test_a_kind_may_be_written_as_kubectl_takes_it(kind: str) -> None:
    cluster = Cluster({})
    assert lab_of(cluster).kube.list(kind, namespace=None) == ()
    assert cluster.asked == ["/api/v1/pods"]


def test_a_kind_nobody_knows_is_the_authors_mistake() -> None:
    with pytest.raises(ValueError, match="not 'gadget'"):
        lab_of(Cluster({})).kube.list("gadget")


def test_a_lab_without_a_cluster_is_the_authors_mistake() -> None:
    with pytest.raises(LookupError, match="No machine of this lab"):
        lab_of(Cluster({}), "docker1").kube.nodes()


def test_an_api_server_that_refuses_becomes_a_sentence() -> None:
    with pytest.raises(NotAsExpected, match="answered 503"):
        lab_of(Cluster({"/api/v1/nodes": {"message": "starting"}}, status=503)).kube.nodes()


def test_a_machine_without_power_does_not_hide_the_api_server_behind_it() -> None:
    answers: dict[str, JSON] = {"/api/v1/nodes": {"items": [{"metadata": {"name": "control"}}]}}
    (node,) = lab_of(Cluster(answers, unplugged=["docker1"])).kube.nodes()
    assert node.name == "control"
    with pytest.raises(NotAsExpected, match="control has no power"):
        lab_of(Cluster(answers, unplugged=["docker1", "control"])).kube.nodes()


def test_a_check_may_ask_the_api_server_for_objects_and_nothing_else() -> None:
    asked = {"node": "control", "op": "kubernetes", "params": {"path": "/api/v1/nodes"}}
    assert permitted(asked, ["control"]).params["path"] == "/api/v1/nodes"
    for path in ("/metrics", "/api/v1/nodes\r\nX: y", "api/v1/nodes"):
        with pytest.raises(BadQuestion):
            permitted({**asked, "params": {"path": path}}, ["control"])
    with pytest.raises(BadQuestion):
        permitted({**asked, "params": {"path": "/api/v1/nodes", "method": "DELETE"}}, ["control"])


def test_the_history_of_a_deployment_is_told_oldest_first_with_what_was_rolled_back_to() -> None:
    sets: list[JSON] = [
        replica_set("web-5f", "3", "web:1", former="1", wanted=2),
        replica_set("web-7c", "2", "web:2"),
        {"metadata": {"name": "other-1", "ownerReferences": [{"kind": "Deployment", "name": "other"}]}},
    ]
    lab = lab_of(Cluster({"/apis/apps/v1/namespaces/default/replicasets": {"items": sets}}))
    old, now = lab.kube.revisions("web")
    assert (old.number, old.images, old.wanted, old.former) == (2, ("web:2",), 0, ())
    assert (now.number, now.images, now.ready, now.former) == (3, ("web:1",), 2, (1,))
    assert now.created is not None


def test_a_history_that_makes_no_sense_has_no_numbers() -> None:
    sets: list[JSON] = [replica_set("web-5f", "-1", "web:1", former="one,,2,9999999999999")]
    (found,) = lab_of(Cluster({"/apis/apps/v1/namespaces/default/replicasets": {"items": sets}})).kube.revisions("web")
    assert (found.number, found.former) == (0, (0, 2, 0))


def test_events_are_found_by_what_happened_and_to_whom() -> None:
    events: list[JSON] = [
        {
            "reason": "Killing",
            "involvedObject": {"kind": "Pod", "name": "web-1"},
            "lastTimestamp": "2026-11-24T22:01:24Z",
        },
        {"reason": "BackOff", "involvedObject": {"kind": "Pod", "name": "web-2"}, "type": "Warning", "count": 4},
        {"reason": "Killing", "involvedObject": 7, "lastTimestamp": "soon"},
    ]
    kube = lab_of(Cluster({"/api/v1/namespaces/default/events": {"items": events}})).kube
    first, strange = kube.events(reason="Killing")
    assert (first.kind, first.name, first.count, first.warning) == ("Pod", "web-1", 1, False)
    assert first.last is not None
    assert (strange.name, strange.last) == ("", None)
    (warning,) = kube.events(name="web-2")
    assert (warning.count, warning.warning) == (4, True)


def test_a_log_is_text_and_none_where_there_is_no_pod() -> None:
    path = "/api/v1/namespaces/default/pods/visitors/log?tailLines=2000"
    kube = lab_of(Cluster({path: "   2 s   web-1 40\n40 of 40 answered, 0 failed; half within 4 ms\n"})).kube
    found = kube.visits("visitors")
    assert found is not None
    assert found.verdict == "0 of 40 failed"
    assert kube.visits("nobody") is None


def test_the_log_of_a_container_that_has_not_started_is_empty() -> None:
    path = "/api/v1/namespaces/default/pods/web-1/log?tailLines=5&container=web"
    kube = lab_of(Cluster({path: {"message": "is waiting to start"}}, status=400)).kube
    assert kube.logs("web-1", container="web", lines=5) == ""


def test_a_program_in_a_pod_is_run_from_the_control_plane() -> None:
    control: JSON = {"metadata": {"name": "control", "labels": {"node-role.kubernetes.io/control-plane": ""}}}
    cluster = Cluster({"/api/v1/nodes": {"items": [{"metadata": {"name": "worker1"}}, control]}})
    said = lab_of(cluster, "worker1", "control").kube.exec("web-1", ["hostname", "-i"], container="web")
    assert said.stdout == "10.244.1.2"
    words = ["kubectl", "exec", "--namespace", "default", "web-1", "--container", "web", "--", "hostname", "-i"]
    assert cluster.ran == [("control", words)]


def test_addresses_ports_and_moments_of_objects_are_read() -> None:
    service: JSON = {"spec": {"clusterIP": "10.96.0.7", "ports": [{"port": 80, "nodePort": 30080}, {"port": 81}]}}
    going: JSON = {"metadata": {"deletionTimestamp": "2026-11-24T22:01:24Z"}, "status": {"podIP": "10.244.1.2"}}
    path = "/api/v1/namespaces/default"
    kube = lab_of(Cluster({f"{path}/services/web": service, f"{path}/pods/web-1": going})).kube
    found, pod = kube.get("service", "web"), kube.get("pod", "web-1")
    assert found is not None
    assert pod is not None
    assert (found.address, found.node_ports, found.deleting) == ("10.96.0.7", (30080,), False)
    assert (pod.address, pod.deleting) == ("10.244.1.2", True)
    assert pod.moment("metadata", "deletionTimestamp") is not None
    assert pod.moment("metadata", "creationTimestamp") is None
