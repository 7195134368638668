"""What every platform's stand-in has in common.

A platform reads a request into a Call: which interface, which record number,
which facts, and whether it is accepted, invalid or refused.  Reading changes
nothing; the base then looks for a switched fault, books the call and only
then lets it take effect.
"""

import datetime
import hashlib
import json
from dataclasses import dataclass
from typing import Callable, Optional

from .books import Books
from .faults import Faults
from .http import Answer, json_answer

CHINA = datetime.timezone(datetime.timedelta(hours=8))


def china_now() -> datetime.datetime:
    return datetime.datetime.now(CHINA)


class Invalid(Exception):
    """The request does not follow the platform's text."""

    def __init__(self, *reasons, answer=None):
        super().__init__("; ".join(reasons))
        self.reasons = reasons
        self.answer = answer


class Refused(Exception):
    """The request is well formed, and still the platform does not take it."""

    def __init__(self, reason, answer, out_of_order=False):
        super().__init__(reason)
        self.reasons = (reason,)
        self.answer = answer
        self.out_of_order = out_of_order


@dataclass
class Call:
    interface: str = "unknown"
    number: Optional[str] = None
    facts: object = None          # what may never change under one number
    shown: Optional[dict] = None  # plain record for /_control/records
    updates: bool = False         # a ledger: other facts are an update
    heartbeat: Optional[str] = None
    commit: Callable[[], None] = lambda: None
    answer: Callable[[], Answer] = lambda: json_answer({"code": 200})


def digest_of(facts) -> str:
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def shorten(value):
    """A record without its pictures' bytes."""
    if isinstance(value, dict):
        return {name: shorten(member) for name, member in value.items()}
    if isinstance(value, list):
        return [shorten(member) for member in value]
    if isinstance(value, str) and len(value) > 400:
        digest = hashlib.sha256(value.encode()).hexdigest()
        return f"({len(value)} characters, sha256 {digest})"
    return value


class Platform:
    """The base; a platform gives `read`, the failures and its own state."""

    name = "platform"
    options = {}  # name -> default, as text

    def __init__(self, options: dict):
        unknown = set(options) - set(self.options) - set(Platform.common)
        if unknown:
            raise ValueError("unknown option: " + ", ".join(sorted(unknown)))
        self.settings = {**Platform.common, **self.options, **options}
        self.books = Books()
        self.faults = Faults()
        self.address = ("127.0.0.1", 0)
        self.setup()

    # duplicates=refuse: a number sent again is answered with a failure
    common = {"duplicates": "accept"}

    def setup(self):
        pass

    # --- what a platform gives --------------------------------------------

    def read(self, call: Call, request):
        raise NotImplementedError

    def invalid(self, call: Call, reasons) -> Answer:
        raise NotImplementedError

    def failure(self, call: Call, code, message) -> Answer:
        raise NotImplementedError

    def signature_failure(self, call: Call) -> Answer:
        return self.failure(call, 403, "签名错误")

    def token_failure(self, call: Call) -> Answer:
        raise NotImplementedError

    def garble(self, answer: Answer) -> Answer:
        answer.body = b'{"aesKey":"@@@","data":"@@@"}'
        return answer

    def control(self, path, method, value):
        """Requests below /_control/ only this platform knows; None: none."""
        return None

    def save(self) -> dict:
        return {}

    def load(self, saved: dict):
        pass

    # --- one request -------------------------------------------------------

    def handle(self, request) -> Answer:
        call = Call()
        problem = None
        try:
            self.read(call, request)
        except (Invalid, Refused) as error:
            problem = error
        attempt = self.books.arrived(call.interface, call.number)
        fault = self.faults.choose(call.interface, call.number, attempt)
        if fault is not None and not fault.after_work:
            self.books.count(call.interface, "faulted")
            if isinstance(problem, Invalid):
                self.note_invalid(call, problem)
            return self.faulty(fault, call)
        answer = self.settle(call, problem)
        return answer if fault is None else self.spoil(fault, call, answer)

    def settle(self, call, problem) -> Answer:
        if isinstance(problem, Invalid):
            self.note_invalid(call, problem)
            return problem.answer or self.invalid(call, problem.reasons)
        if isinstance(problem, Refused):
            self.books.failed(call.interface, "refused", call.number,
                              problem.reasons)
            if problem.out_of_order:
                self.books.count(call.interface, "out_of_order")
            return problem.answer
        return self.accept(call)

    def note_invalid(self, call, problem):
        self.books.failed(call.interface, "invalid", call.number,
                          problem.reasons)

    def accept(self, call) -> Answer:
        if call.heartbeat is not None:
            self.books.beat(call.heartbeat)
        if call.number is None:
            self.books.count(call.interface, "unnumbered")
            call.commit()
            return call.answer()
        digest = digest_of(call.facts)
        fate = self.books.fate(call.interface, call.number, digest)
        if fate == "other" and not call.updates:
            return self.settle(call, Invalid(
                "changed facts: the same number with other content"))
        if fate == "same" and self.settings["duplicates"] == "refuse":
            self.books.count(call.interface, "duplicates")
            return self.failure(call, 500, "数据重复，该记录已存在")
        self.books.count(call.interface, {
            "new": "accepted", "same": "duplicates", "other": "updates"}[fate])
        self.books.record(call.interface, call.number, digest,
                          shorten(call.shown))
        call.commit()
        return call.answer()

    # --- faults --------------------------------------------------------------

    def faulty(self, fault, call) -> Answer:
        """The answer in place of the work."""
        if fault.kind in ("timeout", "reset", "lost_answer"):
            manner = {"timeout": "never", "reset": "reset",
                      "lost_answer": "close"}[fault.kind]
            return Answer(b"", manner=manner)
        if fault.kind == "http_status":
            return json_answer({"error": fault.message}, fault.status)
        if fault.kind == "business_error":
            return self.failure(call, fault.code, fault.message)
        if fault.kind == "bad_signature":
            return self.signature_failure(call)
        if fault.kind == "token_expired":
            return self.token_failure(call)
        if fault.kind == "malformed_json":
            return Answer(b'{"code": 200, "message": ')
        return self.spoil(fault, call, self.failure(call, 500, fault.message))

    def spoil(self, fault, call, answer) -> Answer:
        """The answer after the work."""
        if fault.kind == "slow":
            answer.delay_ms = fault.delay_ms
        elif fault.kind == "half":
            answer.manner = "half"
        elif fault.kind == "wrong_envelope":
            answer = self.garble(answer)
        else:
            answer = self.faulty(fault, call)
        return answer
