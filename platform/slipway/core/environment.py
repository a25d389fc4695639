"""Reading the operator's environment variables, with a sentence when a value makes no sense.

Used by the settings alone; nothing else may read the environment.
"""

from __future__ import annotations

import hashlib
import os
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.http.request import validate_host

# A unix socket's path may have 107 bytes; the longest name we put below the folder has some 40.
_LONGEST_RUN_FOLDER = 60


def text(name: str, default: str) -> str:
    """The variable's value, or the default when it is unset or empty."""
    return os.environ.get(name) or default


def words(name: str, default: str) -> list[str]:
    """A list separated by spaces or commas."""
    return text(name, default).replace(",", " ").split()


def networks(name: str, default: str) -> list[IPv4Network | IPv6Network]:
    """A list of addresses and networks such as 10.0.0.0/8; raises `ImproperlyConfigured` for anything else."""
    try:
        return [ip_network(word) for word in words(name, default)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be addresses or networks, as 10.0.0.0/8 is: {error}.") from None


def number(name: str, default: int) -> int:
    """A whole number above zero; raises `ImproperlyConfigured` for anything else."""
    value = text(name, str(default))
    if not value.isdecimal() or int(value) == 0:
        raise ImproperlyConfigured(f"{name} must be a whole number above zero, not {value!r}.")
    return int(value)


def megabytes(name: str, default: int) -> int:
    """A number of mebibytes, returned in bytes."""
    return number(name, default) * 2**20


def flag(name: str, *, default: bool) -> bool:
    """A yes or no: 1, true, yes, on or 0, false, no, off."""
    value = text(name, "yes" if default else "no").lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be yes or no, not {value!r}.")


def apart(name: str, host: str, *, hosts: list[str], origins: list[str]) -> str:
    """The host name, in small letters, whose names below it must not be the platform's: browsers trust by name.

    Raises `ImproperlyConfigured` when the platform answers to such a name, or believes pages of one.
    """
    host = host.lower().strip(".")
    patterns = [*hosts, *(origin.partition("://")[2].replace("*.", ".").partition(":")[0] for origin in origins)]
    if host and validate_host(f"some.{host}", patterns):
        raise ImproperlyConfigured(f"{name}: names below {host!r} belong to SLIPWAY_HOSTS or SLIPWAY_ORIGINS as well.")
    return host


def short_run_folder(var: Path) -> Path:
    """The folder for sockets: `var/run`, or one in the system's run folder when that name is too long."""
    folder = var / "run"
    if len(os.fsencode(folder)) <= _LONGEST_RUN_FOLDER:
        return folder
    base = Path("/run") if os.access("/run", os.W_OK) else Path(f"/run/user/{os.getuid()}")
    return base / f"slipway-{hashlib.sha256(os.fsencode(var)).hexdigest()[:10]}"
