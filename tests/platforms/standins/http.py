"""A small HTTP/1.1 server: strict reading, keep-alive, and ways to misbehave.

The handler gets a Request and returns an Answer (or an awaitable of one).
Requests of one connection are answered one after the other.
"""

import asyncio
import json
import socket
import struct
from dataclasses import dataclass, field
from typing import NamedTuple, Optional
from urllib.parse import parse_qs, unquote, urlsplit

HEAD_LIMIT = 32 * 1024
BODY_LIMIT = 32 * 1024 * 1024
WORDS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found",
         405: "Method Not Allowed", 411: "Length Required",
         413: "Content Too Large", 415: "Unsupported Media Type",
         429: "Too Many Requests", 500: "Internal Server Error",
         502: "Bad Gateway", 503: "Service Unavailable",
         504: "Gateway Timeout"}


class HttpError(Exception):
    def __init__(self, status, words):
        super().__init__(words)
        self.status = status


class Request(NamedTuple):
    method: str
    path: str
    query: dict
    headers: dict       # names in lower case; a name given twice is refused
    body: bytes

    def media_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


@dataclass
class Answer:
    body: bytes
    status: int = 200
    media_type: str = "application/json;charset=UTF-8"
    # how it is sent: whole | never | close | reset | half
    manner: str = "whole"
    delay_ms: float = 0
    headers: dict = field(default_factory=dict)


def json_answer(value, status=200, **more) -> Answer:
    body = json.dumps(value, ensure_ascii=False, default=str).encode()
    return Answer(body, status, **more)


class _Head(NamedTuple):
    method: str
    target: str
    version: str
    headers: dict
    size: Optional[int]   # None: chunked


ONCE = {"host", "content-length", "content-type", "authorization",
        "x-client-id", "transfer-encoding"}


def read_head(data: bytes) -> _Head:
    lines = data.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or parts[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise HttpError(400, "no HTTP request line")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise HttpError(400, "a header line without a name")
        name = name.lower()
        if name in headers and name in ONCE:
            raise HttpError(400, f"header {name} given twice")
        headers[name] = value.strip()
    if parts[2] == "HTTP/1.1" and "host" not in headers:
        raise HttpError(400, "no Host header")
    return _Head(parts[0], parts[1], parts[2], headers, _size(headers))


def _size(headers):
    coding = headers.get("transfer-encoding")
    if coding is not None:
        if coding.lower() != "chunked" or "content-length" in headers:
            raise HttpError(400, "transfer coding not understood")
        return None
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit():
        raise HttpError(400, "Content-Length is no number")
    if int(length) > BODY_LIMIT:
        raise HttpError(413, "body too large")
    return int(length)


def read_chunks(data: bytes):
    """(body, bytes used) of a chunked body, or None while it is incomplete."""
    at, body = 0, bytearray()
    while True:
        end = data.find(b"\r\n", at)
        if end < 0:
            return None
        try:
            size = int(data[at:end].split(b";")[0], 16)
        except ValueError:
            raise HttpError(400, "chunk without a size") from None
        at = end + 2
        if size == 0:
            end = data.find(b"\r\n", at)
            return None if end < 0 else (bytes(body), end + 2)
        if len(body) + size > BODY_LIMIT:
            raise HttpError(413, "body too large")
        if len(data) < at + size + 2:
            return None
        body += data[at:at + size]
        at += size + 2


class Connection(asyncio.Protocol):
    def __init__(self, server):
        self.server = server
        self.buffer = bytearray()
        self.head = None
        self.busy = False
        self.closing = False

    def connection_made(self, transport):
        self.transport = transport
        self.server.connections.add(self)
        if self.server.refuses():
            self.reset()

    def connection_lost(self, exception):
        self.closing = True
        self.server.connections.discard(self)

    def data_received(self, data):
        if self.closing:
            return
        if not self.buffer and not self.busy and self.server.refuses():
            self.reset()
            return
        self.buffer += data
        self.advance()

    def reset(self):
        """End with a TCP RST."""
        self.closing = True
        sock = self.transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack("ii", 1, 0))
        self.transport.abort()

    def advance(self):
        try:
            while not self.busy and not self.closing:
                request = self.next_request()
                if request is None:
                    return
                self.answer(request)
        except HttpError as error:
            self.server.on_error(error)
            self.keep_alive = False
            self.send(json_answer({"error": str(error)}, error.status))

    def next_request(self):
        if self.head is None:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self.buffer) > HEAD_LIMIT:
                    raise HttpError(400, "head too large")
                return None
            self.head = read_head(bytes(self.buffer[:end]))
            del self.buffer[:end + 4]
            if self.head.headers.get("expect", "").lower() == "100-continue":
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self.next_body()
        if body is None:
            return None
        head, self.head = self.head, None
        wish = head.headers.get("connection", "").lower()
        self.keep_alive = (wish != "close" and
                           (head.version == "HTTP/1.1" or wish == "keep-alive"))
        target = urlsplit(head.target)
        return Request(head.method, unquote(target.path),
                       {k: v[-1] for k, v in parse_qs(target.query).items()},
                       head.headers, body)

    def next_body(self):
        size = self.head.size
        if size is None:
            found = read_chunks(bytes(self.buffer))
            if found is None:
                return None
            body, used = found
            del self.buffer[:used]
            return body
        if len(self.buffer) < size:
            return None
        body = bytes(self.buffer[:size])
        del self.buffer[:size]
        return body

    def answer(self, request):
        answer = self.server.handler(request)
        if isinstance(answer, Answer) and not answer.delay_ms:
            self.send(answer)
            return
        self.busy = True
        asyncio.ensure_future(self.answer_later(answer))

    async def answer_later(self, answer):
        if not isinstance(answer, Answer):
            answer = await answer
        if answer.delay_ms:
            await asyncio.sleep(answer.delay_ms / 1000)
        self.busy = False
        if not self.closing:
            self.send(answer)
            self.advance()

    def send(self, answer):
        if answer.manner == "never":
            self.busy = True  # for ever: the peer has to give up
            return
        if answer.manner == "reset":
            self.reset()
            return
        if answer.manner == "close":
            self.closing = True
            self.transport.close()
            return
        data = self.wire(answer)
        if answer.manner == "half":
            data = data[:len(data) - max(1, len(answer.body) // 2)]
        self.transport.write(data)
        if answer.manner == "half" or not self.keep_alive:
            self.closing = True
            self.transport.close()

    def wire(self, answer) -> bytes:
        lines = [f"HTTP/1.1 {answer.status} {WORDS.get(answer.status, 'Other')}",
                 f"Content-Type: {answer.media_type}",
                 f"Content-Length: {len(answer.body)}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        if not self.keep_alive:
            lines.append("Connection: close")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + answer.body

    keep_alive = True


class HttpServer:
    """Listens on one address; can stop and start listening again."""

    def __init__(self, handler, refuses=lambda: False, on_error=lambda e: None,
                 tls=None):
        self.handler, self.refuses, self.on_error = handler, refuses, on_error
        self.tls = tls
        self.connections = set()
        self.server = None

    async def listen(self, host, port):
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(
            lambda: Connection(self), host, port, ssl=self.tls,
            reuse_address=True, backlog=1024)
        self.address = self.server.sockets[0].getsockname()[:2]

    def stop(self):
        """Refuse new connections and reset the open ones, at once."""
        if self.server is not None:
            self.server.close()
            self.server = None
        for connection in list(self.connections):
            connection.reset()

    async def start_again(self):
        if self.server is None:
            await self.listen(*self.address)
