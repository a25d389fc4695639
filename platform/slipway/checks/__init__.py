"""What an exercise's checks.py imports: `from slipway.checks import check, expect`.

Plain standard library: the same lines run in the examiner, where there is neither Django nor a network. The
platform's own side of checks (examiner, convergence) lies in this package's modules and is never imported
from here.
"""

from slipway.checks.authoring.answers import Command, CommandResult, File, HttpAnswer, Link, Ping
from slipway.checks.authoring.declaring import check
from slipway.checks.authoring.docker_answers import (
    Attachment,
    Container,
    EngineInfo,
    Network,
    Port,
)
from slipway.checks.authoring.expectations import Expectation, expect
from slipway.checks.authoring.kube import Condition, Kube, KubeObject
from slipway.checks.authoring.kube_answers import Event, Revision
from slipway.checks.authoring.lab import Docker, Files, Lab, Node, Parameters
from slipway.checks.authoring.swarm_answers import Service, ServicePort, Stack, Swarm, SwarmNode, Task
from slipway.checks.authoring.visits import Span, Visits

__all__ = [
    "Attachment",
    "Command",
    "CommandResult",
    "Condition",
    "Container",
    "Docker",
    "EngineInfo",
    "Event",
    "Expectation",
    "File",
    "Files",
    "HttpAnswer",
    "Kube",
    "KubeObject",
    "Lab",
    "Link",
    "Network",
    "Node",
    "Parameters",
    "Ping",
    "Port",
    "Revision",
    "Service",
    "ServicePort",
    "Span",
    "Stack",
    "Swarm",
    "SwarmNode",
    "Task",
    "Visits",
    "check",
    "expect",
]
