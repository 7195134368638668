"""DL/T 645-2007 and 645-1997: frames of electricity meters.

    [FE x 0..4+] 68 A0..A5 68 C L DATA CS 16

The address and all numbers are BCD, low byte first; every byte of DATA has 33H
added on the wire; CS is the sum from the first 68 on.  C has bit 7 in replies,
bit 5 when more follows, bit 6 for an error.
"""

from dataclasses import dataclass

from . import FrameError, bcd, from_bcd, spaced

REPLY, ERROR, MORE = 0x80, 0x40, 0x20
READ = {2007: 0x11, 1997: 0x01}
READ_MORE = {2007: 0x12, 1997: 0x02}
READ_ADDRESS, TIME = 0x13, 0x08
WILDCARD, BROADCAST = "A" * 12, "9" * 12
NO_SUCH_DATA = 0x02

# identifier: bytes, decimals, unit, may be negative
FORMATS = {
    2007: {
        **{f"000{n}0000": (4, 2, unit, signed) for n, unit, signed in (
            (0, "kWh", True), (1, "kWh", False), (2, "kWh", False),
            (3, "kvarh", True), (4, "kvarh", True))},
        **{f"0201{n}00": (2, 1, "V", False) for n in ("01", "02", "03")},
        **{f"0202{n}00": (3, 3, "A", True) for n in ("01", "02", "03")},
        **{f"{kind}{n}00": (3, 4, unit, signed)
           for kind, unit, signed in (("0203", "kW", True),
                                      ("0204", "kvar", True),
                                      ("0205", "kVA", False))
           for n in ("00", "01", "02", "03")},
        **{f"0206{n}00": (2, 3, "", True) for n in ("00", "01", "02", "03")},
        "02800002": (2, 2, "Hz", False),
    },
    1997: {
        **{di: (4, 2, unit, False) for di, unit in (
            ("9010", "kWh"), ("9020", "kWh"),
            ("9110", "kvarh"), ("9120", "kvarh"))},
        **{f"B61{n}": (2, 0, "V", False) for n in "123"},
        **{f"B62{n}": (2, 2, "A", False) for n in "123"},
        **{f"B63{n}": (3, 4, "kW", True) for n in "0123"},
        **{f"B64{n}": (3, 4, "kvar", True) for n in "0123"},
        **{f"B65{n}": (2, 3, "", True) for n in "0123"},
    },
}
DI_BYTES = {2007: 4, 1997: 2}


@dataclass
class Frame:
    address: str      # as printed on the meter, high digits first
    control: int
    data: bytes       # without the 33H
    prefix: int = 0   # bytes in front of it

    def di(self, edition):
        return self.data[:DI_BYTES[edition]][::-1].hex().upper()


def encode(address, control, data=b"", preamble=4) -> bytes:
    frame = b"\x68" + bytes.fromhex(address)[::-1] + bytes([
        0x68, control, len(data)]) + bytes((b + 0x33) & 0xff for b in data)
    return b"\xfe" * preamble + frame + bytes([sum(frame) & 0xff, 0x16])


def identifier(di) -> bytes:
    return bytes.fromhex(di)[::-1]


def read(address, di, edition=2007, preamble=4) -> bytes:
    return encode(address, READ[edition], identifier(di), preamble)


def number(value, size, decimals) -> bytes:
    """BCD with the sign in the top bit of its last byte."""
    digits = bytearray(bcd(round(abs(value) * 10 ** decimals), size))
    if value < 0:
        digits[-1] |= 0x80
    return bytes(digits)


def payload(di, value, edition=2007) -> bytes:
    size, decimals, _, _ = FORMATS[edition][di]
    return number(value, size, decimals)


def find(raw, start=0):
    """(first frame from start on, where it ends); (None, len): there is none.

    A start counts only with its second 68 and its 16 in place, for 68, 16 and
    91 all occur inside of addresses and data.
    """
    raw = bytes(raw)
    for at in range(start, len(raw) - 11):
        if raw[at] != 0x68 or raw[at + 7] != 0x68:
            continue
        end = at + 12 + raw[at + 9]
        if end > len(raw) or raw[end - 1] != 0x16:
            continue
        if sum(raw[at:end - 2]) & 0xff != raw[end - 2]:
            raise FrameError("checksum", f"frame at {at}")
        data = bytes((b - 0x33) & 0xff for b in raw[at + 10:end - 2])
        return Frame(raw[at + 1:at + 7][::-1].hex().upper(), raw[at + 8], data,
                     at - start), end
    return None, len(raw)


def value_of(di, content, edition):
    """(value, unit, bytes used), or None for an identifier without one."""
    form = FORMATS[edition].get(di)
    if form is None:
        return None
    size, decimals, unit, signed = form
    if len(content) < size:
        raise FrameError("length", f"{di} has {len(content)} bytes")
    digits = bytearray(content[:size])
    negative = signed and digits[-1] & 0x80
    if signed:
        digits[-1] &= 0x7f
    value = from_bcd(bytes(digits)) / 10 ** decimals
    return (-value if negative else value), unit, size


def decode(raw, edition=2007) -> dict:
    frame, _ = find(raw)
    if frame is None:
        raise FrameError("start", "no frame")
    told = {"prefix_bytes": frame.prefix, "address": frame.address,
            "control": f"{frame.control:02X}", "length": len(frame.data)}
    base = frame.control & ~(REPLY | ERROR | MORE)
    if frame.control & ERROR:
        told["error_word"] = frame.data.hex().upper()
    elif edition == 2007 and base == READ_ADDRESS:
        if frame.data:
            told["read_address"] = frame.data[::-1].hex().upper()
    elif base in (READ[edition], READ_MORE[edition]):
        told.update(_content(frame, edition))
    return told


def _content(frame, edition):
    size = DI_BYTES[edition]
    if len(frame.data) < size:
        raise FrameError("length", "no identifier")
    told = {"di": frame.di(edition)}
    content = frame.data[size:]
    if frame.control & REPLY:
        told["payload"] = spaced(content)
        found = value_of(told["di"], content, edition)
        if found:
            told["value"], told["unit"], used = found
            if len(content) > used:
                told["extra_payload_bytes"] = len(content) - used
    return told
