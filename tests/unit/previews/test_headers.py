"""What passes in headers and what does not, in both directions."""

from __future__ import annotations

import pytest

from slipway.previews.addresses import pass_in, without_pass
from slipway.previews.headers import Translation

ORIGIN = "http://abc.localhost:8000"
TLS_ORIGIN = "https://abc.previews.example.net"
HERE = Translation("node1", 8080, ORIGIN, "http://localhost:8000")
TLS = Translation("node1", 80, TLS_ORIGIN, "https://labs.example.org")
PLAIN = Translation("node1", 8080, "http://abc.previews.example.net", "http://labs.example.org")


def to_server(headers: list[tuple[str, str]], translation: Translation = HERE) -> list[tuple[str, str]]:
    raw = [(name.encode(), value.encode()) for name, value in headers]
    passed = translation.to_server(raw, client="203.0.113.9", skip=frozenset())
    return [(name.decode(), value.decode()) for name, value in passed]


def to_browser(headers: list[tuple[str, str]], translation: Translation = HERE) -> list[tuple[str, str]]:
    passed = translation.to_browser([(name.encode(), value.encode()) for name, value in headers])
    return [(name.decode(), value.decode()) for name, value in passed]


def test_the_server_is_asked_as_from_the_node_itself() -> None:
    asked = to_server(
        [
            ("host", "abc.localhost:8000"),
            ("origin", ORIGIN),
            ("referer", f"{ORIGIN}/page?x=1"),
            ("accept", "text/html"),
            ("x-forwarded-for", "10.0.0.1"),
            ("forwarded", "for=10.0.0.1"),
        ]
    )
    assert asked == [
        ("host", "localhost:8080"),
        ("accept", "text/html"),
        ("origin", "http://localhost:8080"),
        ("referer", "http://localhost:8080/page?x=1"),
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-host", "abc.localhost:8000"),
        ("x-forwarded-proto", "http"),
    ]
    assert to_server([], TLS)[0] == ("host", "localhost")


def test_another_pages_origin_stays_what_it_is() -> None:
    assert ("origin", "https://evil.example") in to_server([("origin", "https://evil.example")])
    assert ("origin", f"{ORIGIN}.evil.example") in to_server([("origin", f"{ORIGIN}.evil.example")])


def test_our_cookie_never_reaches_the_server() -> None:
    cookies = "a=1; __Host-slipway-preview=secret; slipway-preview=other; b=2; __HOST-SLIPWAY-PREVIEW=x"
    asked = to_server([("cookie", cookies), ("cookie", "__Host-slipway-preview=again")])
    assert [value for name, value in asked if name == "cookie"] == ["a=1; b=2"]


def test_a_planted_cookie_does_not_hide_ours() -> None:
    assert pass_in("slipway-preview=planted; __Host-slipway-preview=ours") == "ours"
    assert pass_in("__Host-slipway-preview=first; __Host-slipway-preview=second") == "first"
    assert pass_in("other=1") == pass_in("") == ""
    assert without_pass("") == ""


def test_what_is_between_two_neighbours_stays_between_them() -> None:
    hop = [("connection", "keep-alive, X-Secret"), ("x-secret", "1"), ("te", "trailers"), ("upgrade", "h2c")]
    assert not {name for name, _ in to_server(hop)} & {"connection", "x-secret", "te", "upgrade"}
    back = [("connection", "x-secret"), ("x-secret", "1"), ("keep-alive", "x"), ("transfer-encoding", "chunked")]
    assert [name for name, _ in to_browser(back)] == ["content-security-policy"]


def test_only_the_platform_may_frame_it_whatever_the_server_says() -> None:
    answer = to_browser(
        [
            ("X-Frame-Options", "DENY"),
            ("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; script-src 'nonce-AbC'"),
            ("Content-Security-Policy", "Frame-Ancestors *, img-src data:"),
            ("Content-Security-Policy", "frame-ancestors https://evil.example"),
        ]
    )
    assert [value for _, value in answer] == [
        "default-src 'self'; script-src 'nonce-AbC'",
        "img-src data:",
        "frame-ancestors 'self' http://localhost:8000",
    ]


def test_policies_about_more_than_this_origin_are_taken_out() -> None:
    names = ("Strict-Transport-Security", "Clear-Site-Data", "Alt-Svc", "Public-Key-Pins", "NEL", "Report-To", "Date")
    assert [name for name, _ in to_browser([(name, "x") for name in names])] == ["content-security-policy"]
    kept = ("Service-Worker-Allowed", "ETag", "Content-Encoding", "Access-Control-Allow-Origin", "Server")
    assert [name for name, _ in to_browser([(name, "x") for name in kept])][:-1] == [name.lower() for name in kept]


@pytest.mark.parametrize(
    ("given", "becomes"),
    [
        ("sid=1; Path=/; HttpOnly", "sid=1; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"),
        ("sid=1; Domain=localhost; SameSite=Strict", "sid=1; Secure; SameSite=None; Partitioned"),
        ("sid=1;DOMAIN=.localhost;path=/x; Max-Age=5", "sid=1; path=/x; Max-Age=5; Secure; SameSite=None; Partitioned"),
    ],
)
def test_a_servers_cookie_stays_on_its_origin_and_works_in_a_frame(given: str, becomes: str) -> None:
    assert HERE.cookie(given) == becomes


def test_without_tls_a_servers_cookie_only_loses_its_domain() -> None:
    assert PLAIN.cookie("sid=1; Domain=example.net; SameSite=Lax; Path=/") == "sid=1; SameSite=Lax; Path=/"


@pytest.mark.parametrize(
    "name", ["__Host-slipway-preview", "slipway-preview", "__host-SLIPWAY-preview", " slipway-preview "]
)
def test_a_server_cannot_set_our_cookie(name: str) -> None:
    assert to_browser([("set-cookie", f"{name}=stolen; Path=/")])[:-1] == []


@pytest.mark.parametrize(
    ("target", "becomes"),
    [
        ("http://localhost:8080/login?next=%2F#a", f"{ORIGIN}/login?next=%2F#a"),
        ("http://127.0.0.1:8080", f"{ORIGIN}/"),
        ("http://[::1]:8080/x", f"{ORIGIN}/x"),
        ("//node1:8080/x", f"{ORIGIN}/x"),
        ("http://node1:8080?x=1", f"{ORIGIN}/?x=1"),
        ("http://localhost:8080//evil.example/", f"{ORIGIN}//evil.example/"),
        ("/login", "/login"),
        ("next", "next"),
        ("http://localhost:9090/", "http://localhost:9090/"),
        ("http://node2:8080/", "http://node2:8080/"),
        ("https://example.org/", "https://example.org/"),
        ("http://localhost:port/", "http://localhost:port/"),
        ("http://localhost.evil.example:8080/", "http://localhost.evil.example:8080/"),
        ("ftp://localhost:8080/", "ftp://localhost:8080/"),
    ],
)
def test_a_redirect_to_the_server_itself_leads_to_the_preview(target: str, becomes: str) -> None:
    assert HERE.location(target) == becomes


def test_a_redirect_without_a_port_means_the_schemes_own() -> None:
    assert TLS.location("http://localhost/x") == f"{TLS_ORIGIN}/x"
    assert TLS.location("https://localhost/x") == "https://localhost/x"
