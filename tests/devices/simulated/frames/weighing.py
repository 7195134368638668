"""What weighing indicators send: Yaohua, Mettler Toledo, lines of text."""

import re

from . import FrameError

STX, ETX, CR = 0x02, 0x03, 0x0d


# ---- Yaohua XK3190 (A9 and relatives), continuous and command mode

def xor_characters(data) -> bytes:
    """The XOR of the bytes, each nibble 0-9 or A-F."""
    check = 0
    for byte in data:
        check ^= byte
    return b"%02X" % check


def signed_digits(value, decimals) -> bytes:
    digits = round(abs(value) * 10 ** decimals)
    if digits > 999999:
        raise ValueError(f"{value} does not fit in six digits")
    return b"%c%06d%d" % (b"-" if value < 0 else b"+", digits, decimals)


def a9(value, decimals=0) -> bytes:
    body = signed_digits(value, decimals)
    return b"\x02" + body + xor_characters(body) + b"\x03"


def a9_request(command, address="A") -> bytes:
    body = (address + command).encode("ascii")
    return b"\x02" + body + xor_characters(body) + b"\x03"


def a9_reply(command, value, decimals=0, address="A") -> bytes:
    body = (address + command).encode("ascii") + signed_digits(value, decimals)
    return b"\x02" + body + xor_characters(body) + b"\x03"


def _checked(raw, sizes):
    if len(raw) not in sizes or raw[0] != STX or raw[-1] != ETX:
        raise FrameError("start", "not 02 .. 03 of the right length")
    if xor_characters(raw[1:-3]) != raw[-3:-1]:
        raise FrameError("checksum", "XOR of the bytes")
    return {"xor": raw[-3:-1].decode("ascii")}


def _signed(text):
    found = re.fullmatch(rb"([+-])(\d{6})([0-4])", text)
    if not found:
        raise FrameError("value", f"{text} is no sign, six digits, decimals")
    sign, digits, places = found.groups()
    value = int(digits) / 10 ** int(places)
    return {"sign": sign.decode(), "digits": digits.decode(),
            "decimals": int(places), "value": -value if sign == b"-" else value}


def decode_a9(raw) -> dict:
    return {**_checked(raw, (12,)), **_signed(raw[1:-3])}


def decode_a9_command(raw) -> dict:
    told = _checked(raw, (6, 14))
    told["address"], told["command"] = chr(raw[1]), chr(raw[2])
    return {**told, **_signed(raw[3:-3])} if len(raw) == 14 else told


# ---- Mettler Toledo continuous

FACTORS = (100, 10, 1, 0.1, 0.01, 0.001, 0.0001, 0.00001)  # code of SWA
INCREMENTS = (None, 1, 2, 5)


def toledo(weight, tare=0, factor=1, increment=1, net=False, motion=False,
           out_of_range=False, kilograms=True, pad="0", checksum=False):
    swa = 0x20 | INCREMENTS.index(increment) << 3 | FACTORS.index(factor)
    swb = 0x20 | net | (weight < 0) << 1 | out_of_range << 2 | motion << 3 \
        | kilograms << 4
    fields = "".join(str(round(abs(one) / factor)).rjust(6, pad)
                     for one in (weight, tare))
    if len(fields) != 12:
        raise ValueError(f"{weight} does not fit in six digits")
    frame = bytes([STX, swa, swb, 0x20]) + fields.encode("ascii") \
        + bytes([CR])
    return frame + bytes([toledo_check(frame)]) if checksum else frame


def toledo_check(frame) -> int:
    return -sum(byte & 0x7f for byte in frame) & 0x7f


def decode_toledo(raw) -> dict:
    raw = bytes(byte & 0x7f for byte in raw)
    if len(raw) not in (17, 18) or raw[0] != STX or raw[16] != CR:
        raise FrameError("start", "not 02 .. 0D of 17 bytes")
    if len(raw) == 18 and toledo_check(raw[:17]) != raw[17]:
        raise FrameError("checksum", "two's complement of the sum")
    swa, swb = raw[1], raw[2]
    told = {"swa": f"{swa:02X}", "swb": f"{swb:02X}", "swc": f"{raw[3]:02X}",
            "factor": FACTORS[swa & 7], "increment": INCREMENTS[swa >> 3 & 3],
            "net": bool(swb & 1), "negative": bool(swb & 2),
            "out_of_range": bool(swb & 4), "motion": bool(swb & 8),
            "kg": bool(swb & 16), "weight_field": raw[4:10].decode("ascii"),
            "tare_field": raw[10:16].decode("ascii")}
    if len(raw) == 18:
        told["chk"] = f"{raw[17]:02X}"
    for field in ("weight_field", "tare_field"):
        if not re.fullmatch(r" *\d+", told[field]):
            raise FrameError("value", f"{field} {told[field]!r}")
    if told["factor"] <= 1:  # above, makers disagree about the fixed zeros
        sign = -1 if told["negative"] else 1
        told["value"] = sign * int(told["weight_field"]) * told["factor"]
        told["tare"] = int(told["tare_field"]) * told["factor"]
    return told


# ---- lines of text

def st_gs(value, stable=True, decimals=0, unit="kg", mode="GS") -> bytes:
    return (f"{'ST' if stable else 'US'},{mode},{'-' if value < 0 else '+'}"
            f"{abs(value):7.{decimals}f}{unit}\r\n").encode("ascii")


def a12(value, mode="ww", decimals=1, unit="kg") -> bytes:
    return f"{mode}{value:07.{decimals}f}{unit}".encode("ascii")


def xk3118(value, decimals=1, unit="kg") -> bytes:
    return f"={value:07.{decimals}f}({unit})".encode("ascii")


def d2(value, decimals=0) -> bytes:
    """Six characters, the last digit first."""
    return b"=" + f"{value:06.{decimals}f}"[::-1].encode("ascii")


def indexed(value, index=3, decimals=2) -> bytes:
    return f"{value:+07.{decimals}f}/{index} G S\r\n".encode("ascii")


MODES = {"GS": "gross", "NT": "net", "TR": "tare", "ww": "gross", "wn": "net",
         "wt": "tare"}
LINES = (
    (r"(?P<state>ST|US|OL),(?P<mode>GS|NT|TR),(?P<value>[+-] *[\d.]+)"
     r"(?P<unit>kg|t|lb|g)\r\n"),
    r"(?P<mode>ww|wn|wt)(?P<value>[+-]?[\d.]+)(?P<unit>kg|t|lb|g)",
    r"=(?P<value>[+-]?[\d.]+)\((?P<unit>kg|t|lb|g)\)",
    r"=(?P<reversed>[\d.]+-?)=?",
    r"(?P<value>[+-]?[\d.]+)/(?P<index>\d) G S\r\n",
)


def decode_line(raw) -> dict:
    text = raw.decode("ascii")
    for form in LINES:
        found = re.fullmatch(form, text)
        if found:
            return _line(found.groupdict())
    raise FrameError("unknown", f"{text!r}")


def _line(found):
    text = found.get("value") or found["reversed"][::-1]
    told = {"value": float(text.replace(" ", ""))}
    if found.get("state"):
        told["stable"] = found["state"] == "ST"
    if found.get("mode"):
        told["mode"] = MODES[found["mode"]]
    if found.get("unit"):
        told["unit"] = found["unit"]
    if found.get("index"):
        told["stability_index"] = int(found["index"])
    return told
