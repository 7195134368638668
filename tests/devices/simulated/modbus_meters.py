"""Modbus meters and weighing transmitters: pymodbus answers, from register
images made of the makers' lists.

The framing, the functions and the exceptions are pymodbus's; the line is ours,
so that it can be a pseudo-terminal or TCP and have faults.
"""

import struct
import time

from pymodbus.datastore import ModbusSlaveContext
from pymodbus.datastore.store import BaseModbusDataBlock
from pymodbus.factory import ServerDecoder
from pymodbus.transaction import ModbusRtuFramer, ModbusSocketFramer

WIDTHS = {"u16": ">H", "s16": ">h", "u32": ">I", "s32": ">i", "s64": ">q",
          "f32": ">f"}
FRAMERS = {"rtu": ModbusRtuFramer, "tcp": ModbusSocketFramer}


def words(kind, value, low_first=False):
    """The registers of a value; low_first: the low word in front."""
    form = WIDTHS[kind]
    data = struct.pack(form, value if form == ">f" else round(value))
    made = [int.from_bytes(data[at:at + 2], "big")
            for at in range(0, len(data), 2)]
    return made[::-1] if low_first else made


class Load:
    """What a three-phase meter measures: it rises with the time it is on."""

    def __init__(self, power_kw=100.0, start_kwh=1234.5, export_kwh=0.0,
                 volts=(230.2, 229.9, 230.4), clock=time.time, epoch=None):
        self.power_kw, self.start_kwh = power_kw, start_kwh
        self.export_start, self.volts = export_kwh, volts
        self.clock = clock
        self.epoch = clock() if epoch is None else epoch

    def _risen(self):
        return self.power_kw * (self.clock() - self.epoch) / 3600

    @property
    def import_kwh(self):
        return self.start_kwh + max(self._risen(), 0.0)

    @property
    def export_kwh(self):
        return self.export_start + max(-self._risen(), 0.0)

    def volt(self, phase):
        return self.volts[phase]

    def kw(self, phase):
        return self.power_kw / 3

    def ampere(self, phase):
        return abs(self.power_kw) * 1000 / 3 / self.volts[phase] / 0.95

    power_factor = 0.95
    hertz = 49.987


def three(address, kind, value, step=2, factor=1.0):
    """A row a phase."""
    return [(address + step * phase, kind,
             lambda load, phase=phase: value(load, phase) * factor)
            for phase in range(3)]


def one(address, kind, name, factor=1.0):
    return [(address, kind, lambda load: getattr(load, name) * factor)]


VOLT, KW, AMPERE = Load.volt, Load.kw, Load.ampere
WATT = 1000.0

# model: function code, (wire address, type, value of a Load)
MODELS = {
    "sdm630": (4, three(0x0000, "f32", VOLT) + three(0x0006, "f32", AMPERE)
               + three(0x000c, "f32", KW, factor=WATT)
               + one(0x0034, "f32", "power_kw", WATT)
               + one(0x003e, "f32", "power_factor")
               + one(0x0046, "f32", "hertz")
               + one(0x0048, "f32", "import_kwh")
               + one(0x004a, "f32", "export_kwh")),
    "dtsu666": (3, three(0x2006, "f32", VOLT, factor=10)
                + three(0x200c, "f32", AMPERE, factor=1000)
                + one(0x2012, "f32", "power_kw", WATT * 10)
                + three(0x2014, "f32", KW, factor=WATT * 10)
                + one(0x202a, "f32", "power_factor", 1000)
                + one(0x2044, "f32", "hertz", 100)
                + one(0x101e, "f32", "import_kwh")
                + one(0x1028, "f32", "export_kwh")),
    "dtsu666-h": (3, [(0x07d1, "u16", lambda load: 0x3b11)]
                  + three(0x0836, "f32", AMPERE) + three(0x083e, "f32", VOLT)
                  + one(0x084c, "f32", "hertz")
                  + one(0x084e, "f32", "power_kw", WATT)
                  + one(0x0876, "f32", "import_kwh")
                  + one(0x087e, "f32", "export_kwh")),
    # printed register numbers are one above the address on the wire
    "schneider-pm5xxx": (
        3, three(2999, "f32", AMPERE) + three(3027, "f32", VOLT)
        + three(3053, "f32", KW) + one(3059, "f32", "power_kw")
        + one(3083, "f32", "power_factor") + one(3109, "f32", "hertz")
        + one(3203, "s64", "import_kwh", WATT)
        + one(3207, "s64", "export_kwh", WATT)),
    "adl400": (3, one(0x0000, "u32", "import_kwh", 100)
               + three(0x0061, "u16", VOLT, 1, 10)
               + three(0x0064, "u16", AMPERE, 1, 100)
               + one(0x0077, "u16", "hertz", 100)
               + three(0x0164, "s32", KW, 2, 1000)
               + one(0x016a, "s32", "power_kw", 1000)
               + one(0x017f, "s16", "power_factor", 1000)),
    "adl400-float": (3, three(0x0800, "f32", VOLT)
                     + three(0x080c, "f32", AMPERE)
                     + three(0x0814, "f32", KW)
                     + one(0x0832, "f32", "power_factor")
                     + one(0x0834, "f32", "hertz")
                     + one(0x0842, "u32", "import_kwh", 10)
                     + one(0x084c, "u32", "import_kwh", 10)
                     + one(0x0856, "u32", "export_kwh", 10)),
}


class Image(BaseModbusDataBlock):
    """Registers that are computed when they are read; the gaps are zero."""

    def __init__(self, rows, source, low_first=False, limit=0x10000):
        self.rows = {address: (kind, value) for address, kind, value in rows}
        self.source, self.low_first, self.limit = source, low_first, limit

    def validate(self, address, count=1):
        return any(address <= at < address + count for at in self._told()) \
            and address + count <= self.limit

    def _told(self):
        told = {}
        for address, (kind, value) in self.rows.items():
            for number, word in enumerate(words(kind, value(self.source),
                                                self.low_first)):
                told[address + number] = word
        return told

    def getValues(self, address, count=1):  # pymodbus's name
        told = self._told()
        return [told.get(at, 0) for at in range(address, address + count)]

    def setValues(self, address, values):
        raise ValueError("nothing here can be written")


def meter_unit(model, load, low_first=False):
    """What answers for one meter; only its own function code has registers."""
    code, rows = MODELS[model]
    full, empty = Image(rows, load, low_first), Image([], load)
    return ModbusSlaveContext(
        zero_mode=True, hr=full if code == 3 else empty,
        ir=full if code == 4 else empty, di=empty, co=empty)


def scale_unit(platform, decimals=0, low_first=False):
    """A weighing transmitter: status, measured value, weight, net weight."""
    def status(one):
        kg, moving = one.weigh()
        return decimals & 7 | (kg < 0) << 3 | moving << 5 | (kg == 0) << 7

    def weight(one):
        return one.weigh()[0] * 10 ** decimals

    image = Image([(0x0008, "u16", status), (0x001e, "s32", weight),
                   (0x0050, "s32", weight), (0x0052, "s32", weight)],
                  platform, low_first)
    empty = Image([], platform)
    return ModbusSlaveContext(zero_mode=True, hr=image, ir=empty, di=empty,
                              co=empty)


class ModbusServer:
    """Units on one line.  glitch: bytes 00 around each answer, as lines
    without bias have them."""

    def __init__(self, wire, units, faults, framing="rtu", glitch=False,
                 delay_s=0.0):
        self.wire, self.units, self.faults = wire, units, faults
        self.framing, self.glitch, self.delay_s = framing, glitch, delay_s
        self.framer = self._new_framer()
        self.asked = self.answered = 0
        self.silent = set()  # units that are off

    def _new_framer(self):
        return FRAMERS[self.framing](ServerDecoder(), client=None)

    def serve(self, stopping):
        while not stopping.is_set():
            self.step(0.1)

    def step(self, seconds):
        data = self.wire.read(seconds)
        if not data:
            return
        try:
            self.framer.processIncomingPacket(
                data=data, callback=self._execute, unit=list(self.units),
                single=False)
        except Exception:  # whatever pymodbus makes of noise: begin anew
            self.framer = self._new_framer()

    def _execute(self, request):
        self.asked += 1
        if request.unit_id not in self.units or request.unit_id in self.silent:
            return
        response = request.execute(self.units[request.unit_id])
        response.transaction_id = request.transaction_id
        response.unit_id = request.unit_id
        frame = self.framer.buildPacket(response)
        if self.glitch:
            frame = b"\0" + frame + b"\0"
        time.sleep(self.delay_s)
        self.faults.send(self.wire, frame)
        self.answered += 1
