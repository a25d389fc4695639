"""The order desk of the labs about swarms: no order is lost, none is done twice, nobody is cut off."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse

import pytest
import redis
from orders.desk import Desk, Figures
from orders.web import Front, Identity, render_page
from orders.worker import work
from redis.backoff import NoBackoff
from redis.retry import Retry

IDENTITY = Identity(task="shop_web.1", node="node1", container="c1", version="1")


@pytest.fixture
def store(redis_server: redis.Redis) -> redis.Redis:
    """An empty store."""
    redis_server.flushall()
    path = redis_server.connection_pool.connection_kwargs["path"]
    return redis.Redis(unix_socket_path=path, decode_responses=True)


@pytest.fixture
def desk(store: redis.Redis) -> Desk:
    """A desk whose workers know that there is work."""
    desk = Desk(store)
    assert desk.take("first", patience=0.01) is None  # founds the group
    return desk


@pytest.fixture
def front(desk: Desk) -> Iterator[Front]:
    """A web front that answers on a free port."""
    front = Front(("127.0.0.1", 0), desk, IDENTITY)
    thread = threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield front
    front.shutdown()
    thread.join(5)
    front.server_close()


def _ask(front: Front, method: str, path: str, **headers: str) -> tuple[HTTPResponse, str]:
    connection = HTTPConnection("127.0.0.1", front.server_address[1], timeout=5)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer, answer.read().decode()


def test_an_order_is_taken_by_one_worker_and_done_once(desk: Desk) -> None:
    assert [desk.place(), desk.place()] == [1, 2]
    first, second = desk.take("a"), desk.take("b")
    assert first is not None
    assert second not in {None, first}
    assert desk.take("a", patience=0.01) is None
    assert desk.finish(first)
    assert not desk.finish(first)
    assert desk.figures() == Figures(visits=0, placed=2, done=1, waiting=1, answers={})


def test_an_order_placed_before_any_worker_came_is_not_forgotten(store: redis.Redis) -> None:
    desk = Desk(store)
    desk.place()
    assert [desk.take("a", patience=0.01) for _ in range(2)][-1] is not None


def test_the_order_of_a_lost_worker_is_taken_over(store: redis.Redis, desk: Desk) -> None:
    desk.place()
    order = desk.take("lost")
    impatient = Desk(store, abandoned=0)
    assert impatient.take("next") == order
    assert impatient.finish(str(order))
    assert desk.figures().done == 1


def test_workers_that_come_at_once_found_their_group_once(store: redis.Redis) -> None:
    desks = [Desk(store), Desk(store)]
    for desk in desks:
        desk._found_group()
    assert desks[0].take("a", patience=0.01) is None


def test_a_worker_finishes_the_order_in_hand_before_it_ends(desk: Desk) -> None:
    stopping = threading.Event()
    desk.place()
    worker = threading.Thread(target=work, args=(desk, "a"), kwargs={"stopping": stopping, "seconds": 0.2})
    worker.start()
    while desk._store.xpending("orders", "workers")["pending"] == 0:
        time.sleep(0.005)
    stopping.set()
    worker.join(5)
    assert desk.figures().done == 1


def test_the_page_says_who_answered_and_counts_the_visit(front: Front) -> None:
    answer, page = _ask(front, "GET", "/")
    assert answer.status == 200
    assert "<strong>shop_web.1</strong> on <strong>node1</strong>" in page
    assert answer.headers["X-Answered-By"] == "shop_web.1 node1"
    _, figures = _ask(front, "GET", "/figures")
    assert json.loads(figures) | {"visits": 1, "answers": {"shop_web.1": 1}} == json.loads(figures)


def test_a_browser_that_orders_comes_back_to_the_page_and_others_get_a_sentence(front: Front) -> None:
    browser, _ = _ask(front, "POST", "/orders", Accept="text/html")
    assert (browser.status, browser.headers["Location"]) == (303, "./")
    other, said = _ask(front, "POST", "/orders")
    assert (other.status, said) == (201, "Order 2 was taken by shop_web.1 on node1.\n")


def test_without_its_store_the_front_says_so_and_still_knows_itself() -> None:
    nobody = redis.Redis(unix_socket_path="/nowhere", retry=Retry(NoBackoff(), 0))
    front = Front(("127.0.0.1", 0), Desk(nobody), IDENTITY)
    thread = threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        assert [_ask(front, *asked)[0].status for asked in (("GET", "/"), ("POST", "/orders"))] == [503, 503]
        assert [_ask(front, "GET", path)[0].status for path in ("/who", "/health")] == [200, 200]
    finally:
        front.shutdown()
        thread.join(5)
        front.server_close()


def test_a_front_that_ends_finishes_the_answer_under_way(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    began = threading.Event()
    count_visit = desk.count_visit

    def slow(task: str) -> None:
        began.set()
        time.sleep(0.3)
        count_visit(task)

    monkeypatch.setattr(desk, "count_visit", slow)
    front = Front(("127.0.0.1", 0), desk, IDENTITY)
    serving = threading.Thread(target=lambda: (front.serve_forever(poll_interval=0.01), front.server_close()))
    serving.start()
    statuses: list[int] = []
    visitor = threading.Thread(target=lambda: statuses.append(_ask(front, "GET", "/")[0].status))
    visitor.start()
    assert began.wait(5)
    front.end_soon(0)
    serving.join(5)
    visitor.join(5)
    assert statuses == [200]


def test_nothing_on_the_page_is_taken_for_markup() -> None:
    page = render_page(Identity("<b>", "n", "c", "1"), Figures(0, 0, 0, 0, {"<i>": 1}))
    assert "<strong>&lt;b&gt;</strong>" in page
