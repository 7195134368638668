"""Events a device keeps until their receipt, in memory or in a file.

The file has one JSON object a line: {"keep": id, "topic", "payload"} when an
event is made, {"settled": id} when its receipt came.  It is shortened when it
is opened and when it has become mostly settled.
"""

import collections
import json
import os
from dataclasses import dataclass

SHORTEN_AFTER = 1000  # settled lines


@dataclass
class Entry:
    event_id: str
    topic: str
    payload: str
    sent_at: float = 0.0    # monotonic, of the last sending
    acked: bool = False     # the broker's PUBACK for the last sending
    sendings: int = 0


class Outbox:
    def __init__(self, path=None):
        self.path = path
        self.entries = collections.OrderedDict()
        self.file = None
        self.settled_lines = 0
        if path:
            self._load()
            self._rewrite()

    def __len__(self):
        return len(self.entries)

    def add(self, event_id, topic, payload):
        self.entries[event_id] = Entry(event_id, topic, payload)
        self._write(self._kept(self.entries[event_id]))

    def settle(self, event_id):
        """Forget the event; False when it is not kept (any more)."""
        if self.entries.pop(event_id, None) is None:
            return False
        self._write({"settled": event_id})
        self.settled_lines += 1
        if self.file and self.settled_lines > SHORTEN_AFTER + len(self):
            self._rewrite()
        return True

    def close(self):
        if self.file:
            self._rewrite()
            self.file.close()
            self.file = None

    @staticmethod
    def _kept(entry):
        return {"keep": entry.event_id, "topic": entry.topic,
                "payload": entry.payload}

    def _write(self, line):
        if self.file:
            self.file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self.file.flush()

    def _load(self):
        try:
            with open(self.path, encoding="utf-8") as file:
                for line in file:
                    self._load_line(line)
        except FileNotFoundError:
            pass

    def _load_line(self, line):
        try:
            value = json.loads(line)
        except ValueError:
            return  # torn by a kill: its event was never sent
        if "settled" in value:
            self.entries.pop(value["settled"], None)
        else:
            self.entries[value["keep"]] = Entry(
                value["keep"], value["topic"], value["payload"])

    def _rewrite(self):
        if self.file:
            self.file.close()
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            for entry in self.entries.values():
                file.write(json.dumps(self._kept(entry),
                                      ensure_ascii=False) + "\n")
        os.replace(self.path + ".new", self.path)
        self.file = open(self.path, "a", encoding="utf-8")
        self.settled_lines = 0
