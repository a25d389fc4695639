"""A process that has everything imported and does nothing but fork the one that works, again whenever that has died:
coming back takes milliseconds then, where importing takes seconds.

The working process must inherit nothing that two may not share. So no event loop, no thread and no connection may exist
where `stand_by` is called; what is imported for later uses must only be imported.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import time
from types import FrameType

from slipway.core.logs import get_logger

_log = get_logger(__name__)
_PR_SET_PDEATHSIG = 1
_ENDING = (signal.SIGTERM, signal.SIGINT)


def stand_by(*, steady_seconds: float = 1.0) -> None:
    """Return in a child, and in a new one whenever the last has died; this process itself leaves with `SystemExit`.

    It leaves once it was asked to end, and when a child has not lived for `steady_seconds`: whoever starts this
    process knows how to wait between one attempt and the next.
    """
    gc.freeze()  # pages with what was imported stay shared
    parent = os.getpid()
    while True:
        # A signal that comes before the child is known would end the parent alone.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        began, child = time.monotonic(), os.fork()
        if child == 0:
            _begin_child(parent)
            return
        status, was_asked = _watch(child)
        if was_asked or time.monotonic() - began < steady_seconds:
            sys.exit(status if status >= 0 else 128 - status)
        _log.warning("child ended, forking another", pid=child, status=status)


def _begin_child(parent: int) -> None:
    """Signals as a program finds them at its start; an end with the parent's, and no Ctrl-C but the parent's."""
    for number in _ENDING:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
    os.setpgid(0, 0)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before it could be told
        os._exit(1)


def _watch(child: int) -> tuple[int, bool]:
    """Wait for the child's end, passing on to it that it shall end; its status, and whether it was asked to."""
    asked = False

    def pass_on(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        os.kill(child, signal.SIGTERM)

    for number in _ENDING:
        signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # the pid stays its own while a signal may be passed on
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), asked
