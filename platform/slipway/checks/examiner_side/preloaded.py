"""Imports, once and before any fork, what authors are likely to import: a check then starts within a millisecond or
two.
"""

from __future__ import annotations

import contextlib
import importlib

_LIKELY = (
    *(
        "base64",
        "bisect",
        "collections.abc",
        "contextlib",
        "copy",
        "csv",
        "dataclasses",
        "datetime",
        "decimal",
        "difflib",
    ),
    *(
        "enum",
        "fnmatch",
        "functools",
        "hashlib",
        "heapq",
        "html",
        "ipaddress",
        "itertools",
        "json",
        "linecache",
        "math",
    ),
    *(
        "operator",
        "random",
        "re",
        "shlex",
        "statistics",
        "string",
        "textwrap",
        "threading",
        "time",
        "traceback",
        "types",
        "typing",
    ),
    *("unicodedata", "urllib.parse", "uuid", "encodings.idna", "_strptime"),
)


def load() -> None:
    """Import them; one that is missing is simply not there for authors either."""
    for name in _LIKELY:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
