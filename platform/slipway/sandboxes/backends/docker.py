"""Sandboxes on a Docker Engine: one internal network a sandbox, one user-namespaced container a node.

`docs/node-container.md` says why each setting is there. Nodes are never privileged. Everything is found again by name
and label, so that a call may be repeated after any crash.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound, NotFound

from slipway.core.errors import EngineError
from slipway.core.ids import SandboxId
from slipway.core.logs import get_logger
from slipway.sandboxes.backends.base import ClusterPlace, NodeLimits, NodeState, NodeStatus, Survey, image_missing
from slipway.sandboxes.backends.docker_node import node_config
from slipway.sandboxes.backends.docker_streams import DockerStreams, ExecConnection
from slipway.sandboxes.topology import NodeSpec

_log = get_logger(__name__)
T = TypeVar("T")

SANDBOX_LABEL = "slipway.sandbox"
NODE_LABEL = "slipway.node"
INSTALLATION_LABEL = "slipway.installation"
_CONNECT_COMMAND = ["/usr/sbin/slipway-node", "connect"]
_CONFLICT = 409
_TIMEOUT = 60  # seconds one call to the engine may take


@contextmanager
def _engine_errors(what: str) -> Iterator[None]:
    """Turn whatever the SDK raises into an `EngineError` that says what was being done."""
    try:
        yield
    except ImageNotFound as error:
        raise image_missing(str(error)) from error
    except (DockerException, requests.exceptions.RequestException, OSError) as error:
        raise EngineError(
            "engine-unreachable",
            "The engine of the labs does not answer at the moment.",
            detail=f"{what}: {error}",
        ) from error


def _unless_missing(call: Callable[[], T]) -> T | None:
    try:
        return call()
    except NotFound:
        return None


class DockerBackend:
    """The backend for one engine. `installation` tells its sandboxes from those of others on the same engine."""

    def __init__(self, url: str, *, installation: str) -> None:
        self.url = url
        self._installation = installation
        self._streams = DockerStreams(url)

    @functools.cached_property
    def _api(self) -> docker.APIClient:
        return docker.APIClient(base_url=self.url, timeout=_TIMEOUT, version="auto")

    def create_network(self, *, sandbox: SandboxId) -> None:
        """As in the contract: internal, and without an address of the host on it."""
        name = _network_name(sandbox)
        with _engine_errors("creating the network"):
            if self._api.networks(names=[name]):
                return
            try:
                self._api.create_network(
                    name,
                    driver="bridge",
                    internal=True,
                    check_duplicate=True,
                    options={"com.docker.network.bridge.inhibit_ipv4": "true"},
                    labels=self._labels(sandbox),
                )
            except APIError as error:
                if error.status_code != _CONFLICT:
                    raise

    def create_node(
        self,
        *,
        sandbox: SandboxId,
        node: NodeSpec,
        peers: tuple[str, ...],
        limits: NodeLimits,
        lease_seconds: int,
        cluster: ClusterPlace | None = None,
    ) -> None:
        """As in the contract."""
        name = container_name(sandbox, node.name)
        with _engine_errors(f"creating {name}"):
            config = node_config(
                node,
                network=_network_name(sandbox),
                labels={**self._labels(sandbox), NODE_LABEL: node.name},
                peers=peers,
                limits=limits,
                lease_seconds=lease_seconds,
                cluster=cluster,
            )
            try:
                self._api.create_container_from_config(config, name)  # type: ignore[no-untyped-call]  # no stub
            except APIError as error:
                if error.status_code != _CONFLICT:
                    raise
            self._api.start(name)

    def survey(self, *, sandbox: SandboxId | None = None) -> Survey:
        """As in the contract."""
        labels = [f"{INSTALLATION_LABEL}={self._installation}"]
        if sandbox:
            labels.append(f"{SANDBOX_LABEL}={sandbox}")
        found: dict[SandboxId, dict[str, NodeStatus]] = {}
        with _engine_errors("listing sandboxes"):
            for network in self._api.networks(filters={"label": labels}):
                if key := _sandbox_of(network.get("Labels")):
                    found.setdefault(key, {})
            for container in self._api.containers(all=True, filters={"label": labels}):
                if key := _sandbox_of(container.get("Labels")):
                    nodes = found.setdefault(key, {})
                    nodes[container["Labels"].get(NODE_LABEL, "")] = self._status(container)
        return found

    def _status(self, container: Mapping[str, Any]) -> NodeStatus:
        if container["State"] not in {"exited", "dead"}:
            return NodeStatus(NodeState.RUNNING)
        details = _unless_missing(lambda: self._api.inspect_container(container["Id"]))
        state = details["State"] if details else {}
        ended = NodeState.OUT_OF_MEMORY if state.get("OOMKilled") else NodeState.ENDED
        return NodeStatus(ended, int(state.get("ExitCode", 0)))

    def remove(self, *, sandbox: SandboxId) -> None:
        """As in the contract."""
        labels = [f"{INSTALLATION_LABEL}={self._installation}", f"{SANDBOX_LABEL}={sandbox}"]
        with _engine_errors(f"removing {sandbox}"):
            for container in self._api.containers(all=True, filters={"label": labels}):
                self._remove_container(container["Id"])
            for network in self._api.networks(filters={"label": labels}):
                identity = network["Id"]
                _unless_missing(functools.partial(self._api.remove_network, identity))

    def _remove_container(self, identity: str) -> None:
        try:
            self._api.remove_container(identity, force=True, v=True)
        except NotFound:
            return
        except APIError as error:
            # Somebody else is removing it right now, which is as good.
            if error.status_code != _CONFLICT:
                raise

    async def connect(self, *, sandbox: SandboxId, node: str) -> ExecConnection:
        """As in the contract."""
        return await self._streams.open(container_name(sandbox, node), _CONNECT_COMMAND)

    async def disconnect(self) -> None:
        """As in the contract."""
        await self._streams.close()

    def _labels(self, sandbox: SandboxId) -> dict[str, str]:
        return {INSTALLATION_LABEL: self._installation, SANDBOX_LABEL: str(sandbox)}


def _network_name(sandbox: SandboxId) -> str:
    return f"slipway-{sandbox.hex}"


def container_name(sandbox: SandboxId, node: str) -> str:
    """What the engine calls the container of a node."""
    return f"slipway-{sandbox.hex}-{node}"


def _sandbox_of(labels: Mapping[str, str] | None) -> SandboxId | None:
    try:
        return SandboxId(UUID((labels or {}).get(SANDBOX_LABEL, "")))
    except ValueError:
        return None
