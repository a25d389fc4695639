"""`make conformance`: Kubernetes' own tests against a sandbox's cluster of three, on an installation of our own.

`FOCUS=PATTERN` runs only the tests whose names match; `RESUME=1` leaves out what has passed since the last run without
it; `PROCESSES=N` is how many run at once. Ends with status 1 on a failure that is not in `known_failures.toml`.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path

from rich.console import Console

from slipway.sandboxes.backends.docker import DockerBackend
from tests.conformance import suite
from tests.conformance.suite import Outcome
from tests.engine.clusters import Cluster, wait_for_image
from tests.live import LivePlatform

REPORTS = Path(__file__).resolve().parents[2] / "var" / "conformance"
_CONSOLE = Console(highlight=False, markup=False, soft_wrap=True)
_LEASE_SECONDS = 6 * 3600
_PROCESSES = 8  # they wait more than they work


def main(*, focus: str, resume: bool, processes: int) -> int:
    """Run the tests and tell of each; returns the exit status."""
    if not resume:
        shutil.rmtree(REPORTS, ignore_errors=True)
    passed = suite.passed_before(REPORTS)
    known = suite.known_failures()
    began, count = time.monotonic(), 0

    def tell(outcome: Outcome, wanted: int) -> None:
        nonlocal count
        count += 1
        minutes, seconds = divmod(round(time.monotonic() - began), 60)
        word = "passed" if outcome.passed else "known " if outcome.name in known else "FAILED"
        _CONSOLE.print(
            f"{minutes:3}:{seconds:02} {count:4} of {wanted}  {word} {outcome.seconds:6.1f} s  {outcome.name}"
        )

    platform = LivePlatform()
    try:
        _CONSOLE.print("An installation and a cluster of three are started …")
        platform.start()
        wait_for_image(platform)
        suite.serve_images(platform)
        cluster = Cluster(DockerBackend(platform.docker_host, installation="conformance"), suite.TOPOLOGY)
        try:
            cluster.start(lease_seconds=_LEASE_SECONDS)
            began = time.monotonic()
            _CONSOLE.print(f"The cluster is ready; what the tests say is in {REPORTS / 'ginkgo.log'}.")
            outcomes = suite.run(cluster, REPORTS, processes=processes, focus=focus, without=sorted(passed), tell=tell)
        finally:
            cluster.remove()
    finally:
        platform.stop()
        platform.remove()
    return summary(outcomes, known, passed)


def summary(outcomes: list[Outcome], known: dict[str, str], before: set[str]) -> int:
    """Say how the tests have ended; returns 1 when one failed that was not known to, else 0."""
    failed = [outcome.name for outcome in outcomes if not outcome.passed]
    new = [name for name in failed if name not in known]
    mended = [outcome.name for outcome in outcomes if outcome.passed and outcome.name in known]
    for title, names in (("New failures", new), ("Known failures that pass now: take them off the list", mended)):
        if names:
            _CONSOLE.print(f"\n{title}:")
            for name in names:
                _CONSOLE.print(f"  {name}")
    earlier = f", {len(before)} had passed before" if before else ""
    _CONSOLE.print(
        f"\n{len(outcomes) - len(failed)} passed, {len(failed) - len(new)} failed as known, {len(new)} failed{earlier}."
        f" Reports: {REPORTS}"
    )
    return 1 if new else 0


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        status = main(
            focus=os.environ.get("FOCUS", ""),
            resume=bool(os.environ.get("RESUME")),
            processes=int(os.environ.get("PROCESSES", _PROCESSES)),
        )
    except KeyboardInterrupt:
        _CONSOLE.print("\nStopped; what had passed is kept for RESUME=1.")
        status = 130
    except RuntimeError as error:
        _CONSOLE.print(str(error))
        status = 1
    sys.exit(status)
