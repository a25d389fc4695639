"""Who may read the numbers that monitoring asks for."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from slipway.core.environment import networks


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_monitoring_on_the_same_machine_reads_the_numbers(client: Client, db: None, address: str) -> None:
    answer = client.get("/metrics", REMOTE_ADDR=address)
    assert answer.status_code == 200
    assert 'slipway_sandboxes{state="ready"} 0.0' in answer.content.decode()


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7"])
def test_others_are_refused_and_told_what_the_operator_must_set(client: Client, db: None, address: str) -> None:
    answer = client.get("/metrics", REMOTE_ADDR=address)
    assert answer.status_code == 403
    assert f"SLIPWAY_METRICS_FROM does not name {address}" in answer.content.decode()


def test_an_operator_lets_monitoring_elsewhere_in(
    client: Client, db: None, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLIPWAY_METRICS_FROM", "192.0.2.0/24, 2001:db8::7")
    settings.SLIPWAY_METRICS_FROM = networks("SLIPWAY_METRICS_FROM", "")
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="2001:db8::7").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 403


def test_what_is_no_network_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_METRICS_FROM", "monitoring.example")
    with pytest.raises(ImproperlyConfigured, match=r"SLIPWAY_METRICS_FROM.*monitoring\.example"):
        networks("SLIPWAY_METRICS_FROM", "")
