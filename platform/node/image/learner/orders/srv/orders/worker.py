"""The worker: carries out one order after the other, and finishes the one in hand before it ends."""

from __future__ import annotations

import os
import signal
import socket
import threading

import redis

from orders.desk import Desk

_PAUSE = 1.0  # seconds before a store that is away is asked again


def work(desk: Desk, worker: str, *, stopping: threading.Event, seconds: float) -> None:
    """Carry out orders, each in that many seconds, until told to stop."""
    while not stopping.is_set():
        try:
            order = desk.take(worker)
            if order is not None:
                # Packing takes its time, and is not cut short: a plain sleep rather than a wait for the end.
                threading.Event().wait(seconds)
                desk.finish(order)
                print(f"{worker} has carried out order {order}")
        except redis.exceptions.RedisError as error:
            print(f"the store does not answer: {error}")
            stopping.wait(_PAUSE)


def main() -> None:
    """Work until SIGTERM."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    worker = os.environ.get("TASK", "") or socket.gethostname()
    print(f"{worker} waits for orders")
    desk = Desk.at(os.environ.get("STORE", "store"))
    work(desk, worker, stopping=stopping, seconds=float(os.environ.get("SECONDS_PER_ORDER", "0.3")))
    print(f"{worker} has finished")


if __name__ == "__main__":
    main()
