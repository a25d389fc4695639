"""The examiner container's first process: waits for ever, and buries what sessions leave behind."""

from __future__ import annotations

import contextlib
import os
import signal


def main() -> None:
    """Until SIGTERM."""
    waited = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, waited)
    while signal.sigwait(waited) == signal.SIGCHLD:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
