"""Weighing indicators, and the trucks that drive onto their platform.

A truck's axles come one after the other, the weight swings, creeps to its
last division, stands, and leaves the platform empty.
"""

import dataclasses
import json
import math
import threading
import time
from dataclasses import dataclass

from . import events
from .frames import weighing
from .modbus_meters import ModbusServer, scale_unit

DIVISION_KG = 20


@dataclass(frozen=True)
class Script:
    """How long each part of a truck's visit takes, in seconds."""

    approach: float = 0.6
    swing: float = 0.6
    creep: float = 0.4
    stand: float = 2.5
    leave: float = 0.4
    empty: float = 0.8  # until the next may come

    @property
    def moving(self):
        return self.approach + self.swing + self.creep

    @property
    def present(self):
        return self.moving + self.stand + self.leave

    def load(self, gross, elapsed, division=DIVISION_KG):
        """(weight, is it moving) so long after the first axle."""
        if elapsed < 0 or elapsed >= self.present:
            return 0, False
        if elapsed < self.approach:
            part = elapsed / self.approach
            return gross * (0.35 * min(part * 3, 1) if part < 0.6
                            else 0.35 + 0.65 * (part - 0.6) / 0.4), True
        elapsed -= self.approach
        if elapsed < self.swing:
            part = elapsed / self.swing
            return gross * (1 + 0.03 * math.exp(-3 * part)
                            * math.sin(6 * math.pi * part)), True
        elapsed -= self.swing
        if elapsed < self.creep:
            return gross - division * math.ceil(
                3 * (1 - elapsed / self.creep)), True
        elapsed -= self.creep
        if elapsed < self.stand:
            return gross, False
        return gross * (1 - (elapsed - self.stand) / self.leave), True


class Platform:
    """Holds one truck at a time; any thread may ask what stands there."""

    def __init__(self, script=Script(), division=DIVISION_KG,
                 clock=time.monotonic):
        self.script, self.division, self.clock = script, division, clock
        self.gross, self.since = 0, -math.inf

    def arrive(self, gross_kg):
        self.gross, self.since = gross_kg, self.clock()

    def free(self) -> bool:
        return self.clock() - self.since >= self.script.present \
            + self.script.empty

    def standing(self) -> bool:
        passed = self.clock() - self.since
        return 0 <= passed - self.script.moving < self.script.stand

    def weigh(self):
        """(weight in whole divisions, is it moving)"""
        kg, moving = self.script.load(
            self.gross, self.clock() - self.since, self.division)
        return round(kg / self.division) * self.division, moving


# kind: what it sends of (kg, moving), by itself
CONTINUOUS = {
    "a9": lambda kg, moving: weighing.a9(kg),
    "d2": lambda kg, moving: weighing.d2(kg),
    "a12": lambda kg, moving: weighing.a12(kg) + b"\r\n",
    "xk3118": lambda kg, moving: weighing.xk3118(kg) + b"\r\n",
    "st-gs": lambda kg, moving: weighing.st_gs(kg, not moving),
    "toledo": lambda kg, moving: weighing.toledo(kg, motion=moving),
    "toledo-checksum": lambda kg, moving: weighing.toledo(
        kg, motion=moving, checksum=True),
}
ON_REQUEST = ("a9-command",)
MODBUS = ("modbus-rtu", "modbus-tcp")
KINDS = (*CONTINUOUS, *ON_REQUEST, *MODBUS)


class Scale:
    """An indicator on a line, speaking as its kind does."""

    def __init__(self, kind, wire, faults, platform=None, rate=10.0,
                 address="A"):
        if kind not in KINDS:
            raise ValueError(f"{kind}: not one of {' '.join(KINDS)}")
        self.kind, self.wire, self.faults = kind, wire, faults
        self.platform = platform or Platform()
        self.rate, self.address = rate, address
        self.frames = 0
        self.heard = bytearray()
        self.muted = False  # the indicator is switched off
        self.modbus = ModbusServer(
            wire, {1: scale_unit(self.platform)}, faults,
            kind.partition("-")[2]) if kind in MODBUS else None

    def serve(self, stopping):
        if self.modbus:
            self.modbus.serve(stopping)
        elif self.kind in ON_REQUEST:
            while not stopping.is_set():
                self.answer(self.wire.read(0.1))
        else:
            while not stopping.wait(1 / self.rate):
                self.speak()

    def speak(self):
        if not self.muted and self.wire.heard():
            self.frames += 1
            self.faults.send(self.wire, CONTINUOUS[self.kind](
                *self.platform.weigh()))

    def answer(self, data):
        """Requests of six bytes; noise between them is passed over."""
        self.heard += data
        while len(self.heard) >= 6:
            try:
                told = weighing.decode_a9_command(bytes(self.heard[:6]))
            except weighing.FrameError:
                del self.heard[:1]
                continue
            del self.heard[:6]
            if told["address"] == self.address and not self.muted:
                self.reply(told["command"])

    def reply(self, command):
        if command == "A":
            frame = weighing.a9_request("A", self.address)
        elif command in "BCD":
            kg = 0 if command == "C" else self.platform.weigh()[0]
            frame = weighing.a9_reply(command, kg, address=self.address)
        else:
            return
        self.frames += 1
        self.faults.send(self.wire, frame)


@dataclass
class Visit:
    gross_kg: int
    time: str          # of the first axle
    heard: bool = True  # somebody listened while it stood
    plate: str = ""


class Driver(threading.Thread):
    """Sends the trucks: one visit for each weight, when the platform is
    free and somebody listens."""

    def __init__(self, scale, weights, stopping, seconds=None, count=None,
                 log=None, gap_s=0.0, name=""):
        super().__init__(daemon=True)
        self.scale, self.weights, self.stopping = scale, weights, stopping
        self.seconds, self.count, self.log = seconds, count, log
        self.gap_s, self.name = gap_s, name
        self.visits = []

    def run(self):
        began = time.monotonic()
        for gross in self.weights:
            if self.count is not None and len(self.visits) >= self.count:
                return
            if self.seconds is not None \
                    and time.monotonic() - began >= self.seconds:
                return
            if not self.wait(lambda: self.scale.wire.heard()
                             and self.scale.platform.free()):
                return
            if not self.visit(gross):
                return

    def visit(self, gross, plate="") -> bool:
        """One truck, until the platform is free again."""
        visit = Visit(gross, events.stamp(), plate=plate)
        self.scale.platform.arrive(gross)
        self.visits.append(visit)

        def over():
            if self.scale.platform.standing() and not self.scale.wire.heard():
                visit.heard = False
            return self.scale.platform.free()
        done = self.wait(over)
        if self.log:
            self.log.write(json.dumps(
                {"scale": self.name, **dataclasses.asdict(visit)},
                ensure_ascii=False) + "\n")
            self.log.flush()
        return done and not self.stopping.wait(self.gap_s)

    def wait(self, condition) -> bool:
        """False: told to stop.  A truck on the platform still leaves."""
        while not condition():
            if self.stopping.wait(0.05) and self.scale.platform.free():
                return False
            time.sleep(0.01 if self.stopping.is_set() else 0)
        return True

    def books(self):
        return {"trucks": sum(visit.heard for visit in self.visits),
                "unheard": sum(not visit.heard for visit in self.visits),
                "frames": self.scale.frames, "faults": self.scale.faults.counts}


def grosses(rng, division=DIVISION_KG):
    while True:
        yield rng.randrange(600, 2400) * division
