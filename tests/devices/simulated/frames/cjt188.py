"""CJ/T 188: frames of water and heat meters.

    [FE x n] 68 T A0..A6 C L DI0 DI1 SER DATA CS 16

No 33H is added.  The two bytes of the identifier come in either order.
"""

from dataclasses import dataclass

from . import FrameError, bcd, from_bcd, spaced

WATER, HEAT = 0x10, 0x20
READ, READ_ADDRESS, WRITE, REPLY, ERROR = 0x01, 0x03, 0x04, 0x80, 0xc0
CURRENT, ADDRESS = "901F", "810A"
WILDCARD = "A" * 14
KWH, KW, M3H, M3 = 0x05, 0x17, 0x35, 0x2c
UNITS = {0x02: "Wh", 0x05: "kWh", 0x08: "MWh", 0x0a: "100MWh", 0x01: "J",
         0x0b: "kJ", 0x0e: "MJ", 0x11: "GJ", 0x13: "100GJ", 0x14: "W",
         0x17: "kW", 0x1a: "MW", 0x29: "L", 0x2c: "m3", 0x32: "L/h",
         0x35: "m3/h"}
# of a heat meter's answer: name, decimals; each with its unit
HEAT_VALUES = (("heat_settle_kwh", 2), ("heat_now_kwh", 2), ("power", 2),
               ("flow", 4), ("volume_m3", 2))


@dataclass
class Frame:
    type: int
    address: str
    control: int
    data: bytes     # DI, SER and the rest
    prefix: int = 0


def encode(kind, address, control, data, preamble=0) -> bytes:
    frame = bytes([0x68, kind]) + bytes.fromhex(address)[::-1] + bytes([
        control, len(data)]) + data
    return b"\xfe" * preamble + frame + bytes([sum(frame) & 0xff, 0x16])


def request(kind, address, di=CURRENT, swapped=False, ser=0, control=READ,
            preamble=4) -> bytes:
    """swapped: 90 1F on the wire, as many meters have it; else 1F 90."""
    return encode(kind, address, control, di_bytes(di, swapped)
                  + bytes([ser]), preamble)


def di_bytes(di, swapped) -> bytes:
    return bytes.fromhex(di) if swapped else bytes.fromhex(di)[::-1]


def stamp(moment) -> bytes:
    """YYYYMMDDhhmmss, or zeros of a meter that keeps no time."""
    return bcd(int(moment.strftime("%Y%m%d%H%M%S")), 7) if moment \
        else bytes(7)


def water(total, settle, moment=None, status=b"\0\0") -> bytes:
    return bcd(round(total * 100), 4) + bytes([M3]) \
        + bcd(round(settle * 100), 4) + bytes([M3]) + stamp(moment) + status


def heat(values, supply, back, hours, moment=None, status=b"\0\0",
         unit_first=False) -> bytes:
    """values: settled kWh, kWh, kW, m3/h, m3"""
    made = b""
    for value, (_, decimals), unit in zip(values, HEAT_VALUES,
                                          (KWH, KWH, KW, M3H, M3)):
        digits, one = bcd(round(value * 10 ** decimals), 4), bytes([unit])
        made += one + digits if unit_first else digits + one
    return made + bcd(round(supply * 100), 3) + bcd(round(back * 100), 3) \
        + bcd(hours, 3) + stamp(moment) + status


def find(raw, start=0):
    """As dlt645.find: the length and the 16 must fit."""
    raw = bytes(raw)
    for at in range(start, len(raw) - 12):
        if raw[at] != 0x68:
            continue
        end = at + 13 + raw[at + 10]
        if end > len(raw) or raw[end - 1] != 0x16:
            continue
        if sum(raw[at:end - 2]) & 0xff != raw[end - 2]:
            raise FrameError("checksum", f"frame at {at}")
        return Frame(raw[at + 1], raw[at + 2:at + 9][::-1].hex().upper(),
                     raw[at + 9], raw[at + 11:end - 2], at - start), end
    return None, len(raw)


def decode(raw) -> dict:
    frame, _ = find(raw)
    if frame is None:
        raise FrameError("start", "no frame")
    told = {"prefix_bytes": frame.prefix, "type": f"{frame.type:02X}",
            "address": frame.address, "control": f"{frame.control:02X}",
            "length": len(frame.data)}
    if len(frame.data) < 3:
        return told
    told["di_bytes"] = spaced(frame.data[:2])
    told["ser"] = frame.data[2:3].hex().upper()
    content = frame.data[3:]
    if frame.control == READ | REPLY and frame.data[:2] in (b"\x90\x1f",
                                                            b"\x1f\x90"):
        told.update(_heat(content) if len(content) == 43 else _water(content))
    return told


def _unit(code):
    if code not in UNITS:
        raise FrameError("value", f"unit {code:02X} is not known")
    return f"{code:02X}"


def _water(content):
    if len(content) != 19:
        raise FrameError("length", f"{len(content)} bytes of current data")
    return {"total": from_bcd(content[0:4]) / 100,
            "total_unit": _unit(content[4]),
            "settle": from_bcd(content[5:9]) / 100,
            "settle_unit": _unit(content[9]),
            "time": content[10:17][::-1].hex(), "status": spaced(content[17:])}


def _heat(content):
    first = all(content[at] in UNITS for at in range(0, 25, 5)) and not all(
        content[at] in UNITS for at in range(4, 25, 5))
    told = {"units": []}
    for at, (name, decimals) in zip(range(0, 25, 5), HEAT_VALUES):
        digits = content[at + 1:at + 5] if first else content[at:at + 4]
        told["units"].append(_unit(content[at if first else at + 4]))
        told[name] = from_bcd(digits) / 10 ** decimals
    return {**told, "supply_c": from_bcd(content[25:28]) / 100,
            "return_c": from_bcd(content[28:31]) / 100,
            "work_hours": from_bcd(content[31:34]),
            "clock": content[34:41][::-1].hex(),
            "status": spaced(content[41:])}
