"""A site for a test: the stack of ./run with what tests need on top.

    Site        waits for facts instead of sleeping, speaks and listens as any
                account, runs sampanctl, and at its end holds every bridge to
                its promises: exit 0 within 5 s of SIGTERM, no word from a
                sanitizer
    Load        publishes numbered messages and knows which were acknowledged
    Keeper      keeps events until their receipt, as the adapters do
"""
import base64
import datetime
import json
import os
import pathlib
import queue
import subprocess
import threading
import time
import uuid

import paho.mqtt.client as mqtt

from sink import Sink
from stack import Stack, StackError, wait_until  # conftest knows where

HERE = pathlib.Path(__file__).resolve().parent
STOP_SECONDS = 5
FAKETIME = next(map(str, pathlib.Path("/usr/lib").glob(
    "*/faketime/libfaketimeMT.so.1")), None)  # None: not installed
SANITIZERS = ("AddressSanitizer", "LeakSanitizer", "runtime error:",
              "ThreadSanitizer")
CHINA = datetime.timezone(datetime.timedelta(hours=8))
ENTERPRISE = "91110000710934615P001X"
VIN = "LZZ5ELSD7CN123456"


def china(offset_s=0):
    """Now, as devices say it."""
    now = datetime.datetime.now(CHINA) + datetime.timedelta(seconds=offset_s)
    return now.isoformat(timespec="milliseconds")


def segment(marker, content):
    return bytes((0xff, marker)) + (len(content) + 2).to_bytes(2, "big") \
        + content


def jpeg(size=600, seed=0):
    """What every reader takes for a JPEG, of the size that is wanted."""
    head = b"\xff\xd8" + segment(0xe0, b"JFIF\0\1\1\0\0\1\0\1\0\0") \
        + segment(0xc0, bytes((8, 0, 8, 0, 8, 1, 1, 0x11, 0))) \
        + segment(0xda, bytes((1, 1, 0, 0, 63, 0)))
    fill = bytes((seed * 7 + at * 31) % 255 for at in range(997))
    left = max(size - len(head) - 2, 0)
    return head + (fill * (left // len(fill) + 1))[:left] + b"\xff\xd9"


def picture(kind, size=600, seed=0):
    return {"kind": kind, "jpeg": base64.b64encode(jpeg(size, seed)).decode()}


class Speaker:
    """One account at the broker; hears what it subscribes to."""

    def __init__(self, site, user, *filters, client_id=None):
        self.heard = queue.Queue()
        self.ready = threading.Event()
        self.gone = threading.Event()
        self.filters = [(name, 1) for name in filters]
        self.client = mqtt.Client(client_id or f"{user}-{uuid.uuid4().hex[:8]}",
                                  protocol=mqtt.MQTTv311)
        self.client.username_pw_set(user, site.password(user))
        self.client.on_connect = self.connected
        self.client.on_subscribe = lambda *_: self.ready.set()
        self.client.on_disconnect = lambda *_: self.gone.set()
        self.client.reconnect_delay_set(1, 1)
        self.client.on_message = lambda c, u, m: self.heard.put(m)
        self.client.connect("127.0.0.1", site.broker_port)
        self.client.loop_start()
        if not self.ready.wait(10):
            raise StackError(f"{user} did not come in")

    def connected(self, client, userdata, flags, code):
        if code == 0 and self.filters:
            client.subscribe(self.filters)
        elif code == 0:
            self.ready.set()

    def say(self, topic, payload, seconds=10, wait=True):
        if isinstance(payload, (dict, list)):
            payload = json.dumps(payload, ensure_ascii=False)
        info = self.client.publish(topic, payload, qos=1)
        if wait:
            info.wait_for_publish(seconds)
            assert info.is_published(), f"{topic}: no PUBACK"
        return info

    def try_to_say(self, topic, payload):
        """What the broker forbids.  With max_queued_messages 0 mosquitto 2.0
        cuts such a client off; it comes back by itself."""
        self.gone.clear()
        self.ready.clear()
        self.client.publish(topic, json.dumps(payload), qos=0)
        if self.gone.wait(2) and not self.ready.wait(10):
            raise StackError("did not come back to the broker")

    def hear(self, seconds=10):
        return json.loads(self.heard.get(timeout=seconds).payload)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


class Receipts(Speaker):
    """Receipts of one device, gathered."""

    def __init__(self, site, user, kind, ident):
        self.stored, self.rejected = {}, {}
        super().__init__(site, user,
                         f"sampan/v1/{site.site}/receipt/{kind}/{ident}")
        self.client.on_message = self.gather

    def gather(self, client, userdata, message):
        receipt = json.loads(message.payload)
        for ident in receipt.get("stored", []):
            self.stored[ident] = self.stored.get(ident, 0) + 1
        for one in receipt.get("rejected", []):
            self.rejected[one["id"]] = one["reason"]


class Load(threading.Thread):
    """Publishes {"id": ...} as fast as rate allows until told to stop."""

    def __init__(self, site, user="plant", topic="line/1/result", rate=1500,
                 fill=700, prefix="m", limit=None):
        super().__init__(daemon=True)
        self.rate, self.fill, self.prefix = rate, "x" * fill, prefix
        self.topic, self.limit = topic, limit
        self.sent = 0
        self.acked = set()
        self.pending = {}
        self.ending = threading.Event()
        self.client = mqtt.Client(f"load-{uuid.uuid4().hex[:8]}",
                                  protocol=mqtt.MQTTv311, clean_session=False)
        self.client.username_pw_set(user, site.password(user))
        self.client.max_inflight_messages_set(200)
        self.client.max_queued_messages_set(0)
        self.client.on_publish = self.published
        self.lock = threading.Lock()
        self.client.connect("127.0.0.1", site.broker_port)
        self.client.loop_start()

    def published(self, client, userdata, mid):
        with self.lock:
            ident = self.pending.pop(mid, None)
            if ident is None:  # faster than publish() returned
                self.pending[mid] = None
            else:
                self.acked.add(ident)

    def run(self):
        began = time.monotonic()
        while not self.ending.is_set() and (self.limit is None
                                            or self.sent < self.limit):
            ahead = self.sent - (time.monotonic() - began) * self.rate
            if ahead > 0 or len(self.pending) > 2000:
                time.sleep(0.002)
                continue
            ident = f"{self.prefix}{self.sent}"
            self.sent += 1
            info = self.client.publish(
                self.topic, '{"id":"%s","fill":"%s"}' % (ident, self.fill), 1)
            with self.lock:
                if info.mid in self.pending:
                    del self.pending[info.mid]
                    self.acked.add(ident)
                else:
                    self.pending[info.mid] = ident

    def wait_limit(self, seconds):
        """Everything was sent and acknowledged."""
        wait_until(lambda: len(self.acked) == self.limit, seconds,
                   f"{self.limit} PUBACKs")
        self.finish()

    def finish(self, seconds=20):
        self.ending.set()
        if self.is_alive():
            self.join(10)
        wait_until(lambda: not self.pending, seconds, "the last PUBACKs")
        self.client.disconnect()
        self.client.loop_stop()


class Keeper(threading.Thread):
    """Keeps each event until its receipt and sends it again: on reconnect,
    and when none came for a while."""

    AGAIN_S = 2.0

    def __init__(self, site, user, destination, record_of, interface,
                 in_flight=50, rate=200):
        super().__init__(daemon=True)
        top = f"sampan/v1/{site.site}"
        self.topic = f"{top}/up/{destination}/{interface}"
        self.receipts = f"{top}/receipt/up/{destination}"
        self.record_of, self.in_flight, self.rate = record_of, in_flight, rate
        self.made = 0
        self.kept = {}       # id -> [payload, sent at]
        self.stored = set()
        self.rejected = {}
        self.again = False
        self.ending = threading.Event()
        self.lock = threading.Lock()
        self.client = mqtt.Client(f"keeper-{uuid.uuid4().hex[:8]}",
                                  protocol=mqtt.MQTTv311)
        self.client.username_pw_set(user, site.password(user))
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = self.connected
        self.client.on_message = self.receipt
        self.client.connect("127.0.0.1", site.broker_port)
        self.client.loop_start()

    def connected(self, client, userdata, flags, code):
        client.subscribe(self.receipts, 1)
        self.again = True

    def receipt(self, client, userdata, message):
        told = json.loads(message.payload)
        with self.lock:
            for ident in told.get("stored", []):
                self.stored.add(ident)
                self.kept.pop(ident, None)
            for one in told.get("rejected", []):
                self.rejected[one["id"]] = one["reason"]
                self.kept.pop(one["id"], None)

    def send_again(self, every):
        now = time.monotonic()
        with self.lock:
            late = [ident for ident, kept in self.kept.items()
                    if every or now - kept[1] > self.AGAIN_S]
            for ident in late:
                self.kept[ident][1] = now
                self.client.publish(self.topic, self.kept[ident][0], 1)

    def run(self):
        began = time.monotonic()
        while True:
            if self.again:
                self.again = False
                self.send_again(True)
            self.send_again(False)
            if self.ending.is_set() and not self.kept:
                return
            ahead = self.made - (time.monotonic() - began) * self.rate
            if self.ending.is_set() or ahead > 0 \
                    or len(self.kept) >= self.in_flight:
                time.sleep(0.005)
                continue
            ident = f"k{self.made}"
            payload = json.dumps({"event_id": ident, "time": china(),
                                  "record": self.record_of(self.made)},
                                 ensure_ascii=False)
            self.made += 1
            with self.lock:
                self.kept[ident] = [payload, time.monotonic()]
            self.client.publish(self.topic, payload, 1)

    def finish(self, seconds=60):
        self.ending.set()
        self.join(seconds)
        assert not self.is_alive(), f"{len(self.kept)} events got no receipt"
        self.client.disconnect()
        self.client.loop_stop()


def access_record(number, **other):
    """A vehicleAccess of Yunnan 6.13, the record's number left to the bridge."""
    small = "data:image/jpeg;base64," + base64.b64encode(
        jpeg(400, number)).decode()
    return {"entranceId": "A", "gateId": "A01",
            "vehicleId": ENTERPRISE + "%05d" % (number % 100000),
            "licensePlate": "云A%05d" % (number % 100000), "plateColor": "1",
            "vin": VIN, "accessType": "0",
            "accessTime": china()[:19].replace("T", " "),
            "cargoType": "铁矿石", "cargoWeight": 12.5, "cargoUnit": "T",
            "carHeadImg": small, "carImg": small, **other}


def faketime(offset):
    """The environment of a program that has another time of day."""
    return {"LD_PRELOAD": FAKETIME, "FAKETIME": offset,
            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def slow_flush(folder, ms=None, wait_for=None):
    """The environment of a program whose store has a slow disk."""
    shim = pathlib.Path(folder) / "slow_flush.so"
    if not shim.exists():
        subprocess.run(["gcc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC",
                        "-o", shim, HERE / "slow_flush.c", "-ldl"], check=True)
    env = {"LD_PRELOAD": str(shim)}
    if ms is not None:
        env["SLOW_FLUSH_MS"] = str(ms)
    if wait_for is not None:
        env["SLOW_FLUSH_WHILE"] = str(wait_for)
    return env


class Site(Stack):
    """Stack, with waits and promises."""

    def __init__(self, folder, build, site="plant-1"):
        super().__init__(folder, build, site)
        self.closing = []   # what else has to be closed
        self.killed = set()  # bridges that were meant to die
        self.bridge = None
        self.accounts("add", "operator", "op")
        self.accounts("add", "sender", "plant", "line/#", "press/#")
        self.top = f"sampan/v1/{site}"
        self.op = None

    # ---- parts

    def sink(self):
        sink = Sink()
        self.closing.append(sink)
        return sink

    def speaker(self, user, *filters, **options):
        speaker = Speaker(self, user, *filters, **options)
        self.closing.append(speaker)
        return speaker

    def receipts(self, user, kind, ident):
        receipts = Receipts(self, user, kind, ident)
        self.closing.append(receipts)
        return receipts

    def source(self, user="erp", *destinations):
        self.accounts("add", "source", user, *destinations)

    def settings(self, *destinations, routes=None, **other):
        """Settings with short delays; each destination is a dict."""
        if routes is None:
            routes = [{"filter": "line/+/result", "destination": one["name"],
                       "event_id": "/id"} for one in destinations
                      if one["platform"] == "generic"][:1]
        whole = {"crypto_threads": 2, "destinations": list(destinations)}
        if routes:
            whole["routes"] = routes
        whole.update(other)
        return self.write_settings(whole)

    @staticmethod
    def generic(name, url, **other):
        return {"name": name, "platform": "generic", "base_url": url, **other}

    @staticmethod
    def yunnan(name, standin, **other):
        return {"name": name, "platform": "yunnan",
                "base_url": standin.url + "/access/api/dataReceive",
                "yunnan": {"enterprise_id": ENTERPRISE,
                           "enterprise_name": "示例钢铁有限责任公司"}, **other}

    # ---- the bridge

    def start_bridge(self, settings="bridge.yaml", ready=True, env=None,
                     wrapper=(), **options):
        began = time.time()
        self.bridge = self.start(
            "bridge", [*wrapper, self.program("sampan-bridge"), "-c",
                       self.folder / settings],
            env={"ASAN_OPTIONS": "verify_asan_link_order=0:exitcode=99",
                 "UBSAN_OPTIONS": "print_stacktrace=1", **(env or {})},
            **options)
        if ready:
            self.bridge.wait_ready(lambda: self.told_since(began)
                                   and self.state()["broker"], 30)
        return self.bridge

    def told_since(self, instant):
        try:
            return (self.folder / "state/health.json").stat().st_mtime > instant
        except FileNotFoundError:
            return False

    def state(self):
        return json.loads((self.folder / "state/health.json").read_text())

    def destination(self, name):
        return next(one for one in self.state()["destinations"]
                    if one["name"] == name)

    def kill_bridge(self):
        self.killed.add(self.bridge)
        self.bridge.popen.kill()
        self.bridge.popen.wait()

    def stop_bridge(self, bridge=None):
        """SIGTERM: it has 5 s, ends with 0 and no sanitizer spoke."""
        bridge = bridge or self.bridge
        bridge.check()
        began = time.monotonic()
        bridge.popen.terminate()
        code = bridge.wait(STOP_SECONDS + 10)
        took = time.monotonic() - began
        assert code == 0, f"the bridge ended with {code}\n" \
            + bridge.last_words(40)
        assert took < STOP_SECONDS, f"SIGTERM took {took:.1f} s"
        return took

    def until(self, condition, seconds, what, every=0.1):
        def alive():
            if self.bridge is not None and self.bridge not in self.killed:
                self.bridge.check()
            return condition()
        return wait_until(alive, seconds, what, every)

    # ---- operators

    def ask(self, verb, seconds=15, **members):
        if self.op is None:
            self.op = self.operator("op")
        return self.op.ask(verb, seconds, **members)

    def ctl(self, *words, user="op", code=0, text=None, timeout=60):
        done = subprocess.run(
            [self.program("sampanctl"), *map(str, words)], input=text,
            capture_output=True, text=True, timeout=timeout, check=False,
            env={**os.environ, "SAMPAN_PORT": str(self.broker_port),
                 "SAMPAN_SITE": self.site, "SAMPAN_USER": user,
                 "SAMPAN_PASSWORD_FILE": str(self.password_file(user))})
        assert not any(word in done.stderr for word in SANITIZERS), done.stderr
        if code is not None:
            assert done.returncode == code, (words, done.stdout, done.stderr)
        return done

    def ctl_json(self, *words, **options):
        return json.loads(self.ctl("--json", *words, **options).stdout)

    def deliveries(self, **wanted):
        """All deliveries that an operator sees, by list."""
        rows, after = [], 0
        while True:
            reply = self.ask("list", limit=1000, after=after, **wanted)
            assert reply["ok"], reply
            rows += reply["entries"]
            if "next" not in reply:
                return rows
            after = reply["next"]

    def sums(self, destination=None):
        """Deliveries by state, all interfaces together."""
        sums = dict.fromkeys(("made", "waiting", "parked", "held", "delivered",
                              "rejected", "discarded"), 0)
        for row in self.ask("stats")["deliveries"]:
            if destination in (None, row["destination"]):
                for name in sums:
                    sums[name] += row[name]
        return sums

    def check_books(self):
        """Promise 7, on every row of all time."""
        stats = self.ask("stats")
        for row in stats["events"]:
            assert row["received"] == sum(row[name] for name in (
                "used", "joining", "unrouted", "invalid", "repeats")), row
        for row in stats["deliveries"]:
            assert row["made"] == sum(row[name] for name in (
                "waiting", "parked", "held", "delivered", "rejected",
                "discarded")), row
        return stats

    # ---- the end

    def check_logs(self):
        for log in (self.folder / "logs").glob("bridge*.log"):
            text = log.read_text(errors="replace")
            found = [line for line in text.splitlines()
                     if any(word in line for word in SANITIZERS)]
            assert not found, "\n".join(found[:5]) + "\n" + text[-4000:]

    def close(self):
        try:
            bridge = self.bridge
            if bridge is not None and bridge not in self.killed \
                    and bridge.popen.returncode != 0:
                self.stop_bridge(bridge)
            self.check_logs()
        finally:
            for one in self.closing:
                one.close()
            super().close()


__all__ = ["FAKETIME", "faketime", "Site", "Speaker", "Receipts", "Load", "Keeper", "Sink",
           "StackError", "access_record", "china", "jpeg", "picture",
           "slow_flush", "wait_until", "CHINA", "ENTERPRISE", "HERE", "VIN"]
