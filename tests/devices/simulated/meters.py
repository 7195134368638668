"""Electricity, water and heat meters on one bus: DL/T 645 and CJ/T 188.

Every meter hears every request.  One answers to its own address and to the
wildcard; when several answer at once, what arrives is none of their frames.
"""

import datetime
import time
from dataclasses import dataclass, field

from .events import CHINA
from .frames import FrameError, cjt188, dlt645, bcd
from .modbus_meters import Load

REPLY_DELAY_S = 0.02


class Meter645:
    """One meter of DL/T 645; edition 2007 or 1997.

    frame_bytes: the longest data of one reply, the rest comes as follow-up
    frames.  extra: bytes that some makers append to a value.  Its power must
    fit into XX.XXXX kW, with a sign in the top bit.
    """

    LIMIT_KW = 80

    def __init__(self, address, edition=2007, load=None, preamble=4,
                 frame_bytes=200, extra=b"", tariffs=4):
        self.address, self.edition = address, edition
        self.load = load or Load(60.0)
        if abs(self.load.power_kw) >= self.LIMIT_KW:
            raise ValueError(f"{self.load.power_kw} kW: a DL/T 645 meter shows"
                             f" less than {self.LIMIT_KW}")
        self.preamble, self.frame_bytes = preamble, frame_bytes
        self.extra, self.tariffs = extra, tariffs
        self.silent = False
        self.clock_offset = datetime.timedelta()
        self.pending = {}  # identifier: what has not been read of it

    def now(self):
        return datetime.datetime.now(CHINA) + self.clock_offset

    # ---- what it knows

    def value(self, di):
        """The payload for an identifier, or None."""
        simple = self.measured(di)
        if simple is not None:
            return dlt645.payload(di, simple, self.edition) + self.extra
        return self.block(di)

    def measured(self, di):
        load, kind = self.load, di[:4]
        if self.edition == 1997:
            di = PAIRS_1997.get(di, "")
            kind = di[:4]
        if di in ("00010000", "00020000", "00000000"):
            return {"00010000": load.import_kwh, "00020000": load.export_kwh,
                    "00000000": load.import_kwh - load.export_kwh}[di]
        if di == "02800002":
            return load.hertz
        if di[6:] != "00" or kind not in ("0201", "0202", "0203", "0204",
                                          "0205", "0206"):
            return None
        phase = int(di[4:6], 16) - 1
        if phase >= 3 or (phase < 0 and kind in ("0201", "0202")):
            return None
        share = load.power_kw / (3 if phase >= 0 else 1)
        apparent = share / load.power_factor
        return {"0201": lambda: load.volt(phase),
                "0202": lambda: load.ampere(phase),
                "0203": lambda: share,
                "0204": lambda: apparent * 0.312,
                "0205": lambda: abs(apparent),
                "0206": lambda: load.power_factor}[kind]()

    def block(self, di):
        now = self.now()
        if self.edition == 2007:
            made = {
                "0001FF00": self.by_tariff,
                "0201FF00": lambda: self.phases("0201"),
                "0202FF00": lambda: self.phases("0202"),
                "04000101": lambda: bcd(now.isoweekday() % 7, 1)
                + bcd(int(now.strftime("%y%m%d")), 3),
                "04000102": lambda: bcd(int(now.strftime("%H%M%S")), 3),
                "04000401": lambda: dlt645.identifier(self.address),
                "04000402": lambda: dlt645.identifier(self.address),
            }.get(di)
        else:
            made = {
                "901F": self.by_tariff,
                "C010": lambda: bcd(now.isoweekday() % 7, 1)
                + bcd(int(now.strftime("%y%m%d")), 3),
                "C011": lambda: bcd(int(now.strftime("%H%M%S")), 3),
                "C032": lambda: dlt645.identifier(self.address),
                "C033": lambda: dlt645.identifier(self.address),
            }.get(di)
        return made() if made else None

    def by_tariff(self):
        """The total, and what each tariff has of it."""
        total = self.load.import_kwh
        shares = [total / self.tariffs] * self.tariffs
        return b"".join(dlt645.number(kwh, 4, 2) for kwh in [total, *shares])

    def phases(self, kind):
        return b"".join(dlt645.payload(f"{kind}0{phase}00", self.measured(
            f"{kind}0{phase}00")) for phase in (1, 2, 3))

    # ---- what it answers

    def answer(self, frame):
        """Frames to the request; [] when it is not for this meter."""
        if self.silent:
            return []
        if frame.control == dlt645.TIME:
            self.set_clock(frame.data)
            return []
        if not self.is_asked(frame.address):
            return []
        if self.edition == 2007 and frame.control == dlt645.READ_ADDRESS:
            return [self.reply(dlt645.READ_ADDRESS,
                               dlt645.identifier(self.address))]
        size = dlt645.DI_BYTES[self.edition]
        if frame.control == dlt645.READ[self.edition] \
                and len(frame.data) == size:
            return [self.read(frame.di(self.edition))]
        if frame.control == dlt645.READ_MORE[self.edition]:
            return [self.read_more(frame)]
        return []

    def is_asked(self, address):
        """By all digits, or by the last ones behind wildcards (AA)."""
        tail = address.lstrip("A")
        return len(tail) % 2 == 0 and self.address.endswith(tail)

    def reply(self, control, data, flags=0):
        return dlt645.encode(self.address, control | dlt645.REPLY | flags,
                             data, self.preamble)

    def error(self, control):
        return self.reply(control, bytes([dlt645.NO_SUCH_DATA]), dlt645.ERROR)

    def read(self, di):
        content = self.value(di)
        code = dlt645.READ[self.edition]
        if content is None:
            return self.error(code)
        room = self.frame_bytes - dlt645.DI_BYTES[self.edition]
        self.pending[di] = content[room:]
        return self.reply(code, dlt645.identifier(di) + content[:room],
                          dlt645.MORE if self.pending[di] else 0)

    def read_more(self, frame):
        """2007 numbers the follow-up frames, 1997 does not."""
        di, code = frame.di(self.edition), dlt645.READ_MORE[self.edition]
        content = self.pending.get(di, b"")
        number = frame.data[4:5] if self.edition == 2007 else b""
        if not content or (self.edition == 2007 and not number):
            return self.error(code)
        room = self.frame_bytes - dlt645.DI_BYTES[self.edition] - len(number)
        self.pending[di] = content[room:]
        return self.reply(code, dlt645.identifier(di) + content[:room]
                          + number, dlt645.MORE if self.pending[di] else 0)

    def set_clock(self, data):
        """Broadcast time: ss mm hh DD MM YY, taken within five minutes."""
        try:
            told = datetime.datetime.strptime(data[::-1].hex(), "%y%m%d%H%M%S")
        except ValueError:
            return
        offset = told.replace(tzinfo=CHINA) - self.now()
        if abs(offset) <= datetime.timedelta(minutes=5):
            self.clock_offset += offset


PAIRS_1997 = {
    "9010": "00010000", "9020": "00020000",
    **{f"B61{n}": f"02010{n}00" for n in "123"},
    **{f"B62{n}": f"02020{n}00" for n in "123"},
    **{f"B63{n}": f"02030{n}00" for n in "0123"},
    **{f"B64{n}": f"02040{n}00" for n in "0123"},
    **{f"B65{n}": f"02060{n}00" for n in "0123"},
}


@dataclass
class Meter188:
    """One water or heat meter of CJ/T 188.

    order: how it wants the identifier, "1F90" (the standard), "901F" or
    "both"; it answers in the order it was asked.
    """

    address: str
    type: int = cjt188.WATER
    start: float = 556.25
    flow: float = 3.6          # m3/h
    order: str = "both"
    unit_first: bool = False
    has_clock: bool = True
    preamble: int = 3
    epoch: float = field(default_factory=time.time)
    clock: object = time.time
    silent: bool = False

    @property
    def total(self):
        return self.start + self.flow * (self.clock() - self.epoch) / 3600

    def answer(self, frame):
        if self.silent or frame.address not in (self.address,
                                                cjt188.WILDCARD):
            return []
        if frame.type not in (self.type, 0xaa) or len(frame.data) != 3:
            return []
        asked = frame.data[:2].hex().upper()
        if frame.control == cjt188.READ_ADDRESS and asked in ("0A81", "810A"):
            return [self.reply(cjt188.READ_ADDRESS, frame.data)]
        if frame.control == cjt188.READ and asked in ("1F90", "901F") \
                and self.order in (asked, "both"):
            return [self.reply(cjt188.READ, frame.data + self.current())]
        return []

    def reply(self, control, data):
        return cjt188.encode(self.type, self.address, control | cjt188.REPLY,
                             data, self.preamble)

    def current(self):
        moment = datetime.datetime.now(CHINA) if self.has_clock else None
        if self.type == cjt188.HEAT:
            kwh = self.total * 38.5
            return cjt188.heat((kwh - 10 if kwh > 10 else 0, kwh, 138.6,
                                self.flow, self.total), 61.25, 40.5, 2761,
                               moment, unit_first=self.unit_first)
        return cjt188.water(self.total, self.start, moment)


class Bus:
    """Meters on one line.  echo: what is asked comes back first, as on a
    half-duplex adapter that hears itself.  registration: what a serial
    server says of itself in front of every answer."""

    def __init__(self, wire, meters, faults, echo=False, registration=b"",
                 delay_s=REPLY_DELAY_S):
        self.wire, self.meters, self.faults = wire, meters, faults
        self.echo, self.registration = echo, registration
        self.delay_s = delay_s
        self.heard = b""
        self.asked = self.answered = self.collisions = 0
        self.log = []  # address of each answer

    def serve(self, stopping):
        while not stopping.is_set():
            self.step(0.1)

    def step(self, seconds):
        data = self.wire.read(seconds)
        if not data:
            self.heard = self.heard[-300:] if seconds else self.heard
            return
        self.heard += data
        while (request := self.next_request()) is not None:
            self.asked += 1
            self.respond(*request)

    def next_request(self):
        """(frame, its bytes, its protocol) of the next that is whole."""
        found = None
        for protocol in (dlt645, cjt188):
            try:
                frame, end = protocol.find(self.heard)
            except FrameError:
                self.heard = self.heard[1:]
                return self.next_request()
            if frame and not frame.control & dlt645.REPLY and (
                    found is None or frame.prefix < found[0].prefix):
                found = frame, end, protocol
        if found is None:
            return None
        frame, end, protocol = found
        raw, self.heard = self.heard[frame.prefix:end], self.heard[end:]
        return frame, raw, protocol

    def respond(self, frame, raw, protocol):
        if self.echo:
            self.wire.write(raw)
        kind = Meter645 if protocol is dlt645 else Meter188
        answers = [(meter, answer) for meter in self.meters
                   if isinstance(meter, kind)
                   for answer in meter.answer(frame)]
        if not answers:
            return
        time.sleep(self.delay_s)
        if len(answers) > 1:
            self.collisions += 1
            self.wire.write(collide([answer for _, answer in answers]))
            return
        meter, answer = answers[0]
        self.answered += 1
        self.log.append(meter.address)
        self.faults.send(self.wire, self.registration + answer)


def collide(frames) -> bytes:
    """What a line carries when drivers pull against each other: a bit is 1
    only when all say so, and no stop bit is where it should be."""
    longest = max(map(len, frames))
    mixed = bytearray(b"\xff" * longest)
    for frame in frames:
        for at, byte in enumerate(frame):
            mixed[at] &= byte
    return bytes(mixed)
