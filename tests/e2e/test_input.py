"""Whatever arrives is hostile: told to its sender, counted, and no harm."""
import base64
import json
import time

import pytest
from harness import access_record, china, jpeg, picture

CAPTURE = {"event_id": "e", "time": "2026-11-20T08:30:45+08:00",
           "plate": "云A12345", "color": "yellow"}


def capture(ident, **other):
    return json.dumps({**CAPTURE, "event_id": ident, **other},
                      ensure_ascii=False).encode()


def with_jpeg(ident, text):
    return capture(ident, pictures=[{"kind": "head", "jpeg": text}])


# name -> (payload, words of the reason, does the receipt know its id?)
BAD = {
    "not JSON": (b"{event_id: 1", "not JSON", False),
    "empty": (b"", "empty", False),
    "an array": (b"[1, 2]", "not a JSON object", False),
    "wrong type": (capture("wrong-type", plate=5), "plate", True),
    "no time": (json.dumps({"event_id": "no-time"}).encode(),
                "time: is absent", True),
    "time without a zone": (capture("zone", time="2026-11-20T08:30:45"),
                            "zone", True),
    "unknown colour": (capture("pink", color="pink"), "pink", True),
    "picture over 1 MB": (with_jpeg("large", base64.b64encode(
        jpeg(1_100_000)).decode()), "allowed are", True),
    "truncated base64": (with_jpeg("cut", base64.b64encode(
        jpeg(1000)).decode()[:-3]), "cut short", True),
    "not base64": (with_jpeg("text", "/9j/ this is not Base64 ****"),
                   "not Base64", True),
    "no JPEG": (with_jpeg("png", base64.b64encode(
        b"\x89PNG\r\n\x1a\n" * 9).decode()), "not a JPEG", True),
    "key given twice": (b'{"event_id": "twice", "event_id": "twice"}',
                        "duplicate", False),
    "invalid UTF-8": (b'{"event_id": "utf", "plate": "\xc3\x28"}', "", False),
    "deep nesting": (b'{"event_id": "deep", "x": ' + b"[" * 50000
                     + b"]" * 50000 + b"}", "", False),
    "a reserved name": (json.dumps({**CAPTURE, "event_id": "own", "pictures":
                        [{"kind": "head", "jpeg": {"$large": 0}}]}).encode(),
                        "$large", None),
    "a NUL": (b'{"event_id": "nul\\u0000", "time": "x"}', "", None),
    "a huge number": (capture("huge", revision=10 ** 30), "", None),
}


def test_every_bad_message_is_told_counted_and_survived(site):
    sink = site.sink()
    site.accounts("add", "device", "camera-1", "camera")
    site.reload_accounts()
    site.settings(site.generic("mes", sink.url))
    site.start_bridge()
    receipts = site.receipts("camera-1", "camera", "camera-1")
    topic = f"{site.top}/camera/camera-1/capture"
    for payload, _, _ in BAD.values():
        receipts.say(topic, payload)
    receipts.say(topic, capture("good", pictures=[picture("head")]))
    site.until(lambda: "good" in receipts.stored, 10, "the good one's receipt")
    site.until(lambda: len(receipts.rejected) >= sum(
        known is True for _, _, known in BAD.values()), 10, "the receipts")
    for name, (payload, words, known) in BAD.items():
        if known:
            ident = json.loads(payload)["event_id"]
            assert words in receipts.rejected[ident], (name, receipts.rejected)
    row = next(row for row in site.check_books()["events"]
               if row["kind"] == "camera/capture")
    assert row["received"] == len(BAD) + 1
    assert row["invalid"] == len(BAD)
    reasons = site.bridge.last_words(1000)
    for name, (payload, words, _) in BAD.items():
        assert words in reasons, name
    assert site.ask("verify")["good"]


def test_bad_messages_do_not_slow_the_good_ones(site):
    """As many bad ones as good ones: everything is through in time."""
    sink = site.sink()
    site.settings(site.generic("mes", sink.url))
    site.start_bridge()
    speaker = site.speaker("plant")
    began = time.monotonic()
    last = None
    for number in range(1500):
        speaker.say("line/1/result", b'{"id": "%d", ' % number, wait=False)
        last = speaker.say("line/1/result", {"id": f"g{number}"}, wait=False)
    last.wait_for_publish(30)
    site.until(lambda: len(sink.accepted) == 1500, 30, "the good ones")
    assert time.monotonic() - began < 20
    row = site.check_books()["events"][0]
    assert row["invalid"] == 1500 and row["used"] == 1500


def test_another_edition_after_a_refused_one_is_taken(site):
    """A sender that corrects its mistake keeps its event id."""
    sink = site.sink()
    site.accounts("add", "device", "camera-1", "camera")
    site.reload_accounts()
    site.settings(site.generic("mes", sink.url))
    site.start_bridge()
    receipts = site.receipts("camera-1", "camera", "camera-1")
    topic = f"{site.top}/camera/camera-1/capture"
    receipts.say(topic, capture("one", color="pink"))
    site.until(lambda: "one" in receipts.rejected, 10, "the refusal")
    receipts.say(topic, capture("one"))
    site.until(lambda: "one" in receipts.stored, 10, "the receipt")
    receipts.say(topic, capture("one"))  # repeats are answered again
    site.until(lambda: receipts.stored.get("one") == 2, 10, "the second one")


def test_a_topic_of_another_site_is_no_event_of_ours(site):
    """Routed from another site's topics, it is kept as it came; of our own
    class and without a route it is not even subscribed."""
    sink = site.sink()
    site.accounts("add", "sender", "other", "sampan2/v1/#")
    site.reload_accounts()
    site.settings(site.generic("mes", sink.url), routes=[
        {"filter": "sampan2/v1/+/camera/+/capture", "destination": "mes",
         "event_id": "/id"}])
    site.start_bridge()
    site.speaker("other").say("sampan2/v1/plant-2/camera/c/capture",
                              {"id": "x"})
    site.until(lambda: "x" in sink.accepted, 10, "the routed record")
    kinds = {row["kind"] for row in site.check_books()["events"]}
    assert kinds == {"route"}


def test_an_unknown_interface_is_refused_with_what_is_allowed(site):
    sink = site.sink()
    platform = site.start_standin("yunnan")
    site.source("erp", "gate", "nowhere")
    site.reload_accounts()
    site.settings(site.generic("mes", sink.url), site.yunnan("gate", platform))
    site.start_bridge()
    gate = site.receipts("erp", "up", "gate")
    nowhere = site.receipts("erp", "up", "nowhere")
    body = {"event_id": "u", "time": china(), "record": {}}
    gate.say(f"{site.top}/up/gate/heatBeat", body)
    gate.say(f"{site.top}/up/nowhere/vehicleAccess", body)
    site.until(lambda: gate.rejected and nowhere.rejected, 10, "the receipts")
    assert "vehicleAccess" in gate.rejected["u"]
    assert "nowhere" in nowhere.rejected["u"]


def test_the_broker_refuses_what_is_over_its_limit(site):
    sink = site.sink()
    site.settings(site.generic("mes", sink.url))
    site.start_bridge()
    speaker = site.speaker("plant")
    speaker.say("line/1/result", b"x" * (9 << 20), wait=False)
    site.until(lambda: "malformed" in site.broker.last_words(50).lower()
               or "too large" in site.broker.last_words(50).lower()
               or "oversize" in site.broker.last_words(50).lower()
               or "disconnected" in site.broker.last_words(50).lower(),
               15, "the broker's refusal")
    site.ask("stats")


def test_what_is_over_the_payload_limit_is_an_invalid_event(site):
    sink = site.sink()
    site.settings(site.generic("mes", sink.url), payload_limit_kb=64,
                  picture_limit_kb=32)
    site.start_bridge()
    speaker = site.speaker("plant")
    speaker.say("line/1/result", {"id": "big", "fill": "x" * 70000})
    speaker.say("line/1/result", {"id": "small"})
    site.until(lambda: "small" in sink.accepted, 10, "the small one")
    row = site.check_books()["events"][0]
    assert row["invalid"] == 1 and row["used"] == 1
    assert "big" not in sink.attempts


@pytest.mark.parametrize("absent", ["vin", "carImg"])
def test_a_record_without_a_fact_is_held_until_completed(site, absent):
    platform = site.start_standin("yunnan")
    site.source("erp", "gate")
    site.reload_accounts()
    site.settings(site.yunnan("gate", platform))
    site.start_bridge()
    receipts = site.receipts("erp", "up", "gate")
    record = access_record(1)
    value = record.pop(absent)
    receipts.say(f"{site.top}/up/gate/vehicleAccess",
                 {"event_id": "a", "time": china(), "record": record})
    site.until(lambda: "a" in receipts.stored, 10, "the receipt")
    row = site.until(lambda: site.deliveries(state="held"), 10, "it is held")[0]
    assert absent in row["reason"]
    number = row["number"]
    wrong = site.ctl("complete", row["entry"], f"{absent}=", code=1)
    assert absent in wrong.stderr
    site.ctl("complete", row["entry"], f"{absent}={value}")
    site.until(lambda: site.deliveries(state="delivered"), 15, "it arrives")
    shown = site.ctl_json("show", row["entry"])
    assert shown["number"] == number, "its number stays"
    assert [one["verb"] for one in shown["history"]][-2:] == \
        ["complete", "deliver"]
    assert shown["history"][-2]["actor"] == "op"
    account = platform.stats()["interfaces"]["vehicleAccess"]
    assert account["accepted"] == 1 and account["invalid"] == 0
