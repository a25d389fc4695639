"""Where the parts of this installation lie, as its settings say: the engine's folders, the images' sources."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from slipway.operations.engine_config import EngineConfig
from slipway.operations.images.binaries import build_program
from slipway.operations.images.recipes import load_recipes
from slipway.operations.images.service import ImagePlace

NODE_SOURCES = Path(__file__).resolve().parents[2] / "node"


def image_place() -> ImagePlace:
    """Where images are made from and kept."""
    return ImagePlace(
        recipes=load_recipes(NODE_SOURCES / "image"),
        cache=settings.SLIPWAY_CACHE,
        sources={
            "slipway-node": (NODE_SOURCES / "agent", "./cmd/slipway-node"),
            "slipway-runtime": (NODE_SOURCES / "runtime", "."),
            "hello": (NODE_SOURCES / "image" / "hello", "."),
        },
    )


def engine_config() -> EngineConfig:
    """Where our own engine keeps its things; builds its runtime when that is missing."""
    place = image_place()
    return EngineConfig(
        state=settings.SLIPWAY_VAR / "engine",
        socket=Path(settings.SLIPWAY_DOCKER_HOST.removeprefix("unix://")),
        runtime=build_program(*place.sources["slipway-runtime"], place.cache / "bin"),
        registry=place.registry,
    )
