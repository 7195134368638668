"""The Liaoning stand-in takes what the text allows and nothing else."""

import datetime

import pytest

from standin_client import CREDIT_CODE, LiaoningClient

DONE = {"responseCode": "0", "responseMessage": "RECEIVE SUCCESS"}
VALUE = """dataCode dataValue inputType statType statDate uploadDate scope
    valid""".split()
ITEM = """processCode processUnitCode equipmentCode equipmentUnitCode
    energyClassCode energyTypeCode dataUsageCode inputType""".split()
ENTERPRISE = """code name typeCode industryCode regionCode center
    corporationCode jgzh energyConsumeLevel latitude longitude phone""".split()


@pytest.fixture
def configured(liaoning):
    assert liaoning.standin.post("/uploadConfigData",
                                 liaoning.config())[1] == DONE
    liaoning.standin.control("POST", "reset")
    return liaoning


def refused_for(client, answer, interface, field):
    assert answer["responseCode"] in ("E2001", "E2002"), answer
    stats = client.standin.stats(interface)
    assert stats["invalid"] == 1 and stats["accepted"] == 0
    assert any(field in reason for reason in stats["reasons"]), \
        stats["reasons"]


def test_registration_hands_out_addresses_without_a_scheme(liaoning):
    answer = liaoning.register()[1]
    here = f"127.0.0.1:{liaoning.standin.port}"
    assert len(answer["deviceId"]) == 32
    assert answer["centerDataURL"] == here + "/uploadEnergyData"
    assert answer["loadDicVersionURL"] == here + "/versionCheck"
    assert answer["uploadTime"] == "01:05:00"
    assert liaoning.register()[1]["deviceId"] == answer["deviceId"]


def test_addresses_name_the_host_it_was_called_by_when_listening_everywhere(
        start):
    client = LiaoningClient(start("liaoning", extra=["--host", "0.0.0.0"]))
    answer = client.register()[1]
    assert answer["loadDicVersionURL"] \
        == f"127.0.0.1:{client.standin.port}/versionCheck"


def test_upload_time_can_be_soon(start):
    client = LiaoningClient(start("liaoning", upload_in_seconds="90"))
    text = client.register()[1]["uploadTime"]
    zone = datetime.timezone(datetime.timedelta(hours=8))
    now = datetime.datetime.now(zone)
    then = datetime.datetime.combine(
        now.date(), datetime.time.fromisoformat(text), zone)
    assert 80 <= (then - now).total_seconds() % 86400 <= 91


@pytest.mark.parametrize("change", [
    {"enterpriseCode": "9121000123456789X"}, {"region": "210100"},
    {"enterpriseCode": CREDIT_CODE[:-1] + "G"}, {"region": 210102},
    {"regionName": ""}, {"extra": 1}])
def test_wrong_registration_is_invalid(liaoning, change):
    device = liaoning.device
    answer = liaoning.register(**change)[1]
    liaoning.device = device
    refused_for(liaoning, answer, "register", next(iter(change)))


def test_absent_is_e2001_and_misshapen_e2002(liaoning):
    assert liaoning.standin.post("/versionCheck", {})[1]["responseCode"] \
        == "E2001"
    answer = liaoning.standin.post("/versionCheck", {"deviceId": "x"})[1]
    assert answer["responseCode"] == "E2002"


def test_versions_are_told_and_change(liaoning):
    ask = {"deviceId": liaoning.device}
    assert liaoning.standin.post("/versionCheck", ask)[1] == {
        **DONE, "regVersion": "125", "dicVersion": "125"}
    liaoning.standin.control("POST", "option", {"reg_version": "126"})
    assert liaoning.standin.post("/versionCheck", ask)[1]["regVersion"] \
        == "126"


def test_unknown_device_is_refused(liaoning):
    answer = liaoning.standin.post("/versionCheck", {"deviceId": "0" * 32})[1]
    assert answer["responseCode"] == "E2002"
    assert liaoning.standin.stats("versionCheck")["refused"] == 1


@pytest.mark.parametrize("kind", ["all", None, "region", "energyType"])
def test_base_data_is_downloaded(liaoning, kind):
    ask = {"deviceId": liaoning.device, **({"type": kind} if kind else {})}
    data = liaoning.standin.post("/downloadBaseData", ask)[1]["data"]
    assert kind in ("all", None) or list(data) == [kind]
    assert data and all(data.values())


def test_base_data_of_an_unknown_type_is_invalid(liaoning):
    answer = liaoning.standin.post("/downloadBaseData", {
        "deviceId": liaoning.device, "type": "x"})[1]
    refused_for(liaoning, answer, "downloadBaseData", "type")


# --- configuration -----------------------------------------------------------------

@pytest.mark.parametrize("field", ITEM)
def test_config_item_without_a_field_is_invalid(liaoning, field):
    item = liaoning.item()
    del item[field]
    answer = liaoning.standin.post("/uploadConfigData",
                                   liaoning.config(item))[1]
    refused_for(liaoning, answer, "uploadConfigData", field + ": absent")


@pytest.mark.parametrize("field", ENTERPRISE)
def test_config_enterprise_without_a_field_is_invalid(liaoning, field):
    config = liaoning.config()
    del config["enterprise"][field]
    answer = liaoning.standin.post("/uploadConfigData", config)[1]
    refused_for(liaoning, answer, "uploadConfigData", field + ": absent")


@pytest.mark.parametrize("field,value", [
    ("processCode", "0"), ("energyClassCode", "13"), ("energyTypeCode", "330"),
    ("dataUsageCode", "13"), ("inputType", 4), ("inputType", "8"),
    ("statType", 0), ("scope", "1"), ("scope", 5), ("dataValueMax", "1"),
    ("extra", "")])
def test_wrong_config_item_is_invalid(liaoning, field, value):
    answer = liaoning.standin.post("/uploadConfigData", liaoning.config(
        liaoning.item(**{field: value})))[1]
    refused_for(liaoning, answer, "uploadConfigData", field)


def test_whole_sample_of_the_text_is_accepted(liaoning):
    config = liaoning.config(
        group={"name": "集团", "address": "", "remark": ""},
        process=[{"processCode": "06", "processName": "电炉工序",
                  "remark": ""}],
        processUnit=[{"code": "01", "name": "#1 电炉", "processCode": "06",
                      "commDate": "2010-10-10 00:00:00",
                      "designedCapacity": "年产钢水 50 万吨", "remark": ""}])
    config["enterprise"].update(
        fax="", email="a@b.cn", registerDate="1998-10-10 00:00:00",
        registerPrincipal=10000, energyPass=False, passDate="",
        fieldCode="100", fieldName="工业", remark="无")
    assert liaoning.standin.post("/uploadConfigData", config)[1] == DONE


# --- energy data ---------------------------------------------------------------------

@pytest.mark.parametrize("field", VALUE)
def test_value_without_a_field_is_invalid(configured, field):
    value = configured.value()
    del value[field]
    answer = configured.upload(value)[1]
    assert answer["responseCode"] == "E2001"
    refused_for(configured, answer, "uploadEnergyData", field + ": absent")


@pytest.mark.parametrize("field,value", [
    ("dataCode", "00-00-00-00-023300-11"), ("dataCode", "01-00-0000-023300-11"),
    ("dataValue", "123.45"), ("dataValue", None), ("inputType", "4"),
    ("inputType", 0), ("statType", "0"), ("statType", 4),
    ("statDate", "2025-11-19 00:10:00"), ("statDate", "2025-11-19 00:15:01"),
    ("statDate", "2025-11-31 00:15:00"), ("statDate", "2025-11-19 00:15"),
    ("uploadDate", "2025-11-19 00:00:00"), ("uploadDate", "2025-11-20"),
    ("scope", True), ("scope", 0), ("valid", 1), ("valid", "true"),
    ("extra", 1)])
def test_wrong_value_is_invalid(configured, field, value):
    answer = configured.upload(configured.value(**{field: value}))[1]
    refused_for(configured, answer, "uploadEnergyData", field)


@pytest.mark.parametrize("kind,label,fine", [
    (1, "2025-11-19 00:00:00", True), (1, "2025-11-19 00:15:00", False),
    (1, "2025-11-20 00:00:00", False),  # the day is not over
    (2, "2025-10-01 00:00:00", True), (2, "2025-10-02 00:00:00", False),
    (2, "2025-11-01 00:00:00", False), (3, "2024-01-01 00:00:00", True),
    (3, "2025-01-01 00:00:00", False)])
def test_label_is_the_start_of_its_period(configured, kind, label, fine):
    answer = configured.upload(configured.value(statType=kind,
                                                statDate=label))[1]
    assert (answer == DONE) is fine


def test_batch_sent_again_is_one_batch_and_its_items_are_known(configured):
    values = [configured.value(statDate=f"2025-11-19 00:{m}:00")
              for m in ("15", "30", "45")]
    assert configured.upload(*values)[1] == DONE
    later = [{**v, "uploadDate": "2025-11-20 01:06:00"} for v in values]
    assert configured.upload(*later)[1] == DONE
    batches = configured.standin.stats("uploadEnergyData")
    assert (batches["accepted"], batches["duplicates"]) == (1, 1)
    items = configured.standin.stats("energyItems")
    assert (items["accepted"], items["duplicates"]) == (3, 3)
    assert configured.standin.numbers("energyItems")[0] == \
        CREDIT_CODE + "|00-00-0000-023300-11|0|2025-11-19 00:15:00"


def test_item_with_another_value_later_is_invalid(configured):
    configured.upload(configured.value())
    other = configured.value(statDate="2025-11-19 00:30:00")
    answer = configured.upload(configured.value(dataValue=1), other)[1]
    assert answer["responseCode"] == "E2002"
    assert "changed facts" in str(configured.standin.stats()["examples"])


def test_same_item_twice_in_a_batch_is_invalid(configured):
    answer = configured.upload(configured.value(), configured.value())[1]
    refused_for(configured, answer, "uploadEnergyData", "twice")


def test_empty_batch_is_invalid(configured):
    answer = configured.upload(data=[])[1]
    assert answer["responseCode"] == "E2002"


def test_other_enterprise_is_invalid(configured):
    answer = configured.upload(enterpriseCode="91310101MA1FPX1234")[1]
    refused_for(configured, answer, "uploadEnergyData", "enterpriseCode")
