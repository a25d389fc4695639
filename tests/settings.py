"""The installation that tests run in: its own var folder, database and Redis socket, removed when the run ends."""

import os
import tempfile
from pathlib import Path

FOLDER = Path(tempfile.mkdtemp(prefix="slw-"))
os.environ.setdefault("SLIPWAY_CACHE", str(Path.home() / ".cache" / "slipway"))
os.environ["SLIPWAY_VAR"] = str(FOLDER)
os.environ["SLIPWAY_BACKEND"] = "fake"

from slipway.config.settings import *  # noqa: E402, F403 - the environment comes first
from slipway.config.settings import DATABASES  # noqa: E402

# Several threads and processes look at one database, as in a real installation.
DATABASES["default"]["TEST"] = {"NAME": str(FOLDER / "test.sqlite3")}
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick, and guards nothing here
