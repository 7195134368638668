"""A platform that answers every POST at once and counts.

The stand-ins of tests/platforms read every field; this one reads an id and is
fast enough for kills under load.  It runs in a thread of the test, which looks
at it directly.
"""
import asyncio
import collections
import hashlib
import re
import socket
import struct
import threading
import time

IDENTITY = re.compile(rb'"id"\s*:\s*"?([^",}\s]+)')
LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.I)
EXPECT = re.compile(rb"\r\nexpect:\s*100-continue", re.I)

SILENT, LOST, RESET = "silent", "lost", "reset"


class Connection(asyncio.Protocol):
    def __init__(self, sink):
        self.sink = sink
        self.buffer = bytearray()
        self.continued = False

    def connection_made(self, transport):
        self.transport = transport
        self.sink.connections.add(self)

    def connection_lost(self, error):
        self.sink.connections.discard(self)

    def data_received(self, data):
        self.buffer += data
        while self.take_request():
            pass

    def take_request(self):
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self.buffer[:end + 2])
        length = LENGTH.search(head)
        size = end + 4 + (int(length.group(1)) if length else 0)
        if len(self.buffer) < size:
            if EXPECT.search(head) and not self.continued:
                self.continued = True
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return False
        body = bytes(self.buffer[end + 4:size])
        del self.buffer[:size]
        self.continued = False
        self.answer(self.sink.took(body))
        return True

    def answer(self, what):
        if what == SILENT or self.transport.is_closing():
            return
        if what == LOST:
            self.transport.close()
        elif what == RESET:
            raw = self.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                           struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            status, text = what if isinstance(what, tuple) else (
                what, '{"code":%d}' % what)
            data = text.encode()
            self.transport.write(
                b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n" % (status, len(data)) + data)


class Sink:
    """rule(ident, attempt) says how a request ends: a status, (status, body),
    SILENT, LOST (taken, connection closed) or RESET.  A request counts as
    answered when it got a 200 or would have (LOST)."""

    def __init__(self):
        self.rule = None
        self.delay = 0
        self.attempts = collections.Counter()  # id -> requests
        self.accepted = {}                     # id -> [times of a 200]
        self.digests = {}                      # id -> digest of the body
        self.changed = []                      # ids that came with other bytes
        self.order = []                        # ids as they were first accepted
        self.unnamed = 0
        self.connections = set()
        self.server = None
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever,
                                       daemon=True)
        self.thread.start()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.up()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    # in the loop's thread
    def took(self, body):
        found = IDENTITY.search(body)
        if found is None:
            self.unnamed += 1
            return 200
        ident = found.group(1).decode()
        self.attempts[ident] += 1
        end = self.rule(ident, self.attempts[ident]) if self.rule else 200
        if end in (200, LOST):
            self.note(ident, body)
        return end

    def note(self, ident, body):
        digest = hashlib.blake2b(body, digest_size=8).digest()
        if self.digests.setdefault(ident, digest) != digest:
            self.changed.append(ident)
        if ident not in self.accepted:
            self.order.append(ident)
        self.accepted.setdefault(ident, []).append(time.monotonic())

    # from the test
    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def up(self):
        async def start():
            self.server = await self.loop.create_server(
                lambda: Connection(self), "127.0.0.1", self.port,
                reuse_address=True, backlog=256)
        if self.server is None:
            self.run(start())

    def down(self):
        """Refuse connections; those there are are closed."""
        async def stop():
            self.server.close()
            for connection in list(self.connections):
                connection.transport.abort()
            await self.server.wait_closed()
            self.server = None
        self.run(stop())

    def histogram(self):
        """How many ids were sent how often."""
        return dict(collections.Counter(self.attempts.values()))

    def duplicates(self):
        return sum(len(times) - 1 for times in self.accepted.values())

    def close(self):
        if self.server is not None:
            self.down()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()
