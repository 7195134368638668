"""A whole gate: vehicles of a ledger pass lanes; cameras and scales speak.

One passage is the head camera's capture, soon after it the body camera's, and
the scale's weight once it is stable.  When vehicles follow each other faster
than that, the offsets shrink so that a lane's passages never overlap.
"""

import collections
import heapq
import itertools
import json
import random
import time
from dataclasses import dataclass, field

from . import events, jpeg

BODY_S = (0.4, 0.9)     # after the head
WEIGHT_S = (1.5, 3.0)
LONGEST_S = WEIGHT_S[1] / 0.8
STEP_KG = 20


@dataclass
class Lane:
    name: str
    direction: str
    head: object          # Device
    body: object          # Device or None
    scale: object         # Device or None


@dataclass(order=True)
class Due:
    at: float
    order: int
    act: object = field(compare=False)


class Gate:
    def __init__(self, lanes, rows, rate, picture_kb=0.0, offset_scale=None,
                 weigh_plate=False, body_plate=True, log=None, seed=None):
        if rate <= 0 or not rows:
            raise ValueError("a gate needs a rate above 0 and vehicles")
        self.lanes, self.rate = lanes, rate
        self.picture_kb = picture_kb
        self.weigh_plate, self.body_plate = weigh_plate, body_plate
        self.log = log
        self.rng = random.Random(seed)
        gap = len(lanes) / rate  # between vehicles in one lane
        self.scale = min(1.0, gap / LONGEST_S) if offset_scale is None \
            else offset_scale
        self.outside = collections.deque(rows)
        self.inside = collections.deque()
        self.turn = itertools.cycle(lanes)
        self.order = itertools.count()
        self.passages = 0

    def run(self, stopping, seconds=None, count=None):
        """Pass vehicles until stopping (an Event), for so long or so many."""
        began = time.monotonic()
        due = []
        arrivals = 0
        while not stopping.is_set():
            next_at = began + arrivals / self.rate
            over = (count is not None and arrivals >= count) or (
                seconds is not None and next_at - began >= seconds)
            if over and not due:
                return
            if not over:
                heapq.heappush(due, Due(next_at, next(self.order), None))
                arrivals += 1
            while due and (over or due[0].at <= next_at):
                item = heapq.heappop(due)
                if stopping.wait(max(0.0, item.at - time.monotonic())):
                    return
                if item.act is None:
                    self.arrive(item.at, due)
                    break
                item.act()

    def arrive(self, at, due):
        lane = next(self.turn)
        vehicle = self.next_vehicle(lane.direction)
        passage = {"lane": lane.name, "direction": lane.direction,
                   "plate": vehicle["plate"], "color": vehicle["color"],
                   "gross_kg": self.gross(vehicle, lane.direction),
                   "events": {}}
        self.passages += 1
        steps = [(0.0, lambda: self.head(lane, vehicle, passage))]
        if lane.body:
            steps.append((self.rng.uniform(*BODY_S),
                          lambda: self.body(lane, vehicle, passage)))
        if lane.scale:
            steps.append((self.rng.uniform(*WEIGHT_S),
                          lambda: self.weigh(lane, vehicle, passage)))
        steps.append((max(offset for offset, _ in steps),
                      lambda: self.write(passage)))
        for offset, act in steps:
            heapq.heappush(due, Due(at + offset * self.scale,
                                    next(self.order), act))

    def next_vehicle(self, direction):
        """Who leaves has entered before; a full yard sends somebody home."""
        source, target = (self.outside, self.inside) if direction == "in" \
            else (self.inside, self.outside)
        if not source:
            source, target = target, source
        vehicle = source.popleft()
        target.append(vehicle)
        return vehicle

    def gross(self, vehicle, direction):
        tare = round(float(vehicle["tare_t"]) * 1000 / STEP_KG)
        load = self.rng.randrange(250, 1500) if direction == "in" else \
            self.rng.randrange(0, 10)
        return (tare + load) * STEP_KG

    def picture(self, kind, vehicle):
        words = f"{vehicle['plate']} {kind} {events.stamp()}"
        return [(kind, jpeg.make(self.picture_kb, words))]

    def head(self, lane, vehicle, passage):
        passage["time"] = events.stamp()
        passage["events"]["head"] = lane.head.say("capture", events.capture(
            lane.head.name, vehicle["plate"], vehicle["color"],
            lane.direction, self.picture("head", vehicle)))

    def body(self, lane, vehicle, passage):
        plate = vehicle["plate"] if self.body_plate else ""
        color = vehicle["color"] if self.body_plate else "other"
        passage["events"]["body"] = lane.body.say("capture", events.capture(
            lane.body.name, plate, color, lane.direction,
            self.picture("body", vehicle)))

    def weigh(self, lane, vehicle, passage):
        plate = vehicle["plate"] if self.weigh_plate else None
        passage["events"]["weight"] = lane.scale.say("weight", events.weight(
            lane.scale.name, passage["gross_kg"], plate))

    def write(self, passage):
        if self.log:
            self.log.write(json.dumps(passage, ensure_ascii=False) + "\n")
            self.log.flush()
