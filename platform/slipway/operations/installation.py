"""Where the parts of this installation lie, as its settings say: the engine's folders, the images' sources."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

from slipway.operations.engine_config import EngineConfig
from slipway.operations.images.binaries import GoProgram, build_program
from slipway.operations.images.recipes import load_recipes
from slipway.operations.images.service import ImagePlace

NODE_SOURCES = Path(__file__).resolve().parents[2] / "node"
_KUBERNETES = NODE_SOURCES / "kubernetes"
_CNI = "github.com/containernetworking/plugins/plugins"
_CONTAINERD = "github.com/containerd/containerd/v2"
_LOCAL_PATH = "github.com/rancher/local-path-provisioner"


def image_place() -> ImagePlace:
    """Where images are made from and kept."""
    conformance, version = _KUBERNETES / "conformance", _kubernetes_version()
    containerd = {f"{_CONTAINERD}/version.Version": _required_version("containerd", _CONTAINERD)}
    sources = {
        "slipway-node": GoProgram(NODE_SOURCES / "agent", "./cmd/slipway-node"),
        "slipway-runtime": GoProgram(NODE_SOURCES / "runtime"),
        "hello": GoProgram(NODE_SOURCES / "image" / "hello"),
        "hyperkube": GoProgram(_KUBERNETES / "hyperkube", variables=version),
        "etcd": GoProgram(_KUBERNETES / "etcd"),
        "coredns": GoProgram(_KUBERNETES / "coredns"),
        "local-path-provisioner": GoProgram(_KUBERNETES / "local-path-provisioner", _LOCAL_PATH),
        "pause": GoProgram(_KUBERNETES / "pause"),
        **{
            name: GoProgram(_KUBERNETES / "containerd", f"{_CONTAINERD}/cmd/{name}", variables=containerd)
            for name in ("containerd", "containerd-shim-runc-v2", "ctr")
        },
        "cni-bridge": GoProgram(_KUBERNETES / "cni", f"{_CNI}/main/bridge"),
        "cni-loopback": GoProgram(_KUBERNETES / "cni", f"{_CNI}/main/loopback"),
        "cni-host-local": GoProgram(_KUBERNETES / "cni", f"{_CNI}/ipam/host-local"),
        "cni-portmap": GoProgram(_KUBERNETES / "cni", f"{_CNI}/meta/portmap"),
        "agnhost": GoProgram(conformance, "k8s.io/kubernetes/test/images/agnhost"),
        "nonewprivs": GoProgram(conformance, "k8s.io/kubernetes/test/images/nonewprivs"),
        "sample-apiserver": GoProgram(conformance, "k8s.io/sample-apiserver"),
        "ginkgo": GoProgram(conformance, "github.com/onsi/ginkgo/v2/ginkgo"),
        "e2e.test": GoProgram(conformance, "k8s.io/kubernetes/test/e2e", variables=version, tests=True),
    }
    cache: Path = settings.SLIPWAY_CACHE
    programs = {name: program.path(cache / "bin") for name, program in sources.items()}
    return ImagePlace(recipes=load_recipes(NODE_SOURCES / "image", programs), cache=cache, sources=sources)


def _kubernetes_version() -> dict[str, str]:
    """What Kubernetes' own build tells its programs about themselves."""
    version = _required_version("hyperkube", "k8s.io/kubernetes")
    major, minor, _ = version.removeprefix("v").split(".", 2)
    texts = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return {f"{package}.{name}": text for package in packages for name, text in texts.items()}


def _required_version(folder: str, module: str) -> str:
    """The version of a module that the go.mod in one of Kubernetes' folders requires, like v1.36.3."""
    found = re.search(
        rf"^(?:require|\t)\s*{re.escape(module)} (v\S+)", (_KUBERNETES / folder / "go.mod").read_text(), re.MULTILINE
    )
    if found is None:
        raise ValueError(f"{folder}/go.mod requires no {module}")
    return found[1]


def engine_config() -> EngineConfig:
    """Where our own engine keeps its things; builds its runtime when that is missing."""
    place = image_place()
    return EngineConfig(
        state=settings.SLIPWAY_VAR / "engine",
        socket=Path(settings.SLIPWAY_DOCKER_HOST.removeprefix("unix://")),
        runtime=build_program(place.sources["slipway-runtime"], place.cache / "bin"),
        registry=place.registry,
    )
