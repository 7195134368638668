"""Promise 1: what was acknowledged is durable, whenever the bridge dies."""
import random
import time

import pytest
from harness import Keeper, Load, access_record

COMMIT_S = 2.0  # an answer older than this has been committed, on any disk
CONCURRENCY = 8


def destination(site, sink):
    return site.generic("mes", sink.url, uplink={
        "concurrency": CONCURRENCY, "resend_after_s": [1, 2, 3]})


def check_duplicates(sink, kills):
    """Delivered again: only what was in flight, or answered and not yet
    committed, when the bridge was killed."""
    per_kill = dict.fromkeys(kills, 0)
    for ident, times in sink.accepted.items():
        for first, again in zip(times, times[1:]):
            between = [kill for kill in kills if first - 0.1 <= kill <= again]
            assert between, f"{ident} was sent twice without a kill"
            kill = between[0]
            assert kill - first < COMMIT_S, \
                f"{ident}: answered {kill - first:.1f} s before the kill"
            per_kill[kill] += 1
    for kill, count in per_kill.items():
        recent = sum(kill - COMMIT_S < times[0] <= kill + 0.1
                     for times in sink.accepted.values())
        assert count <= recent + CONCURRENCY
    return sum(per_kill.values())


def kill_under_load(site, sink, rounds, rate=1200, start=None, patience=60):
    """Kill and start again; the ids that were acknowledged and never came."""
    start = start or (lambda: site.start_bridge(ready=False))
    load = Load(site, rate=rate)
    load.start()
    kills = []
    site.until(lambda: len(sink.accepted) > 100, 30, "the first records")
    for _ in range(rounds):
        time.sleep(random.uniform(0.05, 1.2))  # at any moment
        kills.append(time.monotonic())
        site.kill_bridge()
        seen = len(sink.accepted)
        start()
        site.until(lambda: len(sink.accepted) > seen, 30,
                   "records after the start")
    load.finish()
    site.until(lambda: load.acked <= sink.accepted.keys(), patience,
               "every acknowledged record at the platform")
    return load, kills


def kill_rounds(site, rounds):
    sink = site.sink()
    site.settings(destination(site, sink))
    site.start_bridge()
    load, kills = kill_under_load(site, sink, rounds)
    twice = check_duplicates(sink, kills)
    print(f"{len(load.acked)} acknowledged, 0 lost, {twice} delivered twice in "
          f"{len(kills)} kills")
    assert not sink.changed
    site.until(lambda: site.sums()["waiting"] == 0, 30, "an empty queue")
    books = site.check_books()
    stored = sum(row["received"] - row["repeats"] for row in books["events"])
    assert stored >= len(load.acked)
    assert site.ask("verify", 60)["good"]


def test_bridge_killed_under_load_loses_nothing(site):
    kill_rounds(site, 10)


@pytest.mark.long
def test_bridge_killed_two_hundred_times_loses_nothing(site):
    kill_rounds(site, 200)


def test_killed_bridge_sends_no_record_with_other_facts(site):
    """Device records with receipts, sealed and signed, on Yunnan's stand-in:
    a number that was sent before never carries other facts."""
    platform = site.start_standin("yunnan")
    site.source("erp", "gate-yn")
    site.reload_accounts()
    site.settings(site.yunnan("gate-yn", platform,
                              uplink={"resend_after_s": [1, 2, 3]}))
    site.start_bridge()
    keeper = Keeper(site, "erp", "gate-yn", access_record, "vehicleAccess",
                    rate=60)
    keeper.start()

    def account():
        return platform.stats()["interfaces"].get("vehicleAccess", {
            "accepted": 0, "duplicates": 0, "invalid": 0})

    site.until(lambda: account()["accepted"] > 20, 40, "the first records")
    for _ in range(5):
        time.sleep(random.uniform(0.05, 1.0))
        site.kill_bridge()
        seen = account()["accepted"]
        site.start_bridge(ready=False)
        site.until(lambda: account()["accepted"] > seen, 30,
                   "records after the start")
    keeper.finish()
    assert not keeper.rejected
    site.until(lambda: account()["accepted"] >= keeper.made, 60,
               "every record at the platform")
    found = account()
    assert found["accepted"] == keeper.made, "one number a record"
    assert found["invalid"] == 0, found["reasons"]
    assert platform.stats()["interfaces"]["init-auth"]["requests"] == 1
    site.check_books()
