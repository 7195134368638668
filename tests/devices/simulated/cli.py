"""What devices.py does: make the devices, run them, print their books."""

import datetime
import json
import os
import random
import signal
import sys
import threading
import time

from . import events, jpeg, ledger, wired_options
from .events import CHINA
from .flood import Flood
from .gate import Gate, Lane
from .link import Device, Link
from .options import read_arguments

TERM_LINGER_S = 3.0


def password(found):
    if not found.password_file:
        return None
    with open(found.password_file, encoding="utf-8") as file:
        return file.read().strip("\r\n")


def connection(found):
    return {"host": found.host, "port": found.port, "user": found.user,
            "password": password(found), "tls_ca": found.tls_ca,
            "version": found.mqtt}


def make_device(found, kind, name, topic=None):
    path = None
    if found.outbox:
        os.makedirs(found.outbox, exist_ok=True)
        path = os.path.join(found.outbox, f"{kind}-{name}.jsonl")
    return Device(kind, name, found.site, path, found.in_flight, topic)


def make_links(found, devices):
    groups = [devices] if found.shared else [[one] for one in devices]
    return [Link(group, site=found.site, resend_s=found.resend,
                 **connection(found)).start() for group in groups]


def beats(found, stopping, rate):
    """0, 1, 2 ... at that rate, until it is enough."""
    began = time.monotonic()
    number = 0
    while found.count is None or number < found.count:
        at = began + number / rate
        if found.seconds is not None and at - began >= found.seconds:
            return
        if stopping.wait(max(0.0, at - time.monotonic())):
            return
        yield number
        number += 1


def vehicles(found):
    return ledger.read(found.ledger) if found.ledger else ledger.plain()


def run_camera(found, devices, stopping):
    rows = vehicles(found)
    for number in beats(found, stopping, found.rate):
        row = rows[number % len(rows)]
        for device in devices:
            picture = jpeg.make(found.picture_kb,
                                f"{row['plate']} {device.name} {number}")
            device.say("capture", events.capture(
                device.name, row["plate"], row["color"], found.direction,
                [("head", picture)]))


def run_weighbridge(found, devices, stopping):
    rows = vehicles(found)
    rng = random.Random(found.seed)
    for number in beats(found, stopping, found.rate):
        tare = float(rows[number % len(rows)]["tare_t"]) * 1000
        for device in devices:
            gross = round(tare / 20 + rng.randrange(1500)) * 20
            device.say("weight", events.weight(device.name, gross))


def energy_at(found, moment):
    """The register rises evenly, so that every start tells the same."""
    zero = datetime.datetime(2020, 1, 1, tzinfo=CHINA)
    hours = (moment - zero).total_seconds() / 3600
    return round(hours * found.power_kw, 2)


def marks_since(found, now):
    """The marks from the start of the backfill to now."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if found.backfill == "none":
        return
    if found.backfill == "yesterday":
        at = midnight - datetime.timedelta(days=1)
    else:
        start = now - datetime.timedelta(hours=float(found.backfill))
        day = start.replace(hour=0, minute=0, second=0, microsecond=0)
        passed = (start - day) // datetime.timedelta(minutes=found.interval)
        at = day + datetime.timedelta(minutes=found.interval * passed)
    while at <= now:
        yield at
        at += datetime.timedelta(minutes=found.interval)


def read_meter(found, device, moment):
    device.say("reading", events.reading(device.name, {
        found.register: (energy_at(found, moment), found.unit)}, moment))


def run_meter(found, devices, stopping):
    for moment in marks_since(found, datetime.datetime.now(CHINA)):
        for device in devices:
            read_meter(found, device, moment)
    for _ in beats(found, stopping, found.rate):
        for device in devices:
            read_meter(found, device, datetime.datetime.now(CHINA))


def read_lane(text):
    name, equals, rest = text.partition("=")
    direction, _, names = rest.partition(":")
    if not name or not equals or direction not in ("in", "out"):
        raise ValueError(f"--lane {text}: not NAME=in|out[:HEAD,BODY,SCALE]")
    names = names.split(",") if names else [
        f"cam-{name}-head", f"cam-{name}-body", f"scale-{name}"]
    if len(names) != 3 or not names[0]:
        raise ValueError(f"--lane {text}: HEAD,BODY,SCALE are three names")
    return name, direction, names


def make_gate(found):
    """(devices, lanes); two lanes may share a device."""
    made = {}

    def device(kind, name):
        if not name:
            return None
        if (kind, name) not in made:
            made[kind, name] = make_device(found, kind, name)
        return made[kind, name]

    lanes = []
    for text in found.lane or ["in=in", "out=out"]:
        name, direction, (head, body, scale) = read_lane(text)
        lanes.append(Lane(name, direction, device("camera", head),
                          device("camera", body),
                          device("weighbridge", scale)))
    return list(made.values()), lanes


def run_gate(found, lanes, stopping):
    log = open(found.log, "a", encoding="utf-8") if found.log else None
    gate = Gate(lanes, vehicles(found), found.rate, found.picture_kb,
                found.offset_scale, found.weight_plate,
                not found.no_body_plate, log, found.seed)
    gate.run(stopping, found.seconds, found.count)
    if log:
        log.close()
    return {"passages": gate.passages}


def run_record(found, devices, stopping):
    if bool(found.file) == bool(found.record):
        raise ValueError("record needs --file or --record")
    texts = None
    if found.file:
        with open(found.file, encoding="utf-8") as file:
            texts = [line for line in file if line.strip()]
        found.count = min(found.count or len(texts), len(texts))
    elif found.count is None and found.seconds is None:
        found.count = 1
    for number in beats(found, stopping, found.rate):
        text = texts[number] if texts else \
            found.record.replace("{n}", str(number))
        devices[0].say("", events.record(found.destination,
                                         json.loads(text)))


def books_of(links, devices, extra):
    each = {f"{one.kind}/{one.name}": one.books() for one in devices}
    total = {name: sum(books[name] for books in each.values())
             for name in ("made", "carried", "published", "resent", "stored",
                          "rejected", "unreceipted")}
    reasons = sorted({r for books in each.values() for r in books["reasons"]})
    return {**total, "reasons": reasons, **(extra or {}),
            "connects": sum(link.connects for link in links),
            "devices": each}


def run_devices(found, stopping):
    if found.kind == "gate":
        devices, lanes = make_gate(found)
        work = lambda: run_gate(found, lanes, stopping)
    elif found.kind == "record":
        devices = [make_device(
            found, "up", found.destination,
            f"sampan/v1/{found.site}/up/{found.destination}/"
            + found.interface)]
        work = lambda: run_record(found, devices, stopping)
    else:
        devices = [make_device(found, found.kind, name)
                   for name in found.id or [found.default_id]]
        runner = {"camera": run_camera, "weighbridge": run_weighbridge,
                  "meter": run_meter}[found.kind]
        work = lambda: runner(found, devices, stopping)
    links = make_links(found, devices)
    extra = work()
    # A SIGTERM during the lingering shortens it.
    end = time.monotonic() + found.linger
    for link in links:
        while not link.wait_settled(0.2) and time.monotonic() < end:
            if stopping.is_set():
                end = min(end, stopping.at + TERM_LINGER_S)
    for link in links:
        link.close()
    return books_of(links, devices, extra)


class Stopping(threading.Event):
    """Set by SIGTERM; remembers when.  A second one ends at once."""

    at = 0.0

    def install(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.on_signal)

    def on_signal(self, number, frame):
        if self.is_set():
            os._exit(1)
        self.at = time.monotonic()
        self.set()


def main(arguments=None):
    found = read_arguments(arguments)
    stopping = Stopping()
    stopping.install()
    try:
        if found.kind == "ledger":
            ledger.write(ledger.make(found.count, found.enterprise,
                                     found.seed), sys.stdout)
            return 0
        if found.kind == "flood":
            books = Flood(found.topic, found.count, found.size, found.rate,
                          found.in_flight, found.prefix,
                          **connection(found)).run(stopping, found.linger)
        elif found.kind in wired_options.VERBS:
            books = wired_options.run(found, stopping)
        else:
            books = run_devices(found, stopping)
    except (OSError, ValueError) as error:
        print(f"devices: {error}", file=sys.stderr)
        return 1
    print(json.dumps(books, ensure_ascii=False), flush=True)
    return 0
