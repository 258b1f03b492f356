"""A wire that can be cut: TCP on this side, a server's unix socket on the other.

What a network does to connections: delay, reset, swallow, forget. Real TCP, so that a reset is one.
"""

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

CHUNK_BYTES = 65_536
RESET_AT_CLOSE = struct.pack("ii", 1, 0)


class Proxy:
    """`latency_seconds`: each way. `flows`, if cleared: nothing passes, as in a black hole.

    `answers`, if cleared: new connections are accepted, and nobody is at the other end.
    """

    def __init__(self, server: Path) -> None:
        self._server = server
        self._wires: set[Wire] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self.latency_seconds = 0.0
        self.flows = asyncio.Event()
        self.answers = asyncio.Event()
        self.flows.set()
        self.answers.set()
        self.port = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            self.flows.set()
            self.answers.set()
            self.reset()
            await asyncio.gather(*self._serving, return_exceptions=True)

    def reset(self) -> None:
        """Every connection breaks, at both ends, with a RST."""
        for wire in self._wires:
            wire.reset()

    def forget(self) -> None:
        """What is connected now stays so and nothing passes, ever; new connections are fine."""
        for wire in self._wires:
            wire.is_forgotten = True

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        serving = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        wire = Wire(self, writer)
        self._wires.add(wire)
        try:
            await self.answers.wait()
            await wire.carry(reader, self._server)
        except OSError:
            pass  # the server is away, or the wire was cut: its ends find out by themselves
        finally:
            self._wires.discard(wire)
            wire.close()


class Wire:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, near: StreamWriter) -> None:
        self._proxy = proxy
        self._ends = [near]
        self.is_forgotten = False

    async def carry(self, reader: StreamReader, server: Path) -> None:
        """Returns when either end has closed."""
        far_reader, far = await asyncio.open_unix_connection(str(server))
        self._ends.append(far)
        ways = [
            asyncio.ensure_future(self._pass_on(reader, far)),
            asyncio.ensure_future(self._pass_on(far_reader, self._ends[0])),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    def reset(self) -> None:
        for end in self._ends:
            with suppress(OSError):
                end.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE
                )
            end.transport.abort()

    def close(self) -> None:
        for end in self._ends:
            end.close()

    async def _pass_on(self, reader: StreamReader, writer: StreamWriter) -> None:
        while data := await reader.read(CHUNK_BYTES):
            if self._proxy.latency_seconds:
                await asyncio.sleep(self._proxy.latency_seconds)
            await self._proxy.flows.wait()
            if not self.is_forgotten:
                writer.write(data)
                await writer.drain()
