"""multipart/form-data (RFC 7578), strictly."""

import re
from typing import NamedTuple, Optional


class MultipartError(ValueError):
    """The body is no multipart form."""


class Part(NamedTuple):
    name: str
    filename: Optional[str]
    media_type: str
    data: bytes


PARAMETER = re.compile(r';\s*([a-z]+)="((?:[^"\\]|\\.)*)"', re.I)
BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', re.I)


def read_form(content_type: str, body: bytes) -> list:
    found = BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/form-data") or not found:
        raise MultipartError("not multipart/form-data with a boundary")
    mark = b"--" + (found.group(1) or found.group(2)).encode("latin-1")
    pieces = (b"\r\n" + body).split(b"\r\n" + mark)
    if len(pieces) < 3 or pieces[0].strip(b"\r\n") \
            or pieces[-1].strip(b"\r\n ") != b"--":
        raise MultipartError("boundaries are not in place")
    return [read_part(piece) for piece in pieces[1:-1]]


def read_part(piece: bytes) -> Part:
    if not piece.startswith(b"\r\n"):
        raise MultipartError("boundary not at the end of its line")
    head, gap, data = piece[2:].partition(b"\r\n\r\n")
    if not gap:
        raise MultipartError("part without headers")
    headers = {}
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    disposition = headers.get("content-disposition", "")
    parameters = {k.lower(): v for k, v in PARAMETER.findall(disposition)}
    if not disposition.lower().startswith("form-data") \
            or "name" not in parameters:
        raise MultipartError("part without a name")
    return Part(parameters["name"], parameters.get("filename"),
                headers.get("content-type", "").split(";")[0].lower(), data)
