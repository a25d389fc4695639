"""A terminado server for one command, to be measured beside our terminal: `PORT COMMAND…`."""

from __future__ import annotations

import asyncio
import sys

import tornado.web
from terminado import SingleTermManager, TermSocket


async def main(port: int, command: list[str]) -> None:
    """Serve until terminated."""
    manager = SingleTermManager(shell_command=command)
    tornado.web.Application([(r"/ws", TermSocket, {"term_manager": manager})]).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2:]))
