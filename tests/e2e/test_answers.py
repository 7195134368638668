"""What platforms answer, and what becomes of the record."""
import json

import pytest
from harness import access_record, china


@pytest.fixture
def gate(site):
    """Yunnan's stand-in, and a function that hands in passages."""
    platform = site.start_standin("yunnan")
    site.source("erp", "gate")
    site.reload_accounts()
    site.settings(site.yunnan("gate", platform, uplink={
        "resend_after_s": [1, 2, 3], "answer_timeout_s": 2, "concurrency": 4}))
    site.start_bridge()
    speaker = site.speaker("erp")

    def hand_in(*numbers, **other):
        for number in numbers:
            speaker.say(f"{site.top}/up/gate/vehicleAccess", {
                "event_id": f"a{number}", "time": china(),
                "record": access_record(number, **other)})

    site.until(lambda: site.destination("gate")["condition"] == "up", 15,
               "the session")
    return platform, hand_in


def account(platform, interface="vehicleAccess"):
    return platform.stats()["interfaces"].get(interface, {
        "accepted": 0, "attempts": {}, "requests": 0})


def delivered(site, count, seconds=20):
    site.until(lambda: site.sums("gate")["delivered"] == count, seconds,
               f"{count} delivered")


@pytest.mark.parametrize("fault", ["timeout", "reset", "lost_answer", "half"])
def test_attempt_without_an_answer_is_sent_again(site, gate, fault):
    """Same number and facts again: the stand-in counts changed ones invalid."""
    platform, hand_in = gate
    platform.fault(fault, interface="vehicleAccess", first_attempts=1)
    hand_in(1, 2, 3)
    delivered(site, 3)
    found = account(platform)
    assert found["attempts"] == {"2": 3}
    assert found["invalid"] == 0 and found["accepted"] == 3
    assert {row["attempts"] for row in site.deliveries()} == {2}


def test_slow_answer_within_its_time_is_one_attempt(site, gate):
    platform, hand_in = gate
    platform.fault("slow", interface="vehicleAccess", delay_ms=1200)
    hand_in(1, 2)
    delivered(site, 2)
    assert account(platform)["attempts"] == {"1": 2}


def test_answer_that_is_no_json_parks_and_is_shown(site, gate):
    platform, hand_in = gate
    platform.fault("malformed_json", interface="vehicleAccess", count=1)
    hand_in(1)
    row = site.until(lambda: site.deliveries(state="parked"), 15, "parked")[0]
    assert row["attempts"] == 1
    assert row["reason"]
    hand_in(2)  # others go on, and their success offers it again
    delivered(site, 2)


def test_wrong_signature_pauses_the_destination_and_costs_nothing(site, gate):
    platform, hand_in = gate
    platform.fault("bad_signature", interface="vehicleAccess")
    hand_in(1, 2, 3)
    site.until(lambda: site.destination("gate")["condition"] == "fault", 15,
               "the pause")
    assert "验签失败" in site.destination("gate")["reason"]
    assert any("验签失败" in words for words in site.state()["troubles"])
    asked = account(platform)["requests"]
    hand_in(4)
    site.until(lambda: site.sums("gate")["waiting"] == 4, 10, "the fourth")
    assert account(platform)["requests"] == asked, "nothing is sent"
    platform.control("reset", {})
    site.ctl("resume", "gate")
    delivered(site, 4)
    assert {row["attempts"] for row in site.deliveries()} == {1}
    site.until(lambda: site.destination("gate")["condition"] == "up", 5, "up")


def test_expired_token_is_renewed_once_and_costs_nothing(site, gate):
    platform, hand_in = gate
    hand_in(1)
    delivered(site, 1)
    tokens = account(platform, "getToken")["requests"]
    platform.control("expire_tokens", {})
    hand_in(*range(2, 12))
    delivered(site, 11)
    assert account(platform, "getToken")["requests"] == tokens + 1
    assert {row["attempts"] for row in site.deliveries()} == {1}


def test_business_error_is_rejected_with_the_platforms_words(site, gate):
    platform, hand_in = gate
    platform.fault("business_error", interface="vehicleAccess", count=1,
                   code=500, message="参数错误：车辆编号不合法")
    hand_in(1)
    row = site.until(lambda: site.deliveries(state="rejected"), 15,
                     "rejected")[0]
    assert "车辆编号不合法" in row["reason"] and row["attempts"] == 1
    hand_in(2)
    delivered(site, 1)
    shown = site.ctl_json("show", row["entry"])
    assert "车辆编号不合法" in json.dumps(shown["history"], ensure_ascii=False)
    site.ctl("retry", row["entry"])
    delivered(site, 2)
    site.check_books()


def test_busy_words_are_tried_again(site, gate):
    platform, hand_in = gate
    platform.fault("business_error", interface="vehicleAccess",
                   first_attempts=2)  # 系统繁忙，请稍后再试
    hand_in(1)
    delivered(site, 1)
    assert account(platform)["attempts"] == {"3": 1}


def test_number_the_platform_has_already_is_delivered(site, gate):
    platform, hand_in = gate
    platform.control("option", {"duplicates": "refuse"})
    platform.fault("lost_answer", interface="vehicleAccess", first_attempts=1)
    hand_in(1)
    delivered(site, 1)
    found = account(platform)
    assert found["accepted"] == 1 and found["duplicates"] == 1


def test_lost_registration_is_not_repeated_but_shown(site):
    """6.1 works once: without its answer an operator has to help."""
    platform = site.start_standin("yunnan")
    platform.fault("lost_answer", interface="init-auth")
    site.settings(site.yunnan("gate", platform))
    site.start_bridge()
    site.until(lambda: site.destination("gate")["condition"] == "fault", 15,
               "the pause")
    site.kill_bridge()
    site.start_bridge()
    site.until(lambda: site.destination("gate")["condition"] == "fault", 15,
               "the pause again")
    assert "registration" in site.destination("gate")["reason"]
    assert account(platform, "init-auth")["requests"] == 1


def test_refused_once_only_registration_connects_later(site):
    """No connection: it was never sent, so it is sent when there is one."""
    platform = site.start_standin("yunnan")
    platform.fault("down")
    site.settings(site.yunnan("gate", platform))
    site.start_bridge()
    site.until(lambda: site.destination("gate")["condition"] == "unreachable",
               15, "no connection")
    platform.control("up", {})
    site.until(lambda: site.destination("gate")["condition"] == "up", 40,
               "registered")
    assert account(platform, "init-auth")["accepted"] == 1


def test_heartbeat_goes_on_while_records_are_stuck(site):
    """Promise 5: heartbeats never wait."""
    platform = site.start_standin("yunnan")
    site.source("erp", "gate")
    site.reload_accounts()
    site.settings(site.yunnan("gate", platform, heartbeat_s=60, uplink={
        "answer_timeout_s": 30, "concurrency": 1}))
    platform.fault("timeout", interface="vehicleAccess")
    site.start_bridge()
    site.speaker("erp").say(f"{site.top}/up/gate/vehicleAccess", {
        "event_id": "a", "time": china(), "record": access_record(1)})
    site.until(lambda: account(platform, "heartBeat").get("unnumbered"), 15,
               "a heartbeat")
    site.until(lambda: site.destination("gate")["in_flight"] == 1, 10,
               "the stuck record")
    beats = account(platform, "heartBeat")["unnumbered"]
    assert beats >= 1
