"""Modbus RTU frames, for the comparison with the vectors.

The simulated Modbus devices do not need this: pymodbus frames their answers.
"""

import math
import struct

from . import FrameError


def crc(data) -> bytes:
    value = 0xffff
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xa001 if value & 1 else 0)
    return value.to_bytes(2, "little")


def decode(raw) -> dict:
    if len(raw) < 5:
        raise FrameError("truncated", f"{len(raw)} bytes")
    if crc(raw[:-2]) != raw[-2:]:
        raise FrameError("checksum", "CRC")
    told = {"unit": raw[0], "function": raw[1]}
    body = raw[2:-2]
    if raw[1] & 0x80:
        return {**told, "exception": body[0]}
    if raw[1] == 16:
        return {**told, "fc16": True}
    if len(body) == 4 and body[0] != 3:
        start, count = struct.unpack(">HH", body)
        return {**told, "start": start, "count": count}
    if body[0] != len(body) - 1:
        raise FrameError("length", f"{body[0]} announced")
    values = body[1:]
    if len(values) == 2:
        return {**told, "u16": int.from_bytes(values, "big")}
    if len(values) == 4:
        number, = struct.unpack(">f", values)
        if math.isfinite(number):
            told["float"] = float(f"{number:.7g}")
        return {**told, "s32": int.from_bytes(values, "big", signed=True)}
    return told
