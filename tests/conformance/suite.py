"""Kubernetes' own conformance tests, upstream's program as it is, against the cluster of a sandbox.

The tests run on this machine but in the network of the cluster's control plane, since nothing else reaches it. Their
pods' images come from the platform's registry.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.operations.images.service import CONFORMANCE
from slipway.operations.installation import image_place
from slipway.sandboxes.topology import NodeKind, NodeSpec, Topology
from tests.engine.clusters import Cluster
from tests.live import LivePlatform

# The conformance tests that need not be alone on the cluster, do not take it apart and are not slow by profession.
LABELS = "Conformance && !Serial && !Slow && !Disruptive"
# Several tests' pods at once want more room than one learner's.
TOPOLOGY = Topology(
    nodes=(
        NodeSpec(name="control", kind=NodeKind.KUBERNETES_CONTROL, memory_mb=3072),
        NodeSpec(name="worker1", kind=NodeKind.KUBERNETES_WORKER, memory_mb=3072, disk_mb=8192),
        NodeSpec(name="worker2", kind=NodeKind.KUBERNETES_WORKER, memory_mb=3072, disk_mb=8192),
    )
)
_HERE = Path(__file__).resolve().parent
_REGISTRIES = dict.fromkeys(("promoterE2eRegistry", "gcEtcdRegistry"), "docker.io/e2e-test-images")
_MOST_SECONDS = 6 * 3600
_STOP_SECONDS = 20.0
_FAILURE_LENGTH = 1500
_WANTED = re.compile(r"^Will run (?P<number>\d+) of \d+ specs$")
# What ginkgo writes of a test that has ended: a line of its state and time, and a line of its name.
_ENDED = re.compile(r"^• (\[(?P<state>[A-Z ]+)\] )?\[(?P<seconds>[0-9.]+) seconds\]$")
# What it adds to a name: the labels at its end and, when the test has failed, the part that did.
_ADDED = re.compile(r" \[[^\[\]]+, [^\[\]]+\]$| \[(It|[A-Za-z]*Each|DeferCleanup \(Each\))\](?= )")


@dataclass(frozen=True)
class Outcome:
    """How one test ended, and after how many seconds."""

    name: str
    passed: bool
    seconds: float


def known_failures() -> dict[str, str]:
    """The tests that cannot pass, by name, and why."""
    return dict(tomllib.loads((_HERE / "known_failures.toml").read_text()))


def subset() -> tuple[str, ...]:
    """The names of the tests that are part of `make test`."""
    lines = (_HERE / "subset.txt").read_text().splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


def serve_images(platform: LivePlatform) -> None:
    """Have the installation's registry serve what the tests run in pods, beside the images for learners."""
    platform.manage("images", "--only", CONFORMANCE)


def run(
    cluster: Cluster,
    reports: Path,
    *,
    processes: int,
    focus: str = "",
    only: Sequence[str] = (),
    without: Sequence[str] = (),
    tell: Callable[[Outcome, int], None] = lambda *_: None,
) -> list[Outcome]:
    """Run those conformance tests that match the pattern `focus`, or are named in `only`, less those in `without`.

    All when neither is given. Each run's report becomes a file of its own in the folder `reports`, and what the tests
    say is in `ginkgo.log` there. `tell` hears of each test that has ended, and of how many. Raises `RuntimeError` when
    none has run.
    """
    reports.mkdir(parents=True, exist_ok=True)
    number = len(list(reports.glob("junit_*.xml"))) + 1
    report, log = reports / f"junit_{number:02}_01.xml", reports / "ginkgo.log"
    labels = "Conformance" if only else LABELS
    pattern = "|".join(f"{re.escape(name)}$" for name in only) or focus
    skipped = "|".join(f"{re.escape(name)}$" for name in without)
    with tempfile.TemporaryDirectory(prefix="slw-conformance-") as scratch:
        command = [
            *_ginkgo(cluster, Path(scratch), processes),
            *(f"--label-filter={labels}", f"--focus={pattern}", f"--skip={skipped}", f"{scratch}/e2e.test", "--"),
            *(f"--kubeconfig={scratch}/kubeconfig", f"--kubectl-path={scratch}/kubectl", "--provider=skeleton"),
            *(f"--report-dir={reports}", f"--report-prefix={number:02}_"),
        ]
        process = subprocess.Popen(
            command,
            env={**os.environ, "KUBE_TEST_REPO_LIST": f"{scratch}/registries.yaml"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            with log.open("w") as copy:
                for outcome, wanted in ended(_copied(process.stdout or (), copy.write)):
                    tell(outcome, wanted)
            process.wait()
        finally:
            _stop(process)
    outcomes = [
        Outcome(name, case.get("status") == "passed", float(case.get("time", 0)))
        for name, case in (_cases(report) if report.exists() else ())
        if case.get("status") != "skipped"
    ]
    if not outcomes:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
        raise RuntimeError(f"no test has run:\n{end}")
    return outcomes


def ended(lines: Iterable[str]) -> Iterator[tuple[Outcome, int]]:
    """The tests that have ended, each with the number of those that are to run, from what ginkgo writes."""
    found, wanted = None, 0
    for line in lines:
        if will_run := _WANTED.match(line):
            wanted = int(will_run["number"])
        if found is not None:
            yield Outcome(_ADDED.sub("", line), found["state"] is None, float(found["seconds"])), wanted
        found = _ENDED.match(line)


def passed_before(reports: Path) -> set[str]:
    """The tests that a report in the folder says have passed."""
    found = (case for report in reports.glob("junit_*.xml") for case in _cases(report))
    return {name for name, case in found if case.get("status") == "passed"}


def failures(reports: Path) -> str:
    """Why tests have failed, as the reports in the folder say, each in a few lines."""
    found = (case for report in sorted(reports.glob("junit_*.xml")) for case in _cases(report))
    texts = ((name, "".join(failure.itertext())) for name, case in found for failure in case.iter("failure"))
    return "\n\n".join(f"{name}\n{text.strip()[:_FAILURE_LENGTH]}" for name, text in texts)


def _cases(report: Path) -> Iterator[tuple[str, ET.Element]]:
    """The tests in a report by name, without what is done before and after all of them."""
    for case in ET.parse(report).iter("testcase"):
        kind, _, name = case.get("name", "").partition("[It] ")
        if name and not kind:
            yield name, case


def _ginkgo(cluster: Cluster, scratch: Path, processes: int) -> list[str]:
    """Ginkgo, in the control plane's network; lays what the tests read into the folder `scratch`."""
    place = image_place()
    built = {name: place.sources[name].path(place.cache / "bin") for name in ("ginkgo", "e2e.test", "hyperkube")}
    # Both go by what they are called.
    (scratch / "kubectl").symlink_to(built["hyperkube"])
    (scratch / "e2e.test").symlink_to(built["e2e.test"])
    config = scratch / "kubeconfig"
    config.write_text(cluster.sh("control", "cat /root/.kube/config"))
    config.chmod(0o600)
    (scratch / "registries.yaml").write_text(json.dumps(_REGISTRIES))
    return [
        *("nsenter", f"--net=/proc/{cluster.pid('control')}/ns/net", "--"),
        *(str(built["ginkgo"]), "-v", "--no-color", f"--procs={processes}", f"--timeout={_MOST_SECONDS}s"),
    ]


def _copied(lines: Iterable[str], write: Callable[[str], object]) -> Iterator[str]:
    for line in lines:
        write(line)
        yield line.rstrip("\n")


def _stop(process: subprocess.Popen[str]) -> None:
    """End the tests: twice as a person would with Ctrl-C, so that the report is still written, and then for good."""
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, number)
        try:
            # Reads on: they could not end while they waited for someone to read.
            process.communicate(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
