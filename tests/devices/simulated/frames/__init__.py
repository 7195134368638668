"""The frames and messages of field devices: what is written, and what is read.

A second implementation, made from the makers' layouts alone: the simulated
devices speak with it, and tests hold the programs against it.  Each module has
functions that make frames, and decode(raw) that answers the fields by the
names of tests/vectors/devices.json.
"""


class FrameError(ValueError):
    """Not a frame: kind is one word of why (checksum, value, start ...)."""

    def __init__(self, kind, text):
        super().__init__(f"{kind}: {text}")
        self.kind = kind


def spaced(data: bytes) -> str:
    return data.hex(" ").upper()


def bcd(number: int, size: int) -> bytes:
    """Decimal digits, two a byte, low byte first."""
    return bytes.fromhex(f"{number:0{2 * size}d}")[::-1]


def from_bcd(data: bytes) -> int:
    text = data[::-1].hex()
    if not text.isdigit():
        raise FrameError("value", f"{spaced(data)} is not BCD")
    return int(text)
