"""Stopped, started and damaged in the middle of everything."""
import random
import time

import pytest
from harness import Load


def site_with_sink(site, **other):
    sink = site.sink()
    site.settings(site.generic("mes", sink.url, uplink={
        "resend_after_s": [1, 2, 3]}), **other)
    site.start_bridge()
    return sink


def test_sigterm_under_load_ends_in_time_and_loses_nothing(site):
    sink = site_with_sink(site)
    load = Load(site, rate=1500)
    load.start()
    for _ in range(5):
        seen = len(sink.accepted)
        site.until(lambda: len(sink.accepted) > seen + 200, 20, "some records")
        site.stop_bridge()  # in 5 s, with 0, and quietly
        site.start_bridge()
    load.finish()
    site.until(lambda: load.acked <= sink.accepted.keys(), 60, "everything")
    assert sink.duplicates() == 0, "what was answered was committed"
    site.check_books()


def test_sigterm_with_silent_platform_ends_in_time(site):
    """What is in flight is given up after the grace, and waits again."""
    sink = site_with_sink(site)
    sink.rule = lambda ident, attempt: "silent"
    Load(site, limit=50).run()
    site.until(lambda: len(sink.attempts) == 8, 10, "eight in flight")
    site.stop_bridge()
    sink.rule = None
    site.start_bridge()
    site.until(lambda: len(sink.accepted) == 50, 20, "all")
    assert {row["attempts"] for row in site.deliveries()} == {1}, \
        "what was given up unanswered is a lower bound"


def test_start_without_a_broker_waits_for_it(site):
    sink = site.sink()
    site.settings(site.generic("mes", sink.url))
    site.broker.kill()
    site.start_bridge(ready=False)
    began = time.time() - 1
    site.until(lambda: site.told_since(began)
               and not site.state()["broker"], 10, "it says so")
    assert "broker" in " ".join(site.state()["troubles"])
    site.start_broker()
    site.until(lambda: site.state()["broker"], 30, "it came in")
    site.speaker("plant").say("line/1/result", {"id": "a"})
    site.until(lambda: "a" in sink.accepted, 10, "and works")


def hot(site):
    return site.folder / "store/hot/data.mdb"


def garbage(path, seed=1):
    noise = random.Random(seed)
    path.write_bytes(noise.randbytes(path.stat().st_size))


def backlog(site, sink, delivered=300, waiting=200, parked=5):
    """Some of every state, and the bridge stopped."""
    Load(site, limit=delivered).run()
    site.until(lambda: site.sums()["delivered"] == delivered, 30, "delivered")
    sink.rule = lambda ident, attempt: 503 if ident.startswith("p") else 200
    Load(site, limit=parked, prefix="p").run()
    site.until(lambda: site.sums()["parked"] == parked, 20, "parked")
    site.ctl("pause", "mes")
    Load(site, limit=waiting, prefix="w").run()
    site.until(lambda: site.sums()["waiting"] == waiting, 20, "waiting")
    sums = site.sums()
    site.stop_bridge()
    return sums


@pytest.mark.parametrize("damage", [
    garbage, lambda path: path.write_bytes(b""), lambda path: path.unlink(),
    lambda path: path.write_bytes(path.read_bytes()[:5000]),
], ids=["garbage", "empty", "gone", "cut"])
def test_damaged_states_are_rebuilt_from_the_log(site, damage):
    sink = site_with_sink(site)
    before = backlog(site, sink)
    damage(hot(site))
    site.start_bridge()
    opened, = [line for line in site.bridge.last_words(30).splitlines()
               if "event=store_open" in line][-1:]
    assert "rebuilt=1" in opened or "reapplied=0" not in opened
    assert site.sums() == before
    site.until(lambda: site.destination("mes")["condition"] == "paused", 5,
               "an operator's pause is in the log too")
    sink.rule = None
    site.ctl("resume", "mes")
    site.ctl("round", "mes")
    site.until(lambda: site.sums()["delivered"] == before["made"], 30, "all")
    assert sink.duplicates() == 0
    site.check_books()
    assert site.ask("verify")["good"]
    # what was seen before is still recognised
    seen = site.ask("stats")["events"][0]
    site.speaker("plant").say("line/1/result",
                              '{"id":"m0","fill":"%s"}' % ("x" * 700))
    site.until(lambda: site.ask("stats")["events"][0]["repeats"]
               == seen["repeats"] + 1, 10, "the repeat")
    assert sink.attempts["m0"] == 1


def test_damaged_month_is_set_aside_and_told(site):
    """Nothing is deleted, and the bridge works."""
    sink = site_with_sink(site)
    Load(site, limit=100).run()
    site.until(lambda: site.sums()["delivered"] == 100, 20, "delivered")
    site.stop_bridge()
    month, = [one for one in (site.folder / "store").iterdir()
              if one.is_dir() and one.name[:2] == "20"]
    garbage(month / "data.mdb")
    site.start_bridge()
    assert "store_set_aside" in site.bridge.last_words(200)
    assert [one for one in (site.folder / "store").iterdir()
            if "set-aside" in one.name]
    site.speaker("plant").say("line/1/result", {"id": "after"})
    site.until(lambda: "after" in sink.accepted, 10, "it works")
    site.check_books()


def test_flipped_bit_is_found_by_verify(site):
    sink = site_with_sink(site)
    Load(site, limit=200).run()
    site.until(lambda: site.sums()["delivered"] == 200, 20, "delivered")
    assert site.ctl("verify").returncode == 0
    site.stop_bridge()
    month, = [one for one in (site.folder / "store").iterdir()
              if one.is_dir() and one.name[:2] == "20"]
    path = month / "data.mdb"
    data = path.read_bytes()  # LMDB may leave old copies of a page
    assert b'"id":"m100"' in data
    path.write_bytes(data.replace(b'"id":"m100"', b'"id":"m900"'))
    site.start_bridge()
    found = site.ctl("--json", "verify", code=1).stdout
    assert '"good": false' in found and '"bad_crc": 1' in found


def test_power_cut_between_log_and_states_is_caught_up(site):
    """The months are one commit ahead of the states: as after a power cut."""
    sink = site_with_sink(site)
    Load(site, limit=50).run()
    site.until(lambda: site.sums()["delivered"] == 50, 20, "delivered")
    site.stop_bridge()
    old = hot(site).read_bytes()
    site.start_bridge()
    Load(site, limit=50, prefix="n").run()
    site.until(lambda: site.sums()["delivered"] == 100, 20, "delivered")
    before = site.sums()
    site.stop_bridge()
    hot(site).write_bytes(old)
    site.start_bridge()
    assert "rebuilt=0" in site.bridge.last_words(200)
    assert site.sums() == before
    assert sink.duplicates() == 0
    assert site.ask("verify")["good"]
