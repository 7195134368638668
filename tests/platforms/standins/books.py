"""What a stand-in remembers of every request: its books.

One account per interface.  A request is counted once under `requests` and
ends in exactly one of: accepted (a number seen for the first time), updates
(a ledger entry sent again with other content), duplicates (the same number
and facts again), unnumbered (accepted, but the interface has no record
number), invalid, refused, faulted (a switched fault answered in its place).
One exception: an invalid request that met a fault counts as both, so that no
fault can hide a mistake.
"""

import collections
import time

REASONS_KEPT = 200   # examples of invalid and refused requests
FACTS_KEPT = 1000    # plain records that /_control/records can show

COUNTERS = ("requests", "accepted", "updates", "duplicates", "unnumbered",
            "invalid", "refused", "faulted", "out_of_order")


class Account:
    def __init__(self):
        self.counts = dict.fromkeys(COUNTERS, 0)
        self.digests = {}    # number -> digest of its facts, in order
        self.attempts = {}   # number -> requests that named it
        self.reasons = collections.Counter()
        self.first = self.last = None

    def stats(self) -> dict:
        histogram = collections.Counter(self.attempts.values())
        return {**self.counts, "first": self.first, "last": self.last,
                "attempts": {str(k): histogram[k] for k in sorted(histogram)},
                "reasons": dict(self.reasons.most_common(50))}

    def save(self) -> dict:
        return {"counts": self.counts, "digests": self.digests,
                "attempts": self.attempts, "reasons": dict(self.reasons),
                "first": self.first, "last": self.last}

    def load(self, saved: dict):
        self.counts.update(saved["counts"])
        self.digests = dict(saved["digests"])
        self.attempts = dict(saved["attempts"])
        self.reasons = collections.Counter(saved["reasons"])
        self.first, self.last = saved["first"], saved["last"]


class Books:
    def __init__(self, clock=time.time):
        self.clock = clock
        self.clear()

    def clear(self):
        self.accounts = collections.defaultdict(Account)
        self.examples = collections.deque(maxlen=REASONS_KEPT)
        self.facts = collections.OrderedDict()
        self.beats = {}      # heartbeat source -> [count, max gap, last]

    # --- one request ------------------------------------------------------

    def arrived(self, interface, number) -> int:
        """Count a request; its attempt number, 0 without a record number."""
        account = self.accounts[interface]
        account.counts["requests"] += 1
        account.last = self.clock()
        account.first = account.first or account.last
        if number is None:
            return 0
        attempt = account.attempts.get(number, 0) + 1
        account.attempts[number] = attempt
        return attempt

    def known(self, interface, number) -> bool:
        return (interface in self.accounts
                and number in self.accounts[interface].digests)

    def fate(self, interface, number, digest) -> str:
        """new, same or other: what accepting this record would mean."""
        seen = self.accounts[interface].digests.get(number)
        if seen is None:
            return "new"
        return "same" if seen == digest else "other"

    def count(self, interface, counter):
        self.accounts[interface].counts[counter] += 1

    def record(self, interface, number, digest, facts=None):
        self.accounts[interface].digests[number] = digest
        if facts is not None:
            self.facts[interface, number] = facts
            while len(self.facts) > FACTS_KEPT:
                self.facts.popitem(last=False)

    def failed(self, interface, counter, number, reasons):
        """Count an invalid or refused request and keep its reasons."""
        self.count(interface, counter)
        for reason in reasons:
            self.accounts[interface].reasons[reason[:160]] += 1
        self.examples.append({
            "time": self.clock(), "interface": interface, "as": counter,
            "number": number, "reasons": [r[:300] for r in reasons[:20]]})

    def beat(self, source):
        now = self.clock()
        beat = self.beats.setdefault(source, [0, 0.0, now])
        beat[1] = max(beat[1], now - beat[2])
        beat[0] += 1
        beat[2] = now

    # --- what they show ---------------------------------------------------

    def numbers(self, interface) -> list:
        if interface not in self.accounts:
            return []
        return list(self.accounts[interface].digests)

    def heartbeats(self) -> dict:
        now = self.clock()
        return {source: {"count": count, "max_gap_seconds": round(gap, 3),
                         "last_seconds_ago": round(now - last, 3)}
                for source, (count, gap, last) in self.beats.items()}

    def stats(self) -> dict:
        totals = dict.fromkeys(COUNTERS, 0)
        for account in self.accounts.values():
            for name, count in account.counts.items():
                totals[name] += count
        return {"totals": totals,
                "interfaces": {name: account.stats() for name, account
                               in sorted(self.accounts.items())},
                "heartbeats": self.heartbeats(),
                "examples": list(self.examples)}

    # --- over a restart ---------------------------------------------------

    def save(self) -> dict:
        return {"accounts": {n: a.save() for n, a in self.accounts.items()},
                "examples": list(self.examples), "beats": self.beats}

    def load(self, saved: dict):
        self.clear()
        for name, account in saved["accounts"].items():
            self.accounts[name].load(account)
        self.examples.extend(saved["examples"])
        self.beats = {k: list(v) for k, v in saved["beats"].items()}
