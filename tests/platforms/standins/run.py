"""One stand-in: a platform on a data port, its control on another."""

import argparse
import asyncio
import json
import os
import signal
import ssl
import sys
import time

from .control import Control
from .henan import Henan
from .http import HttpServer
from .liaoning import Liaoning
from .sink import Sink
from .yunnan import Yunnan

PLATFORMS = {p.name: p for p in (Yunnan, Henan, Liaoning, Sink)}


class Standin:
    def __init__(self, platform, tls=None, state=None):
        self.platform = platform
        self.state = state
        self.began = time.time()
        self.waking = None
        self.data = HttpServer(platform.handle,
                               platform.faults.reset_at_connect,
                               self.note_error, tls)
        self.controls = HttpServer(Control(self).handle)
        if state and os.path.exists(state):
            with open(state, encoding="utf-8") as file:
                saved = json.load(file)
            platform.books.load(saved["books"])
            platform.load(saved["platform"])

    def note_error(self, error):
        self.platform.books.arrived("http", None)
        self.platform.books.failed("http", "invalid", None, [str(error)])

    async def listen(self, host, port, control_port):
        await self.data.listen(host, port)
        if control_port is None:
            control_port = self.data.address[1] + 1 if port else 0
        await self.controls.listen(host, control_port)
        self.platform.address = self.data.address

    def down(self, seconds=None):
        """Refuse connections until up(), or for so many seconds."""
        self.data.stop()
        if self.waking is not None:
            self.waking.cancel()
            self.waking = None
        if seconds is not None:
            self.waking = asyncio.ensure_future(self.wake(seconds))

    async def wake(self, seconds):
        await asyncio.sleep(seconds)
        self.waking = None
        await self.up()

    async def up(self):
        if self.waking is not None:
            self.waking.cancel()
            self.waking = None
        self.platform.faults.clear("down")
        await self.data.start_again()

    def stats(self) -> dict:
        return {"platform": self.platform.name, "since": self.began,
                "now": time.time(), "up": self.data.server is not None,
                "connections": len(self.data.connections),
                "faults": self.platform.faults.shown(),
                **self.platform.books.stats()}

    def save(self):
        if not self.state:
            return
        saved = {"books": self.platform.books.save(),
                 "platform": self.platform.save()}
        with open(self.state + ".new", "w", encoding="utf-8") as file:
            json.dump(saved, file, ensure_ascii=False)
        os.replace(self.state + ".new", self.state)


def read_arguments(arguments):
    parser = argparse.ArgumentParser(
        prog="standin.py", description="A stand-in for a platform; see "
        "README.md beside it.")
    parser.add_argument("platform", choices=sorted(PLATFORMS))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True,
                        help="data port; 0: any free one")
    parser.add_argument("--control-port", type=int,
                        help="default: data port + 1")
    parser.add_argument("--state", help="file that keeps the books over a "
                        "restart; written at the end")
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    parser.add_argument("--client-ca",
                        help="demand a client certificate of this CA")
    parser.add_argument("--option", action="append", default=[],
                        metavar="NAME=VALUE")
    found = parser.parse_args(arguments)
    pairs = [option.partition("=") for option in found.option]
    if any(not equals for _, equals, _ in pairs):
        parser.error("--option is NAME=VALUE")
    found.options = {name: value for name, _, value in pairs}
    return found


def tls_context(arguments):
    if not arguments.tls_cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(arguments.tls_cert, arguments.tls_key)
    if arguments.client_ca:
        context.load_verify_locations(arguments.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def serve(arguments):
    platform = PLATFORMS[arguments.platform](arguments.options)
    standin = Standin(platform, tls_context(arguments), arguments.state)
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    await standin.listen(arguments.host, arguments.port,
                         arguments.control_port)
    host, port = standin.data.address
    print(f"standin {platform.name} listening {host}:{port} control "
          f"{standin.controls.address[1]}", flush=True)
    await end.wait()
    standin.data.stop()
    standin.save()
    print(json.dumps(standin.stats(), ensure_ascii=False), flush=True)


def main(arguments=None):
    try:
        asyncio.run(serve(read_arguments(arguments)))
    except (OSError, ValueError) as error:
        print(f"standin: {error}", file=sys.stderr)
        return 1
    return 0
