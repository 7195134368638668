"""The live table of ./run, from what the bridge says on bridge/state."""
import shutil
import sys
import time
import unicodedata

COLUMNS = [  # title, member of a destination, width
    ("platform", "name", -10),
    ("records", "made", 8),
    ("waiting", "waiting", 8),
    ("resending", "resending", 10),
    ("failed tries", "failed", 13),
    ("parked", "parked", 7),
    ("delivered", "delivered", 10),
]
QUIET_S = 5


def cell(value, width):
    text = str(value)
    return text.ljust(-width) if width < 0 else text.rjust(width)


def columns_of(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in text)


def cut(text, width):
    """As much of text as fits into width columns of a terminal."""
    while columns_of(text) > width:
        text = text[:-1]
    return text


def trouble_of(destination):
    if destination["condition"] in ("up", "starting"):
        return destination["last_answer"]
    return destination["reason"] or destination["condition"]


def head():
    return "".join(cell(title, width) for title, _, width in COLUMNS) \
        + "  last answer"


def row(destination):
    return "".join(cell(destination.get(member, 0), width)
                   for _, member, width in COLUMNS) \
        + "  " + trouble_of(destination)


def adapter_row(name, said, stored):
    told = "" if said is None else f"{said} said, "
    return f"{name:<19}{told}{stored} stored"


def brief(state, adapters):
    """One line for a log."""
    parts = [f"{d['name']}: {d.get('delivered', 0)} of {d.get('made', 0)}"
             f" delivered, {d.get('waiting', 0)} waiting,"
             f" {d.get('parked', 0)} parked" for d in state["destinations"]]
    parts += [" ".join(adapter_row(*row).split()) for row in adapters]
    return "; ".join(parts)


class Table:
    """Redrawn in place every second on a terminal; else a line in 5 s."""

    def __init__(self, out=sys.stdout):
        self.out = out
        self.live = out.isatty()
        self.drawn = 0
        self.next_line = 0.0
        self.troubles = []

    def show(self, state, adapters, note):
        """adapters: (program, events its devices said or None, stored)"""
        if not self.live:
            self.show_line(state, adapters, note)
            return
        width = shutil.get_terminal_size().columns
        lines = [note, "", head()]
        lines += [row(d) for d in state["destinations"]] if state else []
        lines += ["", *(adapter_row(*one) for one in adapters)]
        lines += [f"! {text}" for text in (state or {}).get("troubles", [])]
        if self.drawn:
            self.out.write(f"\x1b[{self.drawn}F\x1b[J")
        self.out.write("".join(cut(line, width) + "\n" for line in lines))
        self.out.flush()
        self.drawn = len(lines)

    def show_line(self, state, adapters, note):
        now = time.monotonic()
        if state is None:
            return
        if state["troubles"] != self.troubles:
            self.troubles = state["troubles"]
            for text in self.troubles:
                print(f"! {text}", file=self.out, flush=True)
        if now >= self.next_line:
            self.next_line = now + QUIET_S
            print(f"{note}: {brief(state, adapters)}", file=self.out,
                  flush=True)

    def say(self, text):
        """A line above the table, to stay."""
        if self.live and self.drawn:
            self.out.write(f"\x1b[{self.drawn}F\x1b[J")
            self.drawn = 0
        print(text, file=self.out, flush=True)
