"""A broker that does only what it is told: MQTT 5 by hand, over sockets.

It takes the bridge's two connections, subscribes them to everything and says
when each packet came.  Clauses are those of the OASIS MQTT 5.0 standard.
"""
import socket
import struct
import threading
import time

CONNECT, CONNACK, PUBLISH, PUBACK = 1, 2, 3, 4
SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = 8, 9, 12, 13, 14


def variable(value):  # 1.5.5
    out = bytearray()
    while True:
        value, byte = divmod(value, 128)
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)


def text(value):  # 1.5.4
    data = value.encode()
    return struct.pack(">H", len(data)) + data


class Link(threading.Thread):
    """One connection of a client."""

    def __init__(self, broker, peer):
        super().__init__(daemon=True)
        self.broker, self.peer = broker, peer
        self.client_id = None
        self.acknowledged = {}  # packet id -> when its PUBACK came
        self.published = []     # (topic, payload)
        self.pings = 0
        self.lock = threading.Lock()

    def exactly(self, count):
        data = b""
        while len(data) < count:
            more = self.peer.recv(count - len(data))
            if not more:
                raise ConnectionError
            data += more
        return data

    def packet(self):
        kind = self.exactly(1)[0]
        length, shift = 0, 0
        while True:
            byte = self.exactly(1)[0]
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return kind >> 4, kind & 15, self.exactly(length)

    def send(self, kind, body, flags=0):
        with self.lock:
            self.peer.sendall(bytes([kind << 4 | flags])
                              + variable(len(body)) + body)

    def run(self):
        try:
            while True:
                self.take(*self.packet())
        except (ConnectionError, OSError):
            self.broker.links.pop(self.client_id, None)
            self.peer.close()

    def take(self, kind, flags, body):
        if kind == CONNECT:  # 3.1: name, version, flags, keep alive, properties
            at = 10
            length = body[at]  # properties, below 128 bytes here
            at += 1 + length
            size = struct.unpack_from(">H", body, at)[0]
            self.client_id = body[at + 2:at + 2 + size].decode()
            self.send(CONNACK, bytes([0, 0, 0]))
            self.broker.links[self.client_id] = self
        elif kind == SUBSCRIBE:  # 3.8: id, properties, filters with options
            at, granted = 3 + body[2], bytearray()
            while at < len(body):
                at += 3 + struct.unpack_from(">H", body, at)[0]
                granted.append(body[at - 1] & 3)  # what was asked for
            self.send(SUBACK, body[:2] + b"\0" + granted)
            self.broker.subscribed.add(self.client_id)
        elif kind == PUBLISH:
            self.take_publish(flags, body)
        elif kind == PUBACK:
            ident = struct.unpack_from(">H", body)[0]
            self.acknowledged[ident] = time.monotonic()
        elif kind == PINGREQ:
            self.pings += 1
            self.send(PINGRESP, b"")

    def take_publish(self, flags, body):
        size = struct.unpack_from(">H", body)[0]
        topic, at = body[2:2 + size].decode(), 2 + size
        if flags >> 1 & 3:
            self.send(PUBACK, body[at:at + 2])
            at += 2
        self.published.append((topic, body[at + 1 + body[at]:]))

    def cut(self):
        self.peer.shutdown(socket.SHUT_RDWR)

    def publish(self, ident, topic, payload):  # 3.3, QoS 1, no properties
        self.send(PUBLISH, text(topic) + struct.pack(">H", ident) + b"\0"
                  + payload, flags=2)


class FakeBroker:
    def __init__(self):
        self.links = {}
        self.subscribed = set()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.server.accept()
            except OSError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Link(self, peer).start()

    def close(self):
        self.server.close()
        for link in list(self.links.values()):
            link.cut()
