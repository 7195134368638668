"""Faults that can be switched on while a stand-in runs.

A fault either takes the place of the platform's work (the record is not
booked) or spoils the answer to work that was done; `processed` in the fault
overrides the habit of its kind.
"""

import time
from dataclasses import dataclass, field
from typing import Optional

# kind -> is the request processed before the fault shows?
KINDS = {
    "timeout": False,         # accept, never answer
    "http_status": False,     # answer with status=, 503 unless given
    "business_error": False,  # the platform's failure with code=, message=
    "bad_signature": False,   # the platform's words for a wrong signature
    "token_expired": False,   # the platform's words for an expired token
    "malformed_json": False,  # 200 with a body that is not JSON
    "reset": False,           # TCP RST
    "slow": True,             # answer after delay_ms
    "lost_answer": True,      # processed, then the connection is closed
    "half": True,             # the answer is cut in the middle
    "wrong_envelope": True,   # aesKey and data of the answer are garbage
    "down": False,            # connections are refused
}


class FaultError(ValueError):
    """What was asked for is no fault."""


@dataclass
class Fault:
    kind: str
    interface: Optional[str] = None
    count: Optional[int] = None
    first_attempts: Optional[int] = None
    match: Optional[str] = None
    seconds: Optional[float] = None
    status: int = 503
    code: Optional[object] = None
    message: str = "系统繁忙，请稍后再试"
    delay_ms: float = 1000
    processed: Optional[bool] = None
    hits: int = 0
    ends_at: Optional[float] = field(default=None, repr=False)

    @property
    def after_work(self) -> bool:
        return KINDS[self.kind] if self.processed is None else self.processed

    @property
    def for_all(self) -> bool:
        return not (self.interface or self.match or self.first_attempts)

    def alive(self, now) -> bool:
        return ((self.count is None or self.hits < self.count)
                and (self.ends_at is None or now < self.ends_at))

    def fits(self, interface, number, attempt) -> bool:
        if self.interface is not None and self.interface != interface:
            return False
        if self.match is not None and self.match not in (number or ""):
            return False
        if self.first_attempts is not None:
            return 0 < attempt <= self.first_attempts
        return True

    def shown(self) -> dict:
        members = {k: v for k, v in vars(self).items()
                   if v is not None and k != "ends_at"}
        return members


ALLOWED = {
    "interface": str, "count": int, "first_attempts": int, "match": str,
    "seconds": (int, float), "status": int, "code": (str, int),
    "message": str, "delay_ms": (int, float), "processed": bool,
}


def read_fault(request) -> Fault:
    if not isinstance(request, dict) or request.get("kind") not in KINDS:
        raise FaultError("kind must be one of " + ", ".join(KINDS))
    values = {}
    for name, value in request.items():
        if name == "kind" or value is None:
            continue
        kinds = ALLOWED.get(name)
        if kinds is None:
            raise FaultError(f"unknown member {name}")
        if isinstance(value, bool) and kinds is not bool:
            raise FaultError(f"{name} has the wrong type")
        if not isinstance(value, kinds):
            raise FaultError(f"{name} has the wrong type")
        values[name] = value
    return Fault(kind=request["kind"], **values)


class Faults:
    def __init__(self, clock=time.monotonic):
        self.clock = clock
        self.active = []

    def add(self, fault: Fault):
        if fault.seconds is not None:
            fault.ends_at = self.clock() + fault.seconds
        self.active.append(fault)

    def clear(self, kind=None):
        self.active = [] if kind is None else [
            fault for fault in self.active if fault.kind != kind]

    def choose(self, interface, number, attempt) -> Optional[Fault]:
        """The first fault that fits this request; it is counted as hit."""
        if not self.active:
            return None
        self._drop_ended()
        for fault in self.active:
            if fault.kind != "down" and fault.fits(interface, number, attempt):
                fault.hits += 1
                return fault
        return None

    def reset_at_connect(self) -> bool:
        """Is every connection to be reset before anything is read?"""
        if not self.active:
            return False
        self._drop_ended()
        for fault in self.active:
            if fault.kind == "reset" and fault.for_all:
                fault.hits += 1
                return True
        return False

    def shown(self) -> list:
        self._drop_ended()
        return [fault.shown() for fault in self.active]

    def _drop_ended(self):
        now = self.clock()
        self.active = [fault for fault in self.active if fault.alive(now)]
