"""What operators can do, and what they are told when they ask wrongly."""
import json
import shutil

import pytest
from harness import Load, access_record, china


@pytest.fixture
def busy(site):
    """A platform that refuses bad-*, is busy for park-* and takes the rest."""
    sink = site.sink()

    def rule(ident, attempt):
        if ident.startswith("bad") and attempt == 1:
            return 422, '{"message": "no such order"}'
        return 503 if ident.startswith("park") else 200

    sink.rule = rule
    site.settings(site.generic("mes", sink.url, uplink={
        "resend_after_s": [1, 2, 3]}), site.generic("idle", sink.url))
    site.start_bridge()
    return sink


def hand_in(site, *idents):
    speaker = site.speaker("plant")
    for ident in idents:
        speaker.say("line/1/result", {"id": ident})


def settled(site, **wanted):
    return site.until(lambda: (lambda sums: all(
        sums[state] == count for state, count in wanted.items()) and sums)(
            site.sums("mes")), 20, f"{wanted}", every=0.2)


# ---- asked wrongly

WRONG = [
    ("{", "not a JSON object"),
    ("[1]", "not a JSON object"),
    ('{"verb": "stats", "verb": "list"}', "not a JSON object"),
    ('{"id": "1"}', "there is no verb"),
    ('{"verb": 5}', "there is no verb"),
    ('{"verb": "sing"}', 'no verb "sing"; allowed: stats list'),
    ('{"verb": "stats", "day": 1}', '"day" is no argument of stats'),
    ('{"verb": "list", "state": "lost"}', "waiting parked held"),
    ('{"verb": "list", "from": "yesterday"}', "is not a time"),
    ('{"verb": "list", "limit": 0}', "1 to 1000"),
    ('{"verb": "list", "destination": 5}', "must be a text"),
    ('{"verb": "show"}', "an entry's number"),
    ('{"verb": "show", "entry": -1}', "an entry's number"),
    ('{"verb": "show", "entry": 999999}', "no such thing"),
    ('{"verb": "report", "day": "2026-13-40"}', "must be a day"),
    ('{"verb": "discard", "ids": [1]}', 'needs a "reason"'),
    ('{"verb": "retry", "ids": "all"}', "must be a list"),
    ('{"verb": "retry", "ids": [0]}', "entries' numbers"),
    ('{"verb": "retry"}', "say which"),
    ('{"verb": "retry", "ids": [1, 2], "token": "0"}', "token is not"),
    ('{"verb": "complete", "entry": 1, "fields": []}', "must be an object"),
    ('{"verb": "pause", "destination": "moon"}', "no enabled destination"),
    ('{"verb": "import"}', "CSV text"),
    ('{"verb": "import", "ledger": "name,price\\n"}', ""),
]


def test_wrong_requests_are_answered_with_what_is_allowed(site, busy):
    operator = site.operator("op")
    topic = f"{site.top}/admin/op/request"
    for text, words in WRONG:
        operator.client.publish(topic, text, qos=1)
        reply = operator.replies.get(timeout=10)
        assert reply["ok"] is False and words in reply["error"], (text, reply)
    operator.client.publish(topic, b"\xff\xfe\x00", qos=1)
    assert operator.replies.get(timeout=10)["ok"] is False
    operator.client.publish(topic, b"", qos=1)
    assert operator.replies.get(timeout=10)["ok"] is False
    assert site.ask("stats")["ok"]


def test_flood_of_requests_is_answered_busy_not_dropped(site, busy):
    operator = site.operator("op")
    for number in range(300):
        operator.client.publish(f"{site.top}/admin/op/request", json.dumps(
            {"id": str(number), "verb": "verify"}), qos=1)
    told = [operator.replies.get(timeout=20) for _ in range(300)]
    assert all(reply["ok"] or "busy" in reply["error"] for reply in told)


# ---- changes

def test_many_changes_need_their_token(site, busy):
    hand_in(site, "park1", "park2", "park3", "a")
    settled(site, parked=3, delivered=1)
    asked = site.ask("retry", destination="mes", state="parked")
    assert asked["count"] == 3 and asked["token"]
    assert site.sums("mes")["parked"] == 3, "asking changes nothing"
    other = site.ask("hold", destination="mes", state="parked",
                     token=asked["token"])
    assert not other["ok"] and "token" in other["error"]
    busy.rule = None
    done = site.ask("retry", destination="mes", state="parked",
                    token=asked["token"])
    assert done["changed"] == 3 and done["skipped"] == 0
    settled(site, delivered=4)
    again = site.ask("retry", destination="mes", state="parked",
                     token=asked["token"])
    assert not again["ok"], "a token is good for once"


def test_token_of_another_operator_is_refused(site, busy):
    hand_in(site, "park1", "park2")
    settled(site, parked=2)
    token = site.ask("retry", destination="mes", state="parked")["token"]
    other = site.operator("op2")
    reply = other.ask("retry", destination="mes", state="parked", token=token)
    assert not reply["ok"] and "token" in reply["error"]


def test_life_of_a_record_in_an_operators_hands(site, busy):
    """retry, hold, release, replay and discard, each on the record."""
    hand_in(site, "bad1", "a")
    settled(site, rejected=1, delivered=1)
    bad = site.deliveries(state="rejected")[0]
    assert "no such order" in bad["reason"]
    site.ctl("retry", bad["entry"])
    settled(site, delivered=2)
    assert busy.attempts["bad1"] == 2
    done = site.ctl("replay", bad["entry"])
    assert "changed" in done.stdout
    site.until(lambda: busy.attempts["bad1"] == 3, 10, "the replay")
    assert not busy.changed, "the same bytes again"
    site.ctl("pause", "mes", "--reason", "an audit")
    hand_in(site, "b")
    row = site.until(lambda: site.deliveries(state="waiting"), 10, "b")[0]
    site.ctl("hold", row["entry"], "--reason", "wait for the scale")
    held = site.deliveries(state="held")[0]
    assert held["reason"] == "wait for the scale"
    site.ctl("resume", "mes")
    site.ctl("release", row["entry"])
    settled(site, delivered=3, held=0)
    hand_in(site, "park9")
    settled(site, parked=1)
    gone = site.deliveries(state="parked")[0]
    refused = site.ctl("discard", gone["entry"], code=1)
    assert "reason" in refused.stderr
    site.ctl("discard", gone["entry"], "--reason", "sent by hand")
    settled(site, parked=0, discarded=1)
    late = site.ctl("retry", gone["entry"], code=1)
    assert "does not allow" in late.stderr
    history = site.ctl_json("show", row["entry"])["history"]
    assert [(one["verb"], one["actor"]) for one in history] == [
        ("hold", "op"), ("release", "op"), ("deliver", "")]
    site.check_books()
    assert site.ctl_json("verify")["good"]


def test_command_line_asks_before_it_changes_many(site, busy):
    hand_in(site, "park1", "park2")
    settled(site, parked=2)
    busy.rule = None
    words = ("retry", "--destination", "mes", "--state", "parked")
    no = site.ctl(*words, text="n\n", code=1)
    assert "2 entries" in no.stderr and "nothing was changed" in no.stderr
    assert site.sums("mes")["parked"] == 2
    site.ctl(*words, text="y\n")
    settled(site, delivered=2)
    site.ctl("replay", "--yes", "--destination", "mes", "--state", "delivered")
    site.until(lambda: busy.attempts["park1"] == 6, 10, "both once more")


def test_pause_outlives_a_restart(site, busy):
    site.ctl("pause", "mes", "--reason", "new certificate")
    hand_in(site, "a")
    site.until(lambda: site.sums("mes")["waiting"] == 1, 10, "it waits")
    site.stop_bridge()
    site.start_bridge()
    site.until(lambda: site.destination("mes")["condition"] == "paused", 10,
               "still paused")
    assert "new certificate" in site.destination("mes")["reason"]
    assert site.destination("idle")["condition"] == "up"
    assert not busy.attempts
    site.ctl("resume", "mes")
    settled(site, delivered=1)
    site.stop_bridge()
    site.start_bridge()
    site.until(lambda: site.destination("mes")["condition"] == "up", 10, "up")


# ---- looking

def test_every_look_of_the_command_line(site, busy):
    hand_in(site, "a", "b", "bad1")
    settled(site, delivered=2, rejected=1)
    stats = site.ctl("stats").stdout
    assert "mes" in stats and "quota_bytes" in stats
    assert site.ctl_json("stats")["uplinks"][0]["accepted"] == 2
    rows = site.ctl_json("list", "--destination", "mes")
    assert [row["state"] for row in rows] == ["delivered", "delivered",
                                              "rejected"]
    assert len(site.ctl_json("list", "--limit", "2")) == 2
    assert len(site.ctl_json("list", "--limit", "2", "--all")) == 3
    table = site.ctl("export", "--state", "rejected").stdout
    assert table.count("\n") == 2 and "no such order" in table
    shown = site.ctl("show", rows[2]["entry"]).stdout
    assert "reject" in shown and "no such order" in shown
    day = china()[:10]
    report = site.ctl_json("report", day)
    event = report["events"][0]
    assert event["received"] == 3 and event["used"] == 3
    row = next(one for one in report["deliveries"]
               if one["destination"] == "mes")
    assert row["made"] == 3 and row["delivered"] == 2 and row["rejected"] == 1
    assert site.ctl_json("report", "2026-01-01")["events"] == []
    assert "mes" in site.ctl("report", day, "--csv").stdout
    assert site.ctl_json("verify")["good"]
    assert "connect" in site.ctl("test", "mes").stdout
    busy.down()
    failed = site.ctl("test", "mes", code=1)
    assert failed.stdout, "it says which step"


def test_test_of_a_destination_touches_no_record(site):
    platform = site.start_standin("yunnan")
    site.settings(site.yunnan("gate", platform))
    site.start_bridge()
    site.until(lambda: site.destination("gate")["condition"] == "up", 15, "up")
    steps = site.ctl("test", "gate").stdout
    for step in ("connect", "session", "heartbeat"):
        assert step in steps, steps
    assert "token" not in steps.lower() or "getToken" in steps
    interfaces = platform.stats()["interfaces"]
    assert set(interfaces) == {"init-auth", "getToken", "heartBeat"}
    assert interfaces["init-auth"]["requests"] == 1


def test_usage_errors_end_with_2(site):
    assert site.ctl("sing", code=2).stderr
    assert site.ctl(code=2).stderr
    assert site.ctl("show", "x", code=2).stderr
    assert site.ctl("complete", "5", "vin", code=2).stderr
    assert "sampanctl" in site.ctl("--version").stdout


def test_dump_of_a_stopped_store_has_everything(site, busy):
    hand_in(site, "a", "bad1")
    settled(site, delivered=1, rejected=1)
    assert "stop the bridge" in site.ctl("dump", site.folder / "store",
                                         code=1).stderr
    site.stop_bridge()
    lines = [json.loads(line) for line in
             site.ctl("dump", site.folder / "store").stdout.splitlines()]
    states = [line["state"] for line in lines if line["record"] == "delivery"]
    events = [line["event_id"] for line in lines if line["record"] == "event"]
    assert sorted(states) == ["delivered", "rejected"]
    assert sorted(events) == ["a", "bad1"]
    site.start_bridge()
    assert site.ctl_json("verify")["good"], "the dump changed nothing"


# ---- a new box

def test_backup_on_a_new_box_goes_on_ahead(site):
    """Keys and credentials come back, and no record number comes twice."""
    platform = site.start_standin("yunnan")
    site.source("erp", "gate")
    site.reload_accounts()
    site.settings(site.yunnan("gate", platform))
    site.start_bridge()
    speaker = site.speaker("erp")

    def hand_in_access(number):
        speaker.say(f"{site.top}/up/gate/vehicleAccess", {
            "event_id": f"a{number}", "time": china(),
            "record": access_record(number)})

    for number in (1, 2, 3):
        hand_in_access(number)
    site.until(lambda: site.sums("gate")["delivered"] == 3, 20, "three")
    file = site.ctl_json("backup")["file"]
    kept = site.folder / "backup.json"
    shutil.copy(file, kept)
    assert (kept.stat().st_mode & 0o077) == 0
    site.stop_bridge()
    shutil.rmtree(site.folder / "store")
    shutil.rmtree(site.folder / "state")
    (site.folder / "state").mkdir(mode=0o700)
    site.ctl("restore", kept, site.folder / "state")
    twice = site.ctl("restore", kept, site.folder / "state", code=1)
    assert "--force" in twice.stderr
    site.ctl("restore", kept, site.folder / "state", "--force")
    site.start_bridge()
    hand_in_access(4)
    site.until(lambda: site.sums("gate")["delivered"] == 1, 20, "the fourth")
    interfaces = platform.stats()["interfaces"]
    assert interfaces["init-auth"]["requests"] == 1, "not registered again"
    numbers = [int(one["number"][-5:]) for one in
               platform.control("records?interface=vehicleAccess")]
    assert numbers[:3] == [1, 2, 3] and numbers[3] > 1000, numbers


def test_what_an_operator_does_is_put_on_record(site, busy):
    site.ctl("pause", "mes", "--reason", "调试")
    site.ctl("resume", "mes")
    entries = json.loads(site.ctl("--json", "audit").stdout)["entries"]
    assert [(entry["user"], entry["verb"]) for entry in entries] == [
        ("op", "pause"), ("op", "resume")]
    assert entries[0]["reason"] == "调试" and entries[0]["at"]
