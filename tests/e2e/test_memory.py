"""Memory stays flat, and a start with much waiting is quick."""
import time

import pytest
from harness import Load


def peak_mb(process):
    for line in open(f"/proc/{process.pid}/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmHWM")


def sanitized(site):
    """A sanitizer's shadow is not the bridge's memory."""
    return b"__asan_init" in site.program("sampan-bridge").read_bytes()


def backlog(site, count):
    sink = site.sink()
    sink.down()
    site.settings(site.generic("mes", sink.url, uplink={"concurrency": 16}))
    site.start_bridge()
    load = Load(site, limit=count, rate=20000)
    load.start()
    load.wait_limit(300)
    site.until(lambda: site.sums()["waiting"] == count, 60, "all stored",
               every=0.5)
    site.stop_bridge()
    sink.up()
    return sink


def first_upload(site, sink):
    began = time.monotonic()
    site.start_bridge(ready=False)
    site.until(lambda: sink.accepted, 30, "the first upload", every=0.005)
    return time.monotonic() - began


def drain(site, count):
    sink = backlog(site, count)
    took = first_upload(site, sink)
    site.until(lambda: len(sink.accepted) == count, 300, "all", every=0.5)
    site.until(lambda: site.sums()["delivered"] == count, 30, "all",
               every=0.5)
    return took, peak_mb(site.bridge)


def test_draining_a_backlog_stays_small(site):
    took, peak = drain(site, 10000)
    print(f"first upload after {took:.2f} s, peak {peak:.0f} MB")
    if not sanitized(site):
        assert peak < 80


@pytest.mark.long
def test_draining_a_hundred_thousand_stays_small(site):
    took, peak = drain(site, 100000)
    print(f"first upload after {took:.2f} s, peak {peak:.0f} MB")
    if not sanitized(site):
        assert peak < 80
        assert took < 1


def test_idle_bridge_is_small(site):
    sink = site.sink()
    site.settings(site.generic("mes", sink.url))
    site.start_bridge()
    if not sanitized(site):
        assert peak_mb(site.bridge) < 30
