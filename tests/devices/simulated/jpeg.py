"""Small valid JPEG pictures, made from nothing."""

import os

COMMENT_LIMIT = 65533  # a segment's length counts its own two bytes


def _segment(marker: int, content: bytes) -> bytes:
    return bytes([0xff, marker]) + (len(content) + 2).to_bytes(2, "big") \
        + content


def _comments(count: int) -> bytes:
    """COM segments of count bytes in all, headers included; 0 or >= 4."""
    made = b""
    while count:
        length = min(count, COMMENT_LIMIT + 4)
        if 0 < count - length < 4:
            length -= 4
        made += _segment(0xfe, os.urandom(length - 4))
        count -= length
    return made


def make(kb: float = 0, words: str = "") -> bytes:
    """8 by 8 grey points, baseline; about kb kilobytes, padded with comments.

    One quantisation table of ones; one Huffman code for the DC difference 0
    and one for end-of-block: the block is the two bits 00, filled with ones.
    """
    one_code = bytes([1]) + bytes(15) + bytes([0])
    head = b"\xff\xd8" + _segment(
        0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")
    head += _segment(0xfe, words.encode("utf-8"))
    tail = _segment(0xdb, bytes([0]) + bytes([1]) * 64)
    tail += _segment(0xc0, bytes([8, 0, 8, 0, 8, 1, 1, 0x11, 0]))
    tail += _segment(0xc4, bytes([0x00]) + one_code)
    tail += _segment(0xc4, bytes([0x10]) + one_code)
    tail += _segment(0xda, bytes([1, 1, 0, 0, 63, 0]))
    tail += b"\x3f\xff\xd9"
    room = int(kb * 1000) - len(head) - len(tail)
    return head + (_comments(room) if room >= 4 else b"") + tail
