"""A new exercise to start from: small, complete, and proven by `exercise test` as it stands."""

from __future__ import annotations

import re
from pathlib import Path

from slipway.core.errors import AuthorError

_SLUG = re.compile(r"[a-z][a-z0-9-]{0,60}\Z")

_FILES = {
    "exercise.yaml": """\
title: {title}
summary: One or two sentences for the catalogue.
minutes: 10
level: beginner
topology:
  nodes:
    - {{name: node1, kind: docker}}
parameters:
  network: {{words: 2}}
""",
    "01-network.md": """\
---
title: A network of your own
checks: [network_exists]
---
Containers on the same network find each other by name. Make a network:

```run node1
docker network create {{{{ network }}}}
```

Look at what Docker answers: it is the network's id.

::: hint
`docker network ls` lists what there is.
:::

::: quiz who-is-on-it
Which containers are on the new network?

- [ ] All that run already.
  A container joins a network when it is started, or with `docker network connect`.
- [x] None yet.
  A new network is empty until a container is put on it.
:::
""",
    "checks.py": '''\
"""Checks of this exercise. They look at the machines from outside; they never look at what was typed."""

from slipway.checks import Lab, check, expect


@check("The network {{network}} exists", points=2)
def network_exists(lab: Lab) -> None:
    name = lab.params.network
    network = lab.node("node1").docker.network(name)
    expect(network, f"the network {{name}}").exists(hint="docker network create makes one.")
''',
}


def create_exercise(root: Path, slug: str) -> Path:
    """Write a new exercise's folder and return it. Raises `AuthorError` for a bad name or one that is taken."""
    if not _SLUG.match(slug):
        raise AuthorError(
            "folder-name",
            "An exercise's name has small letters, digits and hyphens, and begins with a letter.",
            found=slug[:100],
            expected="for example docker-volumes",
        )
    folder = root / slug
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise AuthorError("name-taken", "There is an exercise of that name already.", file=slug) from None
    for name, text in _FILES.items():
        (folder / name).write_text(text.format(title=slug.replace("-", " ").capitalize()), encoding="utf-8")
    return folder
