"""What a field may hold.

A rule is a function of one value that returns None when the value is allowed
and otherwise the reason it is not.  A table of fields is a list of Field; one
walk over it finds what is absent, what is unknown and what is wrong.
"""

import base64
import binascii
import datetime
import ipaddress
import json
import re
from decimal import Decimal
from typing import Callable, NamedTuple, Optional

PICTURE_LIMIT_BYTES = 1_000_000  # Henan 2.2: at most 1 MB, read as 10^6
TEXT_LIMIT = 500                 # for the texts that give no length
DATA_URI = "data:image/jpeg;base64,"

Rule = Callable[[object], Optional[str]]


class Field(NamedTuple):
    name: str
    rule: Rule
    needed: bool = True


class JsonError(ValueError):
    """The bytes are not one JSON value of the strict kind."""


# --- JSON ------------------------------------------------------------------

def _members(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise JsonError("member given twice: " + ", ".join(twice))
    return members


def _constant(name):
    raise JsonError(f"{name} is no JSON number")


def read_json(data: bytes):
    """UTF-8 JSON without repeated members, NaN or a byte order mark."""
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_members,
                          parse_constant=_constant, parse_float=Decimal)
    except UnicodeDecodeError as error:
        raise JsonError("not UTF-8") from error
    except JsonError:
        raise
    except (ValueError, RecursionError) as error:
        raise JsonError(f"not JSON: {error}") from error


def read_object(data: bytes) -> dict:
    value = read_json(data)
    if not isinstance(value, dict):
        raise JsonError("not a JSON object")
    return value


# --- strings ---------------------------------------------------------------

CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def text(limit=TEXT_LIMIT, empty=False) -> Rule:
    def rule(value):
        if not isinstance(value, str):
            return "not a string"
        if len(value) > limit:
            return f"longer than {limit} characters"
        if not empty and not value.strip():
            return "empty"
        if CONTROL.search(value):
            return "holds a control character"
        return None
    return rule


def pattern(expression, words) -> Rule:
    compiled = re.compile(expression)

    def rule(value):
        if not isinstance(value, str):
            return "not a string"
        return None if compiled.fullmatch(value) else f"not {words}"
    return rule


def code(table) -> Rule:
    """A string that is one of the codes of a table."""
    codes = frozenset(table)

    def rule(value):
        if not isinstance(value, str):
            return "not a string"
        return None if value in codes else "not in the code table"
    return rule


def moment(form) -> Rule:
    """A string that is a date or a time of exactly this strptime form."""
    now = datetime.datetime(2001, 12, 31, 23, 59, 58)
    length = len(now.strftime(form))

    def rule(value):
        if not isinstance(value, str):
            return "not a string"
        if read_moment(value, form, length) is None:
            return f"not a time of the form {form}"
        return None
    return rule


def read_moment(value, form, length=None):
    """The datetime, or None; digits are ASCII and zeros are written."""
    if not value.isascii() or (length is not None and len(value) != length):
        return None
    try:
        instant = datetime.datetime.strptime(value, form)
    except ValueError:
        return None
    if not 1950 <= instant.year <= 2099 or instant.strftime(form) != value:
        return None
    return instant


DAY = moment("%Y%m%d")
DAY_DASHED = moment("%Y-%m-%d")
SECOND = moment("%Y-%m-%d %H:%M:%S")
SECOND_PLAIN = moment("%Y%m%d%H%M%S")


def ip_address(value):
    if not isinstance(value, str):
        return "not a string"
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return "not an IP address"
    return None


def port(value):
    if not isinstance(value, str):
        return "not a string"
    if not re.fullmatch(r"[1-9][0-9]{0,4}", value) or int(value) > 65535:
        return "not a port number"
    return None


# --- numbers ---------------------------------------------------------------

def is_number(value) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def number(low=None, high=None, digits=None, decimals=None) -> Rule:
    """A JSON number; digits and decimals as in N(digits, decimals)."""
    def rule(value):
        if not is_number(value):
            return "not a number"
        value = Decimal(value)
        if low is not None and value < low:
            return f"below {low}"
        if high is not None and value > high:
            return f"above {high}"
        behind = max(0, -value.as_tuple().exponent)
        if decimals is not None and behind > decimals:
            return f"more than {decimals} decimals"
        if digits is not None and abs(value) >= 10 ** (digits - decimals):
            return f"more than {digits - decimals} digits before the point"
        return None
    return rule


def integer(low=0, high=None) -> Rule:
    def rule(value):
        if not isinstance(value, int) or isinstance(value, bool):
            return "not a whole number"
        if value < low:
            return f"below {low}"
        if high is not None and value > high:
            return f"above {high}"
        return None
    return rule


def boolean(value):
    return None if isinstance(value, bool) else "not true or false"


# --- pictures --------------------------------------------------------------

def read_base64(value: str):
    """The bytes of canonical base64 without white space, or None."""
    if len(value) % 4 != 0:
        return None
    try:
        return binascii.a2b_base64(value, strict_mode=True)
    except (binascii.Error, ValueError):
        return None


def jpeg_fault(data: bytes):
    """Why these bytes are no JPEG picture that may be sent, or None."""
    if len(data) > PICTURE_LIMIT_BYTES:
        return f"larger than {PICTURE_LIMIT_BYTES} bytes"
    if data[:2] != b"\xff\xd8":
        return "does not begin as a JPEG"
    if data[-2:] != b"\xff\xd9":
        return "does not end as a JPEG"
    return _segments_fault(data)


def _segments_fault(data: bytes):
    """Walk the marker segments to the start of scan; a frame comes first."""
    at, frame = 2, False
    while at + 4 <= len(data):
        if data[at] != 0xff:
            return "JPEG segment without a marker"
        marker = data[at + 1]
        length = int.from_bytes(data[at + 2:at + 4], "big")
        if length < 2:
            return "JPEG segment of impossible length"
        if marker == 0xda:
            return None if frame else "JPEG scan without a frame"
        if 0xc0 <= marker <= 0xcf and marker not in (0xc4, 0xc8, 0xcc):
            frame = True
        at += 2 + length
    return "JPEG without a scan"


def picture_uri(value):
    if not isinstance(value, str):
        return "not a string"
    if not value.startswith(DATA_URI):
        return "not a data URI of a base64 JPEG"
    data = read_base64(value[len(DATA_URI):])
    return "not base64" if data is None else jpeg_fault(data)


def picture_base64(value):
    if not isinstance(value, str):
        return "not a string"
    data = read_base64(value)
    return "not base64" if data is None else jpeg_fault(data)


# --- codes that carry their own check --------------------------------------

USCC_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def credit_code(check=True) -> Rule:
    """GB 32100 unified social credit code."""
    def rule(value):
        if not isinstance(value, str):
            return "not a string"
        if len(value) != 18 or any(c not in USCC_LETTERS for c in value):
            return "not a credit code of 18 characters"
        total = sum(USCC_LETTERS.index(c) * pow(3, i, 31)
                    for i, c in enumerate(value[:17]))
        if check and USCC_LETTERS[-total % 31] != value[17]:
            return "the check character of the credit code is wrong"
        return None
    return rule


VIN = pattern(r"[A-HJ-NPR-Z0-9]{17}", "a VIN of 17 characters")

PROVINCES = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
PLATE_SHAPES = re.compile(
    "[" + PROVINCES + "](?:"
    "[A-HJ-NP-Z][A-HJ-NP-Z0-9]{5}"               # ordinary
    "|[A-HJ-NP-Z][A-HJ-K][A-HJ-NP-Z0-9][0-9]{4}"  # new energy, small
    "|[A-HJ-NP-Z][0-9]{5}[A-HJ-K]"               # new energy, large
    "|[A-HJ-NP-Z][A-HJ-NP-Z0-9]{4}[挂学警港澳领使]"
    "|[A-HJ-NP-Z0-9]{5,6}临)")


def plate(limit=20) -> Rule:
    """A plate; one that begins with a province has a plate's shape (GA 36),
    anything else may be an environmental or internal number."""
    plain = text(limit)

    def rule(value):
        fault = plain(value)
        if fault:
            return fault
        if re.search(r"\s", value):
            return "a plate holds no blank"
        if value[0] in PROVINCES and not PLATE_SHAPES.fullmatch(value):
            return "not the shape of a plate"
        return None
    return rule


# --- tables ----------------------------------------------------------------

def faults_of(value: dict, table) -> list:
    """Every reason why value does not follow the table, as 'field: why'."""
    faults = []
    for name, rule, needed in table:
        if name not in value:
            if needed:
                faults.append(f"{name}: absent")
            continue
        content = value[name]
        if content == "" and not needed:
            continue  # an optional field may be left empty
        fault = rule(content)
        if fault:
            faults.append(f"{name}: {fault}")
    known = {field.name for field in table}
    faults += [f"{name}: unknown" for name in value if name not in known]
    return faults


def encode_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
