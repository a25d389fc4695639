"""What the tests of both examiners share: a sandbox that answers from tables, jobs, and checks that misbehave.

Every misbehaving check must end in the stated way, whichever examiner runs it, and leave the examiner usable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from slipway.checks.examiner import Job
from slipway.checks.examiner_side.limits import Limits
from slipway.core.errors import EngineError
from slipway.core.json import JSON
from slipway.sandboxes.nodes import NodeRefusal

# A busy machine may take long over a second of processor time; only those that sleep are cut short.
QUICK = Limits(cpu=1, thinking=30, total=40)
SLEEPY = Limits(cpu=1, thinking=1, total=40)


@dataclass
class Nodes:
    """Nodes of one sandbox, answering from tables; remembers what they were asked."""

    docker: dict[str, JSON] = field(default_factory=dict)
    answers: dict[str, JSON] = field(default_factory=dict)
    unreachable: bool = False
    refusal: NodeRefusal | None = None
    asked: list[tuple[str, str, Mapping[str, JSON]]] = field(default_factory=list)

    async def ask(self, node: str, op: str, params: Mapping[str, JSON], timeout: float = 10) -> JSON:
        self.asked.append((node, op, params))
        if self.unreachable:
            raise EngineError("node-unreachable", "One of the machines does not answer at the moment.")
        if self.refusal:
            raise self.refusal
        if op != "docker":
            return self.answers[op]
        path = str(params["path"])
        if path in self.docker:
            return {"status": 200, "body": self.docker[path], "truncated": False}
        return {"status": 404, "body": {"message": "no such thing"}, "truncated": False}


def job(body: str, *, limits: Limits = QUICK, check: str = "it", title: str = "It holds") -> Job:
    """A job whose check has this body; the first line of the body is line 6 of checks.py."""
    indented = "\n".join("    " + line for line in body.strip("\n").split("\n"))
    source = f'import os\nfrom slipway.checks import check, expect\n\n@check("{title}")\ndef it(lab):\n{indented}\n'
    return Job(source, "sample/checks.py", check, {"port": 8080}, ("node1", "node2"), limits)


@dataclass(frozen=True)
class Misbehaviour:
    """A check's body, and what the instructor must be told."""

    name: str
    body: str
    told: str
    limits: Limits = QUICK


FAKE = '{"result": {"outcome": "passed", "expected": "", "observed": "", "hint": "", "detail": ""}}'

MISBEHAVIOURS = [
    Misbehaviour("raises", "return 1 / 0", "sample/checks.py:6: ZeroDivisionError"),
    Misbehaviour("loops for ever", "while True:\n    pass", "used 1 seconds of processor time"),
    Misbehaviour("sleeps for ever", "import time\ntime.sleep(3600)", "did not finish within 1 seconds", SLEEPY),
    Misbehaviour("eats memory", "hoard = []\nwhile True:\n    hoard.append(bytearray(10**7))", "MemoryError"),
    Misbehaviour("exits", "raise SystemExit(0)", "sample/checks.py:6: SystemExit"),
    Misbehaviour("leaves", "os._exit(0)", "ended its process (exit status 0) before it gave a result"),
    Misbehaviour("kills itself", "os.kill(os.getpid(), 11)", "crashed with signal 11"),
    Misbehaviour("recurses for ever", "def down():\n    down()\ndown()", "RecursionError"),
    Misbehaviour("forks a bomb", "while True:\n    os.fork()", "cannot start a process"),
    Misbehaviour(
        "starts threads for ever",
        "import threading\nwhile True:\n    threading.Thread(target=print).start()",
        "can't start new thread",
    ),
    Misbehaviour("opens a socket", "import socket\nsocket.socket()", "cannot open a socket"),
    Misbehaviour("runs a program", "os.system('id')", "cannot run a program"),
    Misbehaviour("writes a file", "open('/tmp/mine', 'w')", "cannot write files"),
    Misbehaviour("kills its examiner", "os.kill(os.getppid(), 9)", "PermissionError"),
    Misbehaviour("looks into its examiner", "open(f'/proc/{os.getppid()}/mem', 'rb').read(1)", "PermissionError"),
    Misbehaviour(
        "asks another sandbox", "lab._asker.ask('node1', 'docker', {'path': '/info', 'sandbox': 'b'})", "sandbox"
    ),
    Misbehaviour("asks an unknown node", "lab._asker.ask('../node9', 'links', {})", "there is no node"),
    Misbehaviour(
        "changes the node's Docker", "lab._asker.ask('node1', 'docker', {'path': '/x', 'method': 'POST'})", "GET"
    ),
    Misbehaviour(
        "asks what nobody may", "lab._asker.ask('node1', 'write-files', {'files': []})", "nothing that a check"
    ),
    Misbehaviour("asks with a huge payload", "lab.node('node1').run(['echo', 'x' * 10**6])", "A question may have"),
    Misbehaviour(
        "writes a huge question itself",
        "os.write(4, b'{\"ask\": \"' + b'x' * 10**6)",
        "wrote too much into the examiner's pipe",
    ),
    Misbehaviour("asks for ever", "while True:\n    lab.node('node1').links()", "asked more than 200 questions"),
    Misbehaviour("writes garbage", "os.write(4, b'\\xff\\x00garbage\\n')", "wrote into the examiner's pipe"),
    Misbehaviour("writes a result of its own", f"os.write(4, b'{FAKE}\\n')", "wrote into the examiner's pipe"),
    Misbehaviour(
        "says that we failed", "from slipway.checks.authoring.asking import Unreachable\nraise Unreachable()", "it did"
    ),
    Misbehaviour("closes the pipe and stays", "import time\nos.close(4)\ntime.sleep(3600)", "the check ", SLEEPY),
    Misbehaviour(
        "swallows what it may not ask",
        "try:\n    lab._asker.ask('node9', 'links', {})\nexcept Exception:\n    pass",
        "no node",
    ),
]
