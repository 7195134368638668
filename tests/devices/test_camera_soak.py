"""A hundred cameras for five minutes, the broker restarted twice: what was
answered 200 arrives, in bounded memory and half a core.

SAMPAN_SOAK_SECONDS makes it shorter; the figures go to the log of pytest.
"""

import datetime
import os
import pathlib
import sys
import threading
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from camera_site import CameraSite  # noqa: E402
from simulated import cameras, jpeg  # noqa: E402
from simulated.frames.camera import CHINA  # noqa: E402

SECONDS = int(os.environ.get("SAMPAN_SOAK_SECONDS", "300"))
CAMERAS, PER_SECOND, PICTURE_KB = 100, 20, 300
RESIDENT_MB, CORES = 100, 0.5
KINDS = ("vz", "vz", "hikvision", "dahua")
TICKS = os.sysconf("SC_CLK_TCK")


def used(pid):
    """(processor seconds, most resident MB)"""
    words = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(
        ")")[2].split()
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return ((int(words[11]) + int(words[12])) / TICKS,
            int(status.split("VmHWM:")[1].split()[0]) / 1024)


@pytest.mark.long
def test_hundred_cameras_for_five_minutes(tmp_path):
    build = pathlib.Path(os.environ.get(
        "SAMPAN_BUILD", HERE.parents[1] / "build/release"))
    with CameraSite(tmp_path / "site", build) as site:
        soak(site)


def soak(site):
    names = [f"cam-{at:03d}" for at in range(CAMERAS)]
    kinds = [KINDS[at % len(KINDS)] for at in range(CAMERAS)]
    site.accounts("remove", "cameras")
    site.accounts("add", "device", "cameras",
                  *(f"camera/{name}" for name in names))
    site.reload_accounts()
    site.start_receiver()
    stopping = threading.Event()
    told = [cameras.make(kind, name, f"http://127.0.0.1:{site.port}",
                         stopping) for kind, name in zip(kinds, names)]
    site.settings(
        *(site.camera(name, kind, identity=getattr(
            one, "mac", None) or getattr(one, "device", None) or one.serial)
          for name, kind, one in zip(names, kinds, told)),
        listen={"address": "127.0.0.1", "port": site.port,
                "connections_per_address": 200},
        outbox={"folder": str(site.folder / "outbox"), "quota_mb": 2048},
        log_level="info")
    site.start_camera()
    for one in told:
        one.start()
    scene, second = jpeg.make(PICTURE_KB, "a"), jpeg.make(PICTURE_KB, "b")
    began, before = time.monotonic(), used(site.camera_process.pid)[0]
    # In this thread: a process of another's would end with it.
    turns = [(began + SECONDS * part + late, turn) for part in (0.3, 0.65)
             for late, turn in ((0, lambda: site.broker.stop()), (5, site.start_broker))]
    for number in range(SECONDS * PER_SECOND):
        while time.monotonic() < began + number / PER_SECOND:
            time.sleep(0.005)
        told[number % CAMERAS].see(
            "云%c%05d" % (65 + number // 100000, number % 100000), "yellow",
            scene=scene, cutout=second, moment=datetime.datetime.now(CHINA))
        if turns and time.monotonic() > turns[0][0]:
            turns.pop(0)[1]()
    took = time.monotonic() - began
    cpu, resident = used(site.camera_process.pid)
    site.until(lambda: all(one.waiting.empty() and one.settled()
                           for one in told), 120, "the cameras' answers", 0.5)
    stopping.set()
    answered = {one.passage.plate for camera in told for one in camera.made
                if one.answered}
    site.until(lambda: answered <= {event["plate"] for event in
                                    site.events().values()}, 120,
               "all that was answered", 1)
    _, after = used(site.camera_process.pid)
    books = {}
    for one in told:
        for code, count in one.answers.items():
            books[code] = books.get(code, 0) + count
    print(f"{len(answered)} of {SECONDS * PER_SECOND} answered in {took:.0f} "
          f"s {books}, {(cpu - before) / took:.2f} cores, {resident:.0f} MB "
          f"resident at most, {after:.0f} MB after the last, heard more than "
          f"once: {sum(n > 1 for n in site.receiver.times.values())}")
    assert len(answered) > 0.95 * SECONDS * PER_SECOND
    assert len({key[1] for key in site.events()}) == len(site.events())
    assert max(resident, after) < RESIDENT_MB
    assert (cpu - before) / took < CORES
