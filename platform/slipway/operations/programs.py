"""The processes of an installation on one machine, in the order in which they start."""

from __future__ import annotations

import socket
import sys
import urllib.error
import urllib.request
from pathlib import Path

import docker
import docker.errors
import redis
import requests
from django.conf import settings

from slipway.operations.supervisor import Program, python_command

_ROOT = Path(__file__).resolve().parents[3]
_WORKER_THREADS = 16  # they wait most of the time: for engines, for checks to converge


def redis_program() -> Program:
    """Redis on a private socket, in memory only: everything that must last is in the database."""
    path = settings.SLIPWAY_REDIS_SOCKET
    command = ["redis-server", "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700"]
    return Program("redis", [*command, "--save", "", "--appendonly", "no"], is_ready=redis_answers)


def redis_answers() -> bool:
    """Whether Redis answers on its socket."""
    try:
        with redis.Redis.from_url(settings.SLIPWAY_REDIS_URL, socket_timeout=1) as connection:
            return bool(connection.ping())
    except redis.RedisError:
        return False


def engine_program() -> Program:
    """Our own Docker Engine."""
    return Program("engine", python_command("engine"), is_ready=engine_answers)


def engine_answers() -> bool:
    """Whether the engine answers."""
    try:
        client = docker.APIClient(base_url=settings.SLIPWAY_DOCKER_HOST, timeout=3, version="auto")
        try:
            return bool(client.ping())
        finally:
            client.close()
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError):
        return False


def _celery(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "celery", "--app", "slipway.config", *arguments]


def worker_program() -> Program:
    """The worker: threads, for it waits for engines and nodes and computes next to nothing."""
    options = ("--pool", "threads", "--concurrency", str(_WORKER_THREADS), "--loglevel", "INFO")
    return Program("worker", _celery("worker", *options, "--without-gossip", "--without-mingle"), environment=_path())


def beat_program() -> Program:
    """The clock of the reaper."""
    return Program("beat", _celery("beat", "--loglevel", "WARNING"), environment=_path())


def observer_program() -> Program:
    """The observer of live sandboxes."""
    return Program("observer", python_command("observe"))


def web_program() -> Program:
    """The web process. Compression of WebSocket messages is off: it costs far more than it saves on one machine."""
    command = [sys.executable, "-m", "uvicorn", "slipway.config.asgi:application"]
    listen = ["--host", settings.SLIPWAY_LISTEN, "--port", str(settings.SLIPWAY_PORT)]
    sockets = ["--ws", "websockets-sansio", "--ws-per-message-deflate", "false", "--ws-max-size", str(2**20)]
    ending = ["--timeout-graceful-shutdown", "3", "--no-access-log", "--no-server-header", "--lifespan", "off"]
    return Program("web", [*command, *listen, *sockets, *ending], is_ready=web_answers, environment=_path())


def web_answers() -> bool:
    """Whether the web process answers that it is ready."""
    try:
        with urllib.request.urlopen(f"{local_url()}/readyz", timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def local_url() -> str:
    """The address of the web process for somebody on this machine."""
    return f"http://localhost:{settings.SLIPWAY_PORT}"


def port_is_free() -> bool:
    """Whether nothing else listens where the web process wants to."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.SLIPWAY_LISTEN, settings.SLIPWAY_PORT))
        except OSError:
            return False
    return True


def _path() -> dict[str, str]:
    return {"PYTHONPATH": f"{_ROOT / 'platform'}:{_ROOT}"}
