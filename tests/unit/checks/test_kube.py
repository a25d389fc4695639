"""The check API for Kubernetes, against tables of answers."""

from __future__ import annotations

from collections.abc import Mapping

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
    """An API server on `control`, and a Docker node beside it."""

    def __init__(self, answers: Mapping[str, JSON], status: int = 200) -> None:
        self._answers = answers
        self._status = status
        self.asked: list[str] = []

    def ask(self, node: str, op: str, params: Mapping[str, JSON]) -> JSON:
        """As a node answers."""
        assert op == "kubernetes"
        if node != "control":
            raise Refused("not-found", "This machine is not part of a Kubernetes cluster.")
        path = str(params["path"])
        self.asked.append(path)
        if path not in self._answers:
            return {"status": 404, "body": {"kind": "Status", "code": 404}, "truncated": False}
        return {"status": self._status, "body": self._answers[path], "truncated": False}


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


def test_a_check_may_ask_the_api_server_for_objects_and_nothing_else() -> None:
    asked = {"node": "control", "op": "kubernetes", "params": {"path": "/api/v1/nodes"}}
    assert permitted(asked, ["control"]).params["path"] == "/api/v1/nodes"
    for path in ("/metrics", "/api/v1/nodes\r\nX: y", "api/v1/nodes"):
        with pytest.raises(BadQuestion):
            permitted({**asked, "params": {"path": path}}, ["control"])
    with pytest.raises(BadQuestion):
        permitted({**asked, "params": {"path": "/api/v1/nodes", "method": "DELETE"}}, ["control"])
