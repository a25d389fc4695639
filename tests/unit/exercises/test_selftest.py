"""`exercise test` and the other commands, on nodes in memory whose commands do what a solution's should."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from slipway.core.json import JSON
from slipway.exercises.reports import junit
from slipway.exercises.scaffold import create_exercise
from slipway.exercises.selftest import ExerciseReport, prove_exercise, prove_exercises
from slipway.sandboxes.backends.fake import FakeBackend, NeverReadyBackend
from slipway.sandboxes.backends.fake_node import FakeNode
from slipway.sandboxes.models import Sandbox
from slipway.sandboxes.states import OVER

DONE: dict[str, JSON] = {
    "exit_code": 0, "stdout": "", "stderr": "", "truncated": False, "timed_out": False, "duration_ms": 1
}  # fmt: skip


Answering = Callable[[str, Mapping[str, JSON]], dict[str, JSON]]


class Shell(dict[tuple[str, ...], Mapping[str, JSON]]):
    """The commands of a fake node, which make the networks they are told to make."""

    def __init__(self, node: FakeNode, *, breaks: str = "") -> None:
        super().__init__()
        self._node = node
        self._breaks = breaks

    def get(self, words: tuple[str, ...], _: object = None) -> Mapping[str, JSON]:  # type: ignore[override]
        networks = self._node.docker["/networks"]
        assert isinstance(networks, list)
        for line in words[-1].split("\n"):
            if self._breaks and self._breaks in line:
                return {**DONE, "exit_code": 1, "stderr": "it broke"}
            if line.startswith("docker network create "):
                name = line.split()[-1]
                if any(network["Name"] == name for network in networks):
                    return {**DONE, "exit_code": 1, "stderr": f"network {name} already exists"}
                network: dict[str, JSON] = {"Id": name, "Name": name, "Driver": "bridge"}
                networks.append(network)
                self._node.docker[f"/networks/{name}"] = network
            if line.startswith("docker network rm "):
                self._node.docker["/networks"] = [n for n in networks if n["Name"] != line.split()[-1]]
        return DONE


class ShellBackend(FakeBackend):
    """Sandboxes whose nodes have such a shell."""

    def __init__(self, *, breaks: str = "") -> None:
        super().__init__()
        self._breaks = breaks

    def create_node(self, **arguments: object) -> None:  # type: ignore[override]
        super().create_node(**arguments)  # type: ignore[arg-type]
        for node in self.nodes(arguments["sandbox"]).values():  # type: ignore[arg-type]
            if not isinstance(node.commands, Shell):
                node.commands = Shell(node, breaks=self._breaks)


class KeepingBackend(ShellBackend):
    """Nodes that can be looked at when their sandbox is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[FakeNode] = []

    def create_node(self, **arguments: object) -> None:  # type: ignore[override]
        super().create_node(**arguments)
        self.made = list(self.nodes(arguments["sandbox"]).values())  # type: ignore[arg-type]


class CuttingBackend(KeepingBackend):
    """Nodes that give their last words, which are no answer, to the first two who change their power."""

    cut = 0

    def create_node(self, **arguments: object) -> None:  # type: ignore[override]
        super().create_node(**arguments)
        for node in self.made:
            node._answer_with_power = self._cutting(node, node._answer_with_power)  # type: ignore[method-assign]

    def _cutting(self, node: FakeNode, answer: Answering) -> Answering:
        def cutting(op: str, params: Mapping[str, JSON]) -> dict[str, JSON]:
            if op == "power" and self.cut < 2:
                self.cut += 1
                for connection in node._connections:
                    connection.deliver(b"killed\n")
            return answer(op, params)

        return cutting


Install = Callable[[FakeBackend], FakeBackend]


@pytest.fixture
def root(tmp_path: Path, settings: LazySettings, transactional_db: None) -> Path:
    """A folder of exercises with a new one in it."""
    settings.SLIPWAY_EXERCISES = tmp_path
    create_exercise(tmp_path, "sample")
    return tmp_path


def _prove(slug: str = "sample") -> ExerciseReport:
    return prove_exercise(slug, progress=lambda *_: None)


def _problems(report: ExerciseReport) -> str:
    return "\n".join([*report.problems, *(problem for step in report.steps for problem in step.problems)])


def _add_step(root: Path, front: str, body: str = "", solution: str = "", checks: str = "") -> None:
    folder = root / "sample"
    (folder / "02-more.md").write_text(f"---\ntitle: More\n{front}\n---\n{body}\n")
    if solution:
        (folder / "solutions").mkdir()
        (folder / "solutions" / "02-more.sh").write_text(solution)
    (folder / "checks.py").write_text((folder / "checks.py").read_text() + checks)


def test_a_new_exercise_is_proven_as_it_stands_and_leaves_no_sandbox(root: Path, use_backend: Install) -> None:
    backend = use_backend(ShellBackend())
    report = _prove()
    assert report.passed, _problems(report)
    assert [(step.slug, step.checks) for step in report.steps] == [("network", 1)]
    assert not Sandbox.objects.exclude(state__in=OVER).exists()
    assert not backend.survey()


def test_an_unsolved_step_that_passes_is_broken(root: Path, use_backend: Install) -> None:
    use_backend(ShellBackend())
    checks = root / "sample" / "checks.py"
    checks.write_text(checks.read_text().replace("expect(network", "return\n    expect(network"))
    assert "they prove nothing" in _problems(_prove())


def test_a_solution_that_does_not_solve_is_told_with_expected_and_observed(root: Path, use_backend: Install) -> None:
    use_backend(ShellBackend())
    step = root / "sample" / "01-network.md"
    step.write_text(step.read_text().replace("docker network create", "docker network inspect"))
    problems = _problems(_prove())
    assert "does not hold after the solution" in problems
    assert "Expected: The network" in problems


def test_a_broken_check_is_told_with_its_line(root: Path, use_backend: Install) -> None:
    use_backend(ShellBackend())
    checks = root / "sample" / "checks.py"
    checks.write_text(checks.read_text().replace('lab.node("node1")', 'lab.node("nod1")'))
    assert "sample/checks.py:9: LookupError: There is no node 'nod1'; did you mean 'node1'?" in _problems(_prove())


def test_a_solution_file_that_fails_is_told_with_its_output(root: Path, use_backend: Install) -> None:
    use_backend(ShellBackend(breaks="boom"))
    _add_step(root, "checks: []", solution="# on node1\necho fine\n# on node1\nboom\n")
    problems = _problems(_prove())
    assert "line 4 on (node1): exit code 1" in problems
    assert "it broke" in problems


ANOTHER = """

@check("The network {network}-2 exists")
def another(lab: Lab) -> None:
    expect(lab.node("node1").docker.network(f"{lab.params.network}-2"), "the other network").exists()
"""


def test_a_solution_that_cannot_run_twice_says_so_or_is_told(root: Path, use_backend: Install) -> None:
    use_backend(ShellBackend())
    _add_step(root, "checks: [another]", solution="docker network create {{ network }}-2\n", checks=ANOTHER)
    assert "already exists" in _problems(_prove())
    step = root / "sample" / "02-more.md"
    step.write_text(step.read_text().replace("title: More", "title: More\nrepeatable: false"))
    assert _prove().passed


def test_a_later_step_that_breaks_what_an_earlier_one_keeps_is_told(root: Path, use_backend: Install) -> None:
    use_backend(ShellBackend())
    checks = root / "sample" / "checks.py"
    checks.write_text(checks.read_text().replace("points=2", "points=2, keeps=True"))
    body = "```run node1\ndocker network create {{ network }}-2\ndocker network rm {{ network }}\n```"
    _add_step(root, "checks: [another]\nrepeatable: false", body=body, checks=ANOTHER)
    assert "though an earlier step keeps it" in _problems(_prove())


def test_machines_that_do_not_come_up_are_not_the_exercises_fault(
    root: Path, use_backend: Install, settings: LazySettings
) -> None:
    settings.SLIPWAY_START_LIMIT = 1
    use_backend(NeverReadyBackend())
    report = _prove()
    assert not report.passed
    assert report.engine_error
    assert not report.problems


def test_several_exercises_are_proven_side_by_side(root: Path, use_backend: Install) -> None:
    use_backend(ShellBackend())
    create_exercise(root, "other")
    reports = prove_exercises(["sample", "other", "missing"], parallel=3, progress=lambda *_: None)
    assert [report.slug for report in reports] == ["sample", "other", "missing"]
    assert [report.passed for report in reports] == [True, True, False]


def _call(*arguments: str) -> tuple[int, str]:
    output = StringIO()
    try:
        call_command("exercise", *arguments, stdout=output, no_color=True)
    except SystemExit as end:
        return int(str(end.code)), output.getvalue()
    return 0, output.getvalue()


def test_the_test_command_reports_for_people_programs_and_ci(root: Path, use_backend: Install, tmp_path: Path) -> None:
    use_backend(ShellBackend())
    status, text = _call("test", "sample", "--junit", str(tmp_path / "report.xml"))
    assert (status, "✓ sample Sample" in text) == (0, True)
    suite = ET.fromstring((tmp_path / "report.xml").read_text()).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")
    checks = root / "sample" / "checks.py"
    checks.write_text(checks.read_text().replace("{name}", "{nothing}"))
    status, text = _call("test", "sample", "--json")
    assert status == 1
    assert "NameError" in json.loads(text)[0]["steps"][0]["problems"][0]


def test_a_report_is_well_formed_xml_whatever_a_node_printed() -> None:
    report = ExerciseReport("x", problems=["\x1b[31m<red>\x00 & ]]>"])
    case = ET.fromstring(junit([report])).find("testsuite/testcase/failure")
    assert case is not None
    assert "<red>" in str(case.text)


def test_lint_lists_every_mistake_and_ends_with_a_status(root: Path) -> None:
    assert _call("lint")[0] == 0
    (root / "sample" / "exercise.yaml").write_text("titel: x\n")
    status, text = _call("lint", "sample")
    assert status == 1
    assert "exercise.yaml:1" in text
    assert "did you mean: title" in text
    status, text = _call("lint", "sample", "--json")
    (found,) = json.loads(text)
    assert (status, found["ok"]) == (1, False)
    assert any(mistake["nearest"] == "title" for mistake in found["mistakes"])


def test_a_name_that_is_none_is_told_with_the_nearest(root: Path) -> None:
    with pytest.raises(CommandError, match="Did you mean 'sample'"):
        _call("lint", "smaple")


@pytest.mark.parametrize("name", ["../x", "Upper", "", "a b", "-x"])
def test_a_new_exercise_needs_a_proper_name(root: Path, name: str) -> None:
    with pytest.raises(CommandError):
        call_command("exercise", "new", "--", name)


def test_a_new_exercise_never_overwrites_one(root: Path) -> None:
    with pytest.raises(CommandError, match="already"):
        _call("new", "sample")


def test_the_schema_knows_what_the_loader_knows() -> None:
    schema = json.loads(_call("schema")[1])
    assert set(schema["required"]) == {"title", "summary", "minutes"}
    assert schema["additionalProperties"] is False


def test_the_list_shows_what_can_be_used(root: Path) -> None:
    assert "sample" in _call("list")[1]


def test_a_solution_unplugs_a_node_as_the_button_does(root: Path, use_backend: Install) -> None:
    backend = use_backend(ShellBackend())
    main = root / "sample" / "exercise.yaml"
    main.write_text(main.read_text() + "unplug: true\n")
    look = 'expect(lab.node("node1").docker.network("more"), "the network more").exists()'
    _add_step(
        root,
        "checks: [more_is_there]\nrepeatable: false",
        solution="# unplug node1\n# plug in node1\ndocker network create more",
        checks=f'\n\n@check("There is a network more")\ndef more_is_there(lab: Lab) -> None:\n    {look}\n',
    )
    report = _prove()
    assert report.passed, _problems(report)
    events = Sandbox.objects.latest("requested_at").events.values_list("kind", flat=True)
    assert [kind for kind in events if "plug" in kind] == ["unplugged", "plugged-in"]
    assert not backend.survey()


def test_a_kubernetes_node_that_is_plugged_in_is_waited_for_until_it_is_ready(root: Path, use_backend: Install) -> None:
    backend = use_backend(KeepingBackend())
    main = root / "sample" / "exercise.yaml"
    main.write_text(main.read_text().replace("kind: docker", "kind: kubernetes-control") + "unplug: true\n")
    _add_step(root, "checks: []", solution="# unplug node1\n# plug in node1")
    assert not _problems(_prove())
    assert isinstance(backend, KeepingBackend)
    assert backend.made[0].waited_for[-1] == "kubernetes"


def test_a_way_that_is_cut_with_the_power_is_opened_anew(root: Path, use_backend: Install) -> None:
    backend = use_backend(CuttingBackend())
    main = root / "sample" / "exercise.yaml"
    main.write_text(main.read_text() + "unplug: true\n")
    _add_step(root, "checks: []", solution="# unplug node1\n# plug in node1")
    assert not _problems(_prove())
    assert isinstance(backend, CuttingBackend)
    assert backend.cut == 2


def test_commands_for_a_node_without_power_fail_with_that(root: Path, use_backend: Install) -> None:
    use_backend(ShellBackend())
    main = root / "sample" / "exercise.yaml"
    main.write_text(main.read_text() + "unplug: true\n")
    _add_step(root, "checks: []", solution="# unplug node1\nls")
    assert "node1 has no power." in _problems(_prove())
