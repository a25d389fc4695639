"""The examiner-side program as something that can be sent: its sources, and the few lines that load them.

The examiner's image holds Python and nothing of ours: each session brings the program along, so that the platform and
the check API that authors meet are always of one version.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_OPTIONS = ["-I", "-S", "-B"]

# Reads as many bytes as its argument says from stdin: a JSON object of module names and sources, imported from memory.
_LOADER = """
import json, os, sys
from importlib.machinery import ModuleSpec

class Sources:
    def __init__(self, sources):
        self.sources = sources

    def find_spec(self, name, path=None, target=None):
        if name not in self.sources:
            return None
        return ModuleSpec(name, self, is_package=any(other.startswith(name + ".") for other in self.sources))

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        name = module.__spec__.name
        exec(compile(self.sources[name], "<" + name + ">", "exec"), module.__dict__)

data = b""
while len(data) < int(sys.argv[1]):
    part = os.read(0, int(sys.argv[1]) - len(data))
    if not part:
        sys.exit(1)
    data += part
sys.meta_path.insert(0, Sources(json.loads(data)))
from slipway.checks.examiner_side.supervisor import main
main()
"""


@functools.cache
def payload() -> bytes:
    """What must be written to the supervisor's stdin before anything else."""
    checks = _PACKAGE / "checks"
    files = [_PACKAGE / "__init__.py", checks / "__init__.py"]
    files += sorted((checks / "authoring").glob("*.py")) + sorted((checks / "examiner_side").glob("*.py"))
    return json.dumps({_module(path): path.read_text(encoding="utf-8") for path in files}).encode()


def supervisor_arguments() -> list[str]:
    """Arguments for Python that start a session."""
    return [*_OPTIONS, "-c", _LOADER, str(len(payload()))]


def keeper_arguments() -> list[str]:
    """Arguments for Python that keep a container alive for sessions."""
    source = (_PACKAGE / "checks" / "examiner_side" / "keeper.py").read_text(encoding="utf-8")
    return [*_OPTIONS, "-c", f"{source}\n\nmain()\n"]


def _module(path: Path) -> str:
    parts = path.relative_to(_PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
