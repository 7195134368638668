"""A line between a simulated device and whoever reads it, and what goes wrong
on lines.

    pty:PATH          a pseudo-terminal; PATH becomes a link to it
    tcp:PORT          a server on 127.0.0.1, as a serial server is one
    tcp:0             on a free port

A line keeps nothing that nobody hears: without a reader, what is written is
gone.  Faults strike by chance, each with its own probability a frame, and the
same seed gives the same faults.
"""

import os
import pty
import random
import select
import socket
import termios
import time
import tty
from dataclasses import dataclass

SETTLE_S = 0.05  # a reader that has just opened sets the port first


class Pty:
    """One end of a pseudo-terminal; the other is for the reader."""

    def __init__(self, link=None):
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        os.close(slave)  # from now on, the reader's end is open or not
        os.set_blocking(self.master, False)
        self.link = link
        self.opened_at = None
        if link:
            if os.path.islink(link):
                os.unlink(link)
            os.symlink(self.path, link)
        self.where = link or self.path

    def heard(self) -> bool:
        """Is somebody at the other end, and has had time to set it?"""
        poll = select.poll()
        poll.register(self.master, 0)
        if any(event & select.POLLHUP for _, event in poll.poll(0)):
            self.opened_at = None
            return False
        if self.opened_at is None:
            self.opened_at = time.monotonic()
        return time.monotonic() - self.opened_at >= SETTLE_S

    def read(self, seconds) -> bytes:
        if not self.heard():
            time.sleep(min(seconds, 0.02))
            return b""
        ready, _, _ = select.select([self.master], [], [], seconds)
        try:
            return os.read(self.master, 4096) if ready else b""
        except OSError:  # EIO: closed meanwhile
            return b""

    def write(self, data):
        while data and self.heard():
            try:
                data = data[os.write(self.master, data):]
            except BlockingIOError:  # nobody reads: the oldest is lost
                termios.tcflush(self.master, termios.TCOFLUSH)
                return
            except OSError:
                return

    def hang_up(self):
        """A cable that comes loose: what is on its way is lost."""
        termios.tcflush(self.master, termios.TCIOFLUSH)

    def close(self):
        if self.link and os.path.islink(self.link):
            os.unlink(self.link)
        os.close(self.master)


class Tcp:
    """A serial server: whoever is connected hears everything.  With answers,
    a device that speaks TCP itself: only who asked hears."""

    def __init__(self, port=0, host="127.0.0.1", answers=False):
        self.listener = socket.create_server((host, port))
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.where = f"tcp://{host}:{self.port}"
        self.clients = []
        self.answers, self.asker = answers, None

    def heard(self) -> bool:
        self._accept()
        return bool(self.clients)

    def _accept(self):
        try:
            while True:
                client, _ = self.listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                client.settimeout(2)
                self.clients.append(client)
        except BlockingIOError:
            pass

    def read(self, seconds) -> bytes:
        ready, _, _ = select.select([self.listener, *self.clients], [], [],
                                    seconds)
        self._accept()
        for client in ready:
            if client is self.listener:
                continue
            try:
                data = client.recv(4096)
            except OSError:
                data = b""
            if data:
                self.asker = client
                return data
            self._drop(client)
        return b""

    def write(self, data):
        self._accept()
        for client in list(self.clients):
            if self.answers and client is not self.asker:
                continue
            try:
                client.sendall(data)
            except OSError:
                self._drop(client)

    def _drop(self, client):
        self.clients.remove(client)
        client.close()

    def hang_up(self):
        for client in list(self.clients):
            self._drop(client)

    def close(self):
        self.hang_up()
        self.listener.close()


def open_wire(text, answers=False):
    kind, _, rest = text.partition(":")
    if kind == "pty":
        return Pty(rest or None)
    if kind == "tcp" and rest.isdigit():
        return Tcp(int(rest), answers=answers)
    raise ValueError(f"{text}: not pty:PATH or tcp:PORT")


@dataclass
class Faults:
    """Probabilities a frame; torn is also the pause inside it, in seconds."""

    noise: float = 0.0       # bytes that mean nothing, in front
    torn: float = 0.0        # a pause somewhere inside
    wrong: float = 0.0       # one bit changed
    cut: float = 0.0         # the end is missing
    duplicate: float = 0.0   # sent twice
    flood: float = 0.0       # 4 KB of noise
    silence: float = 0.0     # nothing at all
    disconnect: float = 0.0  # hang up in the middle
    pause_s: float = 0.05
    seed: int = 0

    def __post_init__(self):
        self.rng = random.Random(self.seed)
        self.counts = dict.fromkeys(KINDS, 0)

    def strikes(self, kind) -> bool:
        chance = getattr(self, kind)
        if chance <= 0 or self.rng.random() >= chance:
            return False
        self.counts[kind] += 1
        return True

    def send(self, wire, frame):
        """The frame, or what becomes of it on a bad line."""
        if self.strikes("silence"):
            return
        if self.strikes("flood"):
            wire.write(self.rng.randbytes(4096))
        if self.strikes("noise"):
            wire.write(self.rng.randbytes(self.rng.randint(1, 12)))
        if self.strikes("wrong"):
            frame = flip(frame, self.rng)
        if self.strikes("cut"):
            frame = frame[:self.rng.randrange(len(frame))]
        self._write(wire, frame)
        if self.strikes("duplicate"):
            wire.write(frame)

    def _write(self, wire, frame):
        at = self.rng.randrange(len(frame)) if frame else 0
        if self.strikes("disconnect"):
            wire.write(frame[:at])
            wire.hang_up()
        elif self.strikes("torn"):
            wire.write(frame[:at])
            time.sleep(self.pause_s)
            wire.write(frame[at:])
        else:
            wire.write(frame)


KINDS = ("noise", "torn", "wrong", "cut", "duplicate", "flood", "silence",
         "disconnect")


def flip(frame, rng) -> bytes:
    """One bit of one byte changed, so that every check must notice."""
    at, bit = rng.randrange(len(frame)), rng.randrange(7)
    return frame[:at] + bytes([frame[at] ^ 1 << bit]) + frame[at + 1:]


def read_faults(words, seed=0) -> Faults:
    """["noise=0.1", "torn=0.05"]"""
    chances = {}
    for word in words or []:
        kind, equals, chance = word.partition("=")
        if kind not in KINDS or not equals:
            raise ValueError(f"{word}: not one of {' '.join(KINDS)}"
                             " with =PROBABILITY")
        chances[kind] = float(chance)
    return Faults(seed=seed or 0, **chances)
