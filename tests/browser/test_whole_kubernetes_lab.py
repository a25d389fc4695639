"""A visitor does the whole of the Kubernetes lab in the browser: machines are unplugged, and the open task is done too.

Only time is shortened: the visitors and the witness of the guide stay for as long as their checks need.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.browser.lab_page import LabPage
from tests.browser.tab import Tab
from tests.browser.whole_lab import do_every_step, submit_for_all_points, try_without_an_account
from tests.engine.clusters import wait_for_image
from tests.live import LivePlatform

LAB = "kubernetes-on-your-own"
pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


def test_a_visitor_does_all_ten_steps_of_the_kubernetes_lab(tab: Tab, live_platform: LivePlatform) -> None:
    wait_for_image(live_platform)
    lab = try_without_an_account(tab, LAB)
    do_every_step(lab, LAB, _DOING)
    submit_for_all_points(lab, LAB)


def lose_a_worker(lab: LabPage) -> None:
    """Step 6: visitors come, worker2 is unplugged, and the learner watches until its pods are given up."""
    lab.command("control", """sed -i 's/"90"/"30"/' visitors.yaml""")
    look, visitors, watch, log = lab.run_blocks().all()
    lab.run_block(look)
    lab.run_block(visitors)
    lab.unplug("worker2")
    lab.clear("control")
    watch.click()
    lab.wait_for("control", re.compile(r"worker2 +NotReady").search)
    lab.wait_for("control", "Terminating")
    lab.run_block(log)


def give_it_back(lab: LabPage) -> None:
    """Step 7: worker2 is plugged in."""
    lab.plug_in("worker2")
    for block in lab.run_blocks().all():
        lab.run_block(block)


def work_on_ones_own(lab: LabPage) -> None:
    """Step 10: the files that are there are copied and changed; then a worker is lost and the image is updated."""
    tasks = lab.page.locator("#guide-body li")
    own, port = (tasks.nth(place).locator("strong").first.inner_text() for place in (0, 1))
    spread = lab.page.locator("#guide-body details code", has_text="maxSkew").text_content()
    ready = "kubectl wait --timeout=60s --for=condition=Ready"
    through = f"kubectl rollout status deployment/{own} --timeout=90s"
    for command in (
        "desk=$(awk '/^  name:/ {print $2; exit}' desk.yaml)",
        f'sed "/^---/,\\$d; s/$desk/{own}/; s/replicas: 3/replicas: 4/" desk.yaml >own.yaml',
        f'sed -i "s|^    spec:|&\\n      topologySpreadConstraints: [{spread}]|" own.yaml',
        f"kubectl create service nodeport {own} --tcp=80:8000 --node-port={port}",
        f"kubectl apply -f own.yaml && {through}",
        f'sed "s/: visitors/: witness/; s|http://$desk/|http://{own}/who|; s/30/120/" visitors.yaml >witness.yaml',
        f"kubectl apply -f witness.yaml && {ready} pod/witness",
    ):
        lab.command("control", command)
    lab.unplug("worker1")
    for command in (
        f"kubectl wait --timeout=60s --for=condition=Ready=Unknown node/worker1 && {through}",
        f"kubectl set image deployment/{own} web=slipway/orders-web:2 && {through}",
        "sleep 2; kubectl exec witness -- sh -c 'kill -INT 1'",
    ):
        lab.command("control", command)
    lab.plug_in("worker1")
    lab.command("control", f"{ready} node/worker1")


_DOING: dict[int, Callable[[LabPage], None]] = {6: lose_a_worker, 7: give_it_back, 10: work_on_ones_own}
