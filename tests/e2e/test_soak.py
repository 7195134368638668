"""The load an adapter is measured with: a hundred cameras, twenty passages a
second in total with two pictures of 300 KB each, for five minutes, the broker
restarted twice.  What was answered 200 is accepted by the platform, each once;
the adapter stays below 100 MB and half a core.

SAMPAN_SOAK_SECONDS makes it shorter; the figures are a property of the test in
the JUnit file, and printed (-s).
"""
import os
import pathlib
import time

import pytest
from field import CAMERA, cameras, write_ledger

SECONDS = int(os.environ.get("SAMPAN_SOAK_SECONDS", "300"))
CAMERAS, PER_SECOND, PICTURE_KB = 100, 20, 300
RESIDENT_MB, CORES = 100, 0.5
KINDS = ("vz", "vz", "hikvision", "dahua")
TICKS = os.sysconf("SC_CLK_TCK")


def used(pid):
    """(processor seconds, most resident MB)"""
    folder = pathlib.Path(f"/proc/{pid}")
    words = (folder / "stat").read_text().rpartition(")")[2].split()
    status = (folder / "status").read_text()
    return ((int(words[11]) + int(words[12])) / TICKS,
            int(status.split("VmHWM:")[1].split()[0]) / 1024)


def lane(number):
    """Two cameras see each vehicle."""
    return {"name": f"lane-{number}", "entrance": "A",
            "gate": f"A{number + 1:02d}", "direction": "in",
            "head_camera": f"cam-{2 * number}",
            "body_camera": f"cam-{2 * number + 1}", "weighing": "none",
            "default_weight": 12.5, "cargo_type": "铁矿石", "deadline_s": 5,
            "destinations": ["gate-yn"]}


def identity(camera):
    """What it calls itself, by its maker."""
    return next(getattr(camera, word) for word in ("mac", "device", "serial")
                if hasattr(camera, word))


def push(field, site, names):
    """SECONDS of passages; the broker goes twice."""
    scene, other = (cameras.jpeg.make(PICTURE_KB, words) for words in "ab")
    began, restarts = time.monotonic(), [0.3, 0.65]
    for number in range(SECONDS * PER_SECOND):
        due = began + number / PER_SECOND
        time.sleep(max(0.0, due - time.monotonic()))
        field.cameras[names[number % CAMERAS]].see(
            f"云A{10000 + number // 2}", "yellow", "in", scene, other)
        if restarts and number / PER_SECOND > restarts[0] * SECONDS:
            restarts.pop(0)
            site.broker.stop()
            site.start_broker()


@pytest.mark.long
def test_a_hundred_cameras_for_five_minutes(site, field, record_property):
    names = [f"cam-{number}" for number in range(CAMERAS)]
    vehicles = SECONDS * PER_SECOND // 2
    platform = site.start_standin("yunnan")
    site.settings(site.yunnan("gate-yn", platform), lanes=[
        lane(number) for number in range(CAMERAS // 2)], store={"quota_mb": 32768})
    site.start_bridge()
    write_ledger(site, vehicles)
    for number, name in enumerate(names):
        field.camera(KINDS[number % len(KINDS)], name)
    field.furnish(CAMERA, names, field.camera_settings(*(
        (name, one.kind, "head" if at % 2 == 0 else "body", {
            "address": ["127.0.0.1"], "identity": identity(one)})
        for at, (name, one) in enumerate(field.cameras.items())), outbox={"quota_mb": 2048}))
    field.settings[CAMERA]["listen"]["connections_per_address"] = 2 * CAMERAS
    field.write(CAMERA)
    adapter = field.start(CAMERA)

    began, before = time.monotonic(), used(adapter.pid)[0]
    push(field, site, names)
    took = time.monotonic() - began
    cpu, resident = used(adapter.pid)
    site.until(field.settled, 120, "every passage is answered")
    answered = sum(told.answered for one in field.cameras.values()
                   for told in one.made)

    def accepted():
        return platform.stats()["interfaces"].get(
            "vehicleAccess", {"accepted": 0})["accepted"]

    site.until(lambda: accepted() >= vehicles, 900,
               "every answered passage at the platform", 1)
    codes = {}
    for one in field.cameras.values():
        for code, count in one.answers.items():
            codes[code] = codes.get(code, 0) + count
    highest = used(adapter.pid)[1]
    figures = (
        f"{answered} of {2 * vehicles} answered in {took:.0f} s {codes}, "
        f"{(cpu - before) / took:.2f} cores, {resident:.0f} MB resident at "
        f"most, {highest:.0f} MB with what followed, all at the platform "
        f"after {time.monotonic() - began:.0f} s")
    print(figures)
    record_property("figures", figures)
    assert answered == 2 * vehicles
    records = site.deliveries(state="delivered")
    assert len({row["plate"] for row in records}) == vehicles
    assert len(records) == accepted() == vehicles, "each once"
    site.check_books()
    assert platform.stats()["totals"]["invalid"] == 0
    assert highest < RESIDENT_MB
    assert (cpu - before) / took < CORES
