"""What ./run shows: a site that runs, and its books at the end."""
import argparse
import fcntl
import pathlib
import shutil
import signal
import sys
import time

import accounting
import plant
from stack import Stack, StackError
from table import Table
from wired import Wired, of_the_bridge

DRAIN_S = 60         # after the last event; with --outage, after its end
DEVICES_END_S = 30   # until a device has all its receipts
SICK_S, GONE_S = 12, 8


class Stop(Exception):
    """Somebody asked us to end."""


def read_arguments():
    parser = argparse.ArgumentParser(prog="./run")
    parser.add_argument("--seconds", type=int, metavar="N")
    parser.add_argument("--outage", action="store_true")
    parser.add_argument("--var", type=pathlib.Path, default="var")
    parser.add_argument("--build", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    if arguments.outage and arguments.seconds is None:
        arguments.seconds = 40
    if arguments.outage and arguments.seconds < SICK_S + GONE_S + 10:
        parser.error(f"--outage needs {SICK_S + GONE_S + 10} seconds or more")
    return arguments


def take_folder(var):
    """A fresh folder for this run; the one before is kept beside it."""
    var.mkdir(parents=True, exist_ok=True)
    lock = open(var / "lock", "w", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise StackError(f"another ./run uses {var}; --var DIR takes another") \
            from None
    here, before = var / "demo", var / "demo.before"
    if here.exists():
        shutil.rmtree(before, ignore_errors=True)
        here.rename(before)
    return here, lock


class Outage:
    """A platform that first answers 503, then is not there at all."""

    def __init__(self, standin, table, began):
        self.steps = [
            (began + 8, SICK_S, "http_status",
             f"{standin.name} answers 503 for {SICK_S} s:"
             " three resends, then parked"),
            (began + 8 + SICK_S, GONE_S, "down",
             f"{standin.name} is not reachable for {GONE_S} s:"
             " records wait, no attempt is spent"),
        ]
        self.standin, self.table = standin, table

    def tick(self):
        if self.steps and time.monotonic() >= self.steps[0][0]:
            _, seconds, kind, words = self.steps.pop(0)
            self.table.say(words)
            self.standin.fault(kind, seconds=seconds)


class Demo:
    def __init__(self, stack, arguments):
        self.stack, self.arguments = stack, arguments
        self.table = Table()
        self.asked_to_end = False
        # Only noted: an exception from here would leave locks behind that
        # the ending needs.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.end_soon)

    def end_soon(self, number, frame):
        self.asked_to_end = True

    def go_on(self, seconds=0):
        """Where a wish to end is heard."""
        end = time.monotonic() + seconds
        while not self.asked_to_end and time.monotonic() < end:
            time.sleep(0.1)
        if self.asked_to_end:
            raise Stop

    def start(self):
        self.stack.start_broker()
        self.go_on()
        self.wired = Wired(self.stack)
        self.wired.furnish()
        self.standins = plant.furnish(self.stack, self.arguments.outage,
                                      **of_the_bridge())
        self.go_on()
        self.operator = self.stack.operator("demo")
        self.stack.start_bridge()
        self.go_on()
        self.plant = self.wired.start(plant.ledger_file(self.stack),
                                      self.arguments.seconds)
        self.devices = plant.start_devices(self.stack, self.arguments.seconds)

    def tick(self, note):
        """One second: everybody alive, the table drawn."""
        self.stack.broker.check()
        self.stack.bridge.check()
        for adapter in self.wired.adapters.values():
            adapter.check()
        for standin in self.standins.values():
            standin.process.check()
        self.table.show(self.operator.state, list(self.wired.rows()), note)
        self.go_on(1)

    def publish(self):
        """Until the devices have said all; for ever without --seconds."""
        began = time.monotonic()
        outage = self.arguments.outage and Outage(self.standins["yunnan"],
                                                  self.table, began)
        while any(device.running()
                  for device in (self.plant, *self.devices.values())):
            elapsed = int(time.monotonic() - began)
            limit = self.arguments.seconds
            if limit is not None and elapsed > limit + DEVICES_END_S:
                break
            if outage:
                outage.tick()
            self.tick(f"publishing, {elapsed} s"
                      + (f" of {limit}" if limit is not None else ""))

    def drain(self):
        """Until nothing waits; how long that took, or None."""
        began = time.monotonic()
        while time.monotonic() - began < DRAIN_S:
            stats = self.ask_stats()
            if accounting.unfinished(stats) == 0 and \
                    not accounting.silent(stats, self.standins) and \
                    not self.wired.missing(self.stack.books("wired")):
                return time.monotonic() - began
            self.tick(f"draining, {int(time.monotonic() - began)} s")
        return None

    def ask_stats(self):
        reply = self.operator.ask("stats")
        if not reply.get("ok"):
            raise StackError(f"stats: {reply.get('error')}")
        return reply

    def close_books(self):
        """Print the books; true when they agree."""
        codes = self.wired.stop()
        stats = self.ask_stats()
        standins = {name: standin.stats()
                    for name, standin in self.standins.items()}
        devices = {name: self.stack.books(name) for name in self.devices}
        for line in accounting.lines(devices, self.wired, stats, standins):
            print(line)
        faults = list(accounting.faults(
            devices, self.wired, self.stack.books("wired"), codes, stats,
            standins))
        for fault in faults:
            print(f"NOT ACCOUNTED FOR: {fault}")
        print("the books do not agree" if faults else
              "the books agree: everything that was sent is accounted for")
        return not faults

    def run(self):
        self.start()
        self.table.say(f"logs, settings and the store: {self.stack.folder}")
        self.publish()
        took = self.drain()
        self.table.say("drained" if took is not None else
                       f"not drained within {DRAIN_S} s")
        return self.close_books()


def main():
    arguments = read_arguments()
    try:
        folder, lock = take_folder(arguments.var)
        with lock, Stack(folder, arguments.build) as stack:
            return 0 if Demo(stack, arguments).run() else 1
    except (Stop, KeyboardInterrupt):
        print("\nstopped; everything is below", arguments.var / "demo")
        return 0 if arguments.seconds is None else 130
    except StackError as error:
        print(f"run: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
