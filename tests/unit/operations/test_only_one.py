"""One installation on a folder: a second one is refused, whatever its port, and a dead one is in nobody's way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from slipway.operations.only_one import SomebodyElse, only_one


def test_a_second_make_run_on_the_same_folder_is_refused_before_it_touches_anything(
    settings: LazySettings, tmp_path: Path
) -> None:
    settings.SLIPWAY_VAR = tmp_path
    with (
        only_one(tmp_path / "serve.lock"),
        pytest.raises(CommandError, match=rf"runs already on .* \(process {os.getpid()}\)"),
    ):
        call_command("serve")
    assert [path.name for path in tmp_path.iterdir()] == ["serve.lock"]


def test_a_killed_holder_gives_the_folder_back(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    body = (
        "import sys, time; from pathlib import Path; from slipway.operations.only_one import only_one\n"
        "with only_one(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    holder = subprocess.Popen(
        [sys.executable, "-c", body, str(lock)], stdout=subprocess.PIPE, text=True, env=environment
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(SomebodyElse, match=str(holder.pid)), only_one(lock):
            pass
        holder.kill()
    with only_one(lock):
        assert lock.read_text() == f"{os.getpid()}\n"
