"""What a Kubernetes cluster costs: seconds from nothing to Ready, by part, and memory of each node, shared pages once.

`PYTHONPATH=platform:. python -m tests.bench.kubernetes [ROUNDS]` asks the engine of this checkout's installation, or
the one that SLIPWAY_DOCKER_HOST names.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import django
from django.conf import settings

if TYPE_CHECKING:
    from tests.engine.clusters import Cluster

_SETTLE_SECONDS = 20
_POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: first}\nspec:\n  containers: [{name: c, image: nginx:1.26}]\n"


def main(rounds: int) -> None:
    """Print one table of starts and one of memory."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "slipway.config.settings")
    django.setup()
    from slipway.sandboxes.backends.docker import DockerBackend  # noqa: PLC0415 - only once Django is set up
    from tests.engine.clusters import Cluster  # noqa: PLC0415 - as above

    backend = DockerBackend(settings.SLIPWAY_DOCKER_HOST, installation="bench")
    took: dict[str, list[float]] = {}
    for number in range(rounds):
        cluster = Cluster(backend)
        try:
            cluster.start()
            began = time.monotonic()
            cluster.apply(_POD)
            cluster.sh("control", "kubectl wait --for=condition=Ready pod/first --timeout=50s")
            cluster.took["first pod, image pulled, after kubectl apply"] = time.monotonic() - began
            for what, seconds in cluster.took.items():
                took.setdefault(what, []).append(seconds)
            if number == rounds - 1:
                time.sleep(_SETTLE_SECONDS)
                _print_memory(cluster)
        finally:
            cluster.remove()
    for what, seconds_of in took.items():
        runs = " ".join(f"{seconds:.2f}" for seconds in seconds_of)
        print(f"{statistics.median(seconds_of):7.2f} s  {what}  ({runs})")


def _print_memory(cluster: Cluster) -> None:
    total = 0.0
    for node in cluster.topology.names:
        sizes = sorted(((_proportional(pid), name) for pid, name in cluster.processes(node)), reverse=True)
        total += sum(size for size, _ in sizes)
        words = ", ".join(f"{name} {size:.0f}" for size, name in sizes[:8])
        print(f"{sum(size for size, _ in sizes):7.0f} MiB  {node}: {words}")
    print(f"{total:7.0f} MiB  the cluster")


def _proportional(pid: int) -> float:
    """MiB of a process, with each shared page divided among those who share it."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
