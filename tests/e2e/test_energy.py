"""From the meter to Liaoning's platform."""
import datetime
import json

import pytest
from harness import CHINA
from plant import ENTERPRISE, ENERGY_ENTERPRISE

SECONDS_TO_UPLOAD = 6
STEP = datetime.timedelta(minutes=15)
FORM = "%Y-%m-%d %H:%M:%S"


def mark_before(moment):
    return moment.replace(minute=moment.minute // 15 * 15, second=0,
                          microsecond=0)


@pytest.fixture
def meter(site):
    """Liaoning's stand-in, whose upload time is seconds away, and a meter."""
    platform = site.start_standin(
        "liaoning", upload_in_seconds=SECONDS_TO_UPLOAD)
    site.accounts("add", "device", "meter-1", "meter")
    site.reload_accounts()
    (site.folder / "enterprise.json").write_text(json.dumps(ENTERPRISE))
    site.settings({
        "name": "energy", "platform": "liaoning", "base_url": platform.url,
        "uplink": {"resend_after_s": [1, 2, 3]},
        "energy": {"enterprise_code": ENERGY_ENTERPRISE,
                   "enterprise_name": "示例钢铁有限责任公司",
                   "region": "210102", "region_name": "和平区",
                   "plain_http": True, "enterprise_file": "enterprise.json",
                   "items": [{"name": "electricity", "energy_class": "02",
                              "energy_type": "3300", "usage": "11",
                              "meter": "meter-1", "register": "import_kwh",
                              "factor": 0.12}]}})
    return platform


def read_out(site, first, count):
    """Readings at marks, 10 kWh an interval."""
    speaker = site.speaker("meter-1")
    for number in range(count):
        moment = first + number * STEP
        speaker.say(f"{site.top}/meter/meter-1/reading", {
            "event_id": moment.isoformat(), "time": moment.isoformat(),
            "registers": {"import_kwh": {"value": 1000 + 10.0 * number,
                                         "unit": "kWh"}}})


def items_of(platform):
    return [item for one in platform.control(
        "records?interface=uploadEnergyData") for item in one["record"]["data"]]


def test_marks_are_reported_at_the_upload_time(site, meter):
    site.start_bridge()
    first = mark_before(datetime.datetime.now(CHINA)) - 8 * STEP
    read_out(site, first, 9)
    site.until(lambda: site.sums("energy")["delivered"] >= 1, 30, "the batch")
    real = [item for item in items_of(meter) if item["statType"] == 0]
    values = {item["statDate"]: float(item["dataValue"]) for item in real}
    for number in range(1, 9):
        mark = (first + number * STEP).strftime(FORM)
        assert values.get(mark) == pytest.approx(1.2), (mark, values)
    stats = meter.stats()
    assert stats["totals"]["invalid"] == 0, stats["examples"]
    interfaces = stats["interfaces"]
    assert interfaces["register"]["requests"] == 1
    assert interfaces["uploadConfigData"]["accepted"] == 1
    site.check_books()


def test_yesterday_is_reported_with_its_day(site, meter):
    site.start_bridge()
    now = datetime.datetime.now(CHINA)
    first = now.replace(hour=0, minute=0, second=0, microsecond=0) \
        - datetime.timedelta(days=1)
    count = int((mark_before(now) - first) / STEP) + 1
    read_out(site, first, count)
    site.until(lambda: site.sums("energy")["delivered"] >= 1, 30, "the batch")
    days = [item for item in items_of(meter) if item["statType"] == 1]
    assert [item["statDate"] for item in days] == [first.strftime(FORM)]
    assert float(days[0]["dataValue"]) == pytest.approx(96 * 1.2)
    assert meter.stats()["totals"]["invalid"] == 0


def test_batch_that_is_not_taken_keeps_its_facts(site, meter):
    """Refused for a while, it comes with the same items."""
    meter.fault("http_status", interface="uploadEnergyData", first_attempts=2)
    site.start_bridge()
    read_out(site, mark_before(datetime.datetime.now(CHINA)) - 4 * STEP, 5)
    site.until(lambda: site.sums("energy")["delivered"] >= 1, 40, "the batch")
    account = meter.stats()["interfaces"]["uploadEnergyData"]
    assert account["attempts"] == {"3": 1} and account["invalid"] == 0


def test_killed_before_the_upload_time_reports_everything(site, meter):
    site.start_bridge()
    first = mark_before(datetime.datetime.now(CHINA)) - 4 * STEP
    read_out(site, first, 5)
    site.until(lambda: any(row["used"] == 5 for row in
                           site.ask("stats")["events"]), 10, "five readings")
    site.kill_bridge()
    site.start_bridge()
    site.until(lambda: site.sums("energy")["delivered"] >= 1, 30, "the batch")
    marks = [item["statDate"] for item in items_of(meter)
             if item["statType"] == 0]
    assert sorted(marks) == sorted(set(marks)) and len(marks) >= 4
    assert meter.stats()["interfaces"]["register"]["requests"] == 1
