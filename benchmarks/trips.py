"""A unix socket in front of Redis that counts round trips: requests that follow an answer.

It can count a word in what is sent, too, as the digest of a script: how often that was called.
"""

import asyncio
import tempfile
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

READ_BYTES = 1024 * 1024


@dataclass(slots=True)
class Trips:
    number: int = 0
    words: int = 0


class _Link:
    """One client's connection. What it sends without having heard anything is the same trip."""

    def __init__(self, trips: Trips, word: bytes) -> None:
        self._trips = trips
        self._word = word
        self._heard = True

    async def forward(self, client: StreamReader, server: StreamWriter) -> None:
        while data := await client.read(READ_BYTES):
            self._trips.number += self._heard
            self._trips.words += data.count(self._word) if self._word else 0
            self._heard = False
            server.write(data)
            await server.drain()

    async def answer(self, server: StreamReader, client: StreamWriter) -> None:
        while data := await server.read(READ_BYTES):
            self._heard = True
            client.write(data)
            await client.drain()


@asynccontextmanager
async def counted(socket: str, word: bytes = b"") -> AsyncIterator[tuple[str, Trips]]:
    """The path of a socket that leads to `socket`, and the trips made through it so far.

    A word that is cut in two by the socket's buffer is missed.
    """
    trips = Trips()

    async def connected(client: StreamReader, to_client: StreamWriter) -> None:
        server, to_server = await asyncio.open_unix_connection(socket)
        link = _Link(trips, word)
        ways = [
            asyncio.create_task(link.forward(client, to_server)),
            asyncio.create_task(link.answer(server, to_client)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        to_client.close()
        to_server.close()
        await asyncio.gather(*ways, return_exceptions=True)

    with tempfile.TemporaryDirectory(prefix="taskrail-trips-") as folder:
        path = str(Path(folder) / "redis.sock")
        async with await asyncio.start_unix_server(connected, path):
            yield path, trips
