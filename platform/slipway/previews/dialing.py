"""The way from a preview to its port: a connection that the node itself opens, on its loopback or at its own name."""

from __future__ import annotations

from slipway.core.errors import EngineError
from slipway.core.logs import get_logger
from slipway.previews.access import Target
from slipway.previews.problems import Problem
from slipway.sandboxes.backends import get_backend
from slipway.sandboxes.nodes import DialStream, NodeRefusal, open_dial

_log = get_logger(__name__)
_CONNECT_SECONDS = 5.0


async def dial(target: Target) -> DialStream:
    """Connect to the target's port. Raises `Problem` with what to tell the person."""
    words = {"node": target.node, "port": target.port}
    try:
        try:
            return await _open(target, "127.0.0.1")
        except NodeRefusal as refusal:
            if "refused" not in refusal.message:
                raise
            # Perhaps it listens on the node's own address alone.
            return await _open(target, target.node)
    except NodeRefusal as refusal:
        if refusal.code == "timeout":
            raise Problem(504, "Port %(port)s of %(node)s does not answer.", words, retry=True) from refusal
        if refusal.code != "failed":
            _log.info("preview refused", sandbox=str(target.sandbox), node=target.node, refusal=str(refusal))
        raise Problem(502, "Nothing listens on port %(port)s of %(node)s yet.", words, retry=True) from refusal
    except EngineError as error:
        _log.warning("preview lost", sandbox=str(target.sandbox), node=target.node, error=str(error))
        raise Problem(503, "%(node)s does not answer at the moment.", words, retry=True) from error


async def _open(target: Target, host: str) -> DialStream:
    address = f"{host}:{target.port}"
    return await open_dial(get_backend(), target.sandbox, target.node, address, timeout=_CONNECT_SECONDS)
