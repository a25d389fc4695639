"""The examiner of an installation: one long-lived container on its engine, one session in it for each worker process.

The container is made when it is missing and made anew when its options or its image have changed. It holds nothing of
value: losing it costs a retry.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, NotFound

from slipway.checks.confinement import IMAGE, container_options
from slipway.checks.examiner import Ask, Job, Verdict
from slipway.checks.program import keeper_arguments, payload, supervisor_arguments
from slipway.checks.session import Sessions
from slipway.core.errors import EngineError
from slipway.core.logs import get_logger
from slipway.sandboxes.backends.docker_streams import DockerStreams, ExecConnection

_log = get_logger(__name__)

_PYTHON = "/usr/bin/python3"
_LABEL = "slipway.examiner"
_CONFLICT = 409
_MISSING = 404
_TIMEOUT = 30  # seconds one call to the engine may take
_MAKING_SECONDS = 20.0


class ContainerExaminer:
    """Runs checks in the examiner container of one engine. Belongs to one event loop."""

    def __init__(self, url: str, *, installation: str, image: str = IMAGE, at_once: int = 12) -> None:
        self.container = f"slipway-examiner-{installation}"
        self._url = url
        self._image = image
        self._streams = DockerStreams(url)
        self._sessions = Sessions(at_once=at_once)

    async def examine(self, job: Job, ask: Ask) -> Verdict:
        """One look, as in the contract."""
        return await self._sessions.examine(job, ask, self._start)

    async def close(self) -> None:
        """End this process's session; the container stays for others."""
        await self._sessions.close()
        await self._streams.close()

    async def remove(self) -> None:
        """End the session and the container."""
        await self.close()
        await asyncio.to_thread(self._remove)

    async def _start(self) -> ExecConnection:
        await asyncio.to_thread(self._ensure)
        connection = await self._streams.open(self.container, [_PYTHON, *supervisor_arguments()])
        await connection.write(payload())
        return connection

    def _ensure(self) -> None:
        """The container runs, as it should be."""
        try:
            with docker.APIClient(base_url=self._url, timeout=_TIMEOUT, version="auto") as api:
                image = api.inspect_image(self._image)["Id"]  # type: ignore[no-untyped-call]
                wanted = json.dumps([image, keeper_arguments(), container_options()])
                digest = hashlib.sha256(wanted.encode()).hexdigest()
                until = time.monotonic() + _MAKING_SECONDS
                while not self._is_started(api, digest):
                    if time.monotonic() > until:
                        raise _lost("another process began to make the examiner and did not finish")
                    time.sleep(0.05)
        except (DockerException, requests.exceptions.RequestException, OSError) as error:
            raise _lost(repr(error)) from error

    def _is_started(self, api: docker.APIClient, digest: str) -> bool:
        """Make and start what is missing; False while another worker process is making it."""
        try:
            there: dict[str, Any] = api.inspect_container(self.container)  # Any: the engine's JSON
        except NotFound:
            self._create(api, digest)
        else:
            if there["Config"]["Labels"].get(_LABEL) != digest:
                _log.info("the examiner is made anew", container=self.container)
                _remove(api, there["Id"])  # by its id: another process may have made the new one already
                return False
        try:
            api.start(self.container)  # nothing happens when it runs
        except NotFound:
            return False
        return True

    def _create(self, api: docker.APIClient, digest: str) -> None:
        try:
            api.create_container(
                self._image,
                keeper_arguments(),
                entrypoint=[_PYTHON],
                name=self.container,
                hostname="examiner",
                labels={_LABEL: digest},
                environment={},
                working_dir="/",
                user="0",
                network_disabled=True,
                host_config=api.create_host_config(**container_options()),
            )
        except APIError as error:
            if error.status_code != _CONFLICT:  # another worker process made it
                raise

    def _remove(self) -> None:
        try:
            with docker.APIClient(base_url=self._url, timeout=_TIMEOUT, version="auto") as api:
                _remove(api, self.container)
        except (DockerException, requests.exceptions.RequestException, OSError) as error:
            raise EngineError(
                "engine-unreachable", "The engine of the labs does not answer at the moment.", detail=repr(error)
            ) from error


def _remove(api: docker.APIClient, container: str) -> None:
    """End and remove a container; one that is gone or going is done."""
    try:
        api.remove_container(container, force=True)
    except APIError as error:
        if error.status_code not in {_CONFLICT, _MISSING}:
            raise


def _lost(detail: str) -> EngineError:
    return EngineError("examiner-lost", "The checks could not be run just now. Nothing was counted.", detail=detail)
