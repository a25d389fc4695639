"""The demo learner and instructor of an installation that somebody tries out, with passwords of its own."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from slipway.accounts import services


@dataclass(frozen=True)
class DemoAccount:
    """An account to try Slipway with."""

    role: str
    username: str
    password: str


def ensure_accounts(var: Path) -> list[DemoAccount]:
    """The demo accounts; made once, with drawn passwords that are kept in var/ for the operator's eyes alone."""
    path = var / "demo-accounts.json"
    if not path.exists():
        drawn = [DemoAccount(role, role, secrets.token_urlsafe(9)) for role in ("learner", "instructor")]
        path.touch(mode=0o600)
        path.write_text(json.dumps([asdict(account) for account in drawn]))
    accounts = [DemoAccount(**account) for account in json.loads(path.read_text())]
    for account in accounts:
        services.create_person(
            username=account.username, password=account.password, is_instructor=account.role == "instructor"
        )
    return accounts
