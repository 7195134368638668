"""Devices that speak their makers' protocols, as one plan describes them.

    {"lanes": [{"name": "south-in", "direction": "in",
                "head": {"kind": "vz", "name": "cam-1", "where": "http://..."},
                "body": {...}, "scale": {"kind": "a9", "name": "scale-1",
                                         "wire": "pty:/tmp/scale-1"}}],
     "lines": [{"wire": "pty:/tmp/bus", "meters": [
                   {"protocol": "dlt645-2007", "address": "000000000161"}]},
               {"wire": "tcp:1502", "framing": "tcp", "units": {"1": "sdm630"}}]}

A lane is one gate: a vehicle is seen by both cameras while it drives onto the
scale.  Every part may be absent.
"""

import itertools
import random
import sys
import threading
import time
from dataclasses import dataclass

from . import cameras, meters, modbus_meters, scales, wire
from .frames import cjt188

BODY_S = 0.3          # after the head
SETTLE_S = 20.0       # until every camera has its answers
TERM_SETTLE_S = 5.0


def say(text):
    print(f"devices: {text}", file=sys.stderr, flush=True)


# ---- parts, from their words in the plan

def http_faults(words, seed):
    chances = dict(word.split("=") for word in words or [])
    return cameras.HttpFaults(seed=seed, **{
        kind: float(chance) for kind, chance in chances.items()})


def make_camera(told, stopping, log, seed):
    told = dict(told)
    kind, name, where = (told.pop(key) for key in ("kind", "name", "where"))
    faults = http_faults(told.pop("faults", None), seed)
    if "password_file" in told:
        with open(told.pop("password_file"), encoding="utf-8") as file:
            told["password"] = file.read().strip()
    one = cameras.make(kind, name, where, stopping, faults=faults, log=log,
                       **told)
    say(f"camera {name}: {kind} to {where}")
    return one


def make_scale(told, seed):
    told = dict(told)
    name = told.pop("name", told["kind"])
    line = wire.open_wire(told.pop("wire"),
                          answers=told["kind"] == "modbus-tcp")
    faults = wire.read_faults(told.pop("faults", None), seed)
    script = scales.Script(**told.pop("script", {}))
    one = scales.Scale(told.pop("kind"), line, faults,
                       scales.Platform(script), **told)
    say(f"scale {name}: {one.kind} at {line.where}")
    return name, one


def make_meter(told):
    told = dict(told)
    protocol, address = told.pop("protocol"), told.pop("address")
    if protocol in ("dlt645-2007", "dlt645-1997"):
        load = modbus_meters.Load(**{"power_kw": 60.0, **told.pop("load", {})})
        return meters.Meter645(address, int(protocol[-4:]), load, **told)
    if protocol in ("cjt188", "cjt188-heat"):
        kind = cjt188.HEAT if protocol == "cjt188-heat" else cjt188.WATER
        return meters.Meter188(address, kind, **told)
    raise ValueError(f"{protocol}: not dlt645-2007, dlt645-1997, cjt188 or"
                     " cjt188-heat")


def make_line(told, seed):
    """A bus of meters, or a server of Modbus units."""
    framing = told.get("framing", "rtu")
    line = wire.open_wire(told["wire"], answers=framing == "tcp")
    faults = wire.read_faults(told.get("faults"), seed)
    if "units" in told:
        units = {}
        for number, unit in told["units"].items():
            model, load = (unit, {}) if isinstance(unit, str) else (
                unit["model"], unit.get("load", {}))
            units[int(number)] = modbus_meters.meter_unit(
                model, modbus_meters.Load(**load),
                told.get("low_first", False))
        say(f"modbus {framing} {sorted(units)} at {line.where}")
        return modbus_meters.ModbusServer(line, units, faults, framing,
                                          told.get("glitch", False))
    say(f"meters at {line.where}")
    return meters.Bus(line, [make_meter(one) for one in told["meters"]],
                      faults, told.get("echo", False),
                      bytes.fromhex(told.get("registration", "")))


# ---- a lane

@dataclass
class Lane:
    name: str
    direction: str
    head: object
    body: object
    scale: object           # scales.Scale or None
    scale_name: str
    rng: random.Random
    every_s: float          # between vehicles where there is no scale

    def drive(self, vehicles, world):
        """Until world says that it is enough."""
        driver = scales.Driver(
            self.scale, (), world.stopping, log=world.log,
            name=self.scale_name) if self.scale else None
        if driver:
            world.drivers[self.scale_name] = driver
        began = time.monotonic()
        for number, vehicle in enumerate(vehicles):
            if world.over(began, number) or not self.ready(driver):
                return
            self.pass_vehicle(vehicle, driver, world)

    def ready(self, driver):
        return driver is None or driver.wait(
            lambda: self.scale.wire.heard() and self.scale.platform.free())

    def pass_vehicle(self, vehicle, driver, world):
        gross = self.gross(float(vehicle["tare_t"]) * 1000)
        seen = [self.see(self.head, "head", vehicle, world),
                threading.Timer(BODY_S, self.see, (self.body, "body", vehicle,
                                                   world))]
        seen[1].start()
        if driver:
            driver.visit(gross, vehicle["plate"])
        else:
            world.stopping.wait(self.every_s)
        seen[1].join()

    def see(self, camera, kind, vehicle, world):
        if camera is not None:
            scene, cutout = cameras.pictures(
                world.picture_kb, f"{vehicle['plate']} {kind}")
            camera.see(vehicle["plate"], vehicle["color"], self.direction,
                       scene, cutout)

    def gross(self, tare):
        load = self.rng.randrange(250, 1500) if self.direction == "in" \
            else self.rng.randrange(0, 10)
        division = scales.DIVISION_KG
        return (round(tare / division) + load) * division


class World:
    """Everything of a plan, running until its time is over."""

    def __init__(self, plan, stopping, vehicles, seconds=None, count=None,
                 picture_kb=0.0, seed=0, log=None):
        self.stopping, self.seconds, self.count = stopping, seconds, count
        self.picture_kb, self.log = picture_kb, log
        self.ending = threading.Event()  # of the lines, after the cameras
        self.cameras, self.drivers, self.scales = {}, {}, {}
        seeds = itertools.count(seed)
        self.lanes = [self.make_lane(told, next(seeds), log)
                      for told in plan.get("lanes", [])]
        self.lines = [make_line(told, next(seeds))
                      for told in plan.get("lines", [])]
        self.vehicles = vehicles

    def make_lane(self, told, seed, log):
        parts = {}
        for part in ("head", "body"):
            parts[part] = None
            if told.get(part):
                one = make_camera(told[part], self.ending, log, seed)
                parts[part] = self.cameras[one.camera] = one
        name, scale = make_scale(told["scale"], seed) if told.get("scale") \
            else ("", None)
        if scale:
            self.scales[name] = scale
        return Lane(told.get("name", name), told.get("direction", "in"),
                    parts["head"], parts["body"], scale, name,
                    random.Random(seed), told.get("every_s", 1.0))

    def over(self, began, number):
        return self.stopping.is_set() or (
            self.count is not None and number >= self.count) or (
            self.seconds is not None
            and time.monotonic() - began >= self.seconds)

    def run(self):
        servers = [threading.Thread(target=one.serve, args=(self.ending,))
                   for one in (*self.scales.values(), *self.lines)]
        threads = [threading.Thread(target=lane.drive, args=(
            itertools.cycle(self.vehicles[at::len(self.lanes)]), self))
            for at, lane in enumerate(self.lanes)]
        for one in (*servers, *self.cameras.values(), *threads):
            one.daemon = True
            one.start()
        for one in threads:
            one.join()
        if not self.lanes:  # meters alone: until told to stop
            self.stopping.wait(self.seconds)
        self.settle()
        self.ending.set()
        for one in (*servers, *self.cameras.values()):
            one.join(3)
        for one in (*self.scales.values(), *self.lines):
            one.wire.close()
        return self.books()

    def settle(self):
        end = time.monotonic() + SETTLE_S
        while not all(one.settled() for one in self.cameras.values()):
            if self.stopping.is_set():
                end = min(end, self.stopping.at + TERM_SETTLE_S)
            if time.monotonic() > end:
                return
            time.sleep(0.1)

    def books(self):
        told = {
            "cameras": {name: one.books()
                        for name, one in self.cameras.items()},
            "scales": {name: driver.books()
                       for name, driver in self.drivers.items()},
            "lines": [{"where": one.wire.where, "asked": one.asked,
                       "answered": one.answered, "faults": one.faults.counts}
                      for one in self.lines]}
        told["answered"] = sum(one["answered"]
                               for one in told["cameras"].values())
        told["trucks"] = sum(one["trucks"] for one in told["scales"].values())
        return told
