"""The programs in learners' images, importable as they are inside."""

from __future__ import annotations

import sys
from pathlib import Path

_LEARNER = Path(__file__).resolve().parents[3] / "platform" / "node" / "image" / "learner"
sys.path[:0] = [str(_LEARNER / "orders" / "srv"), str(_LEARNER / "load" / "srv")]
