"""The Yunnan stand-in takes what the text allows and nothing else."""

import base64
import json
import secrets

import pytest

from standin_client import CREDIT_CODE, JPEG, YunnanClient, picture, uri

LEDGERS = {  # interface -> record of the client
    "enterprise": YunnanClient.enterprise_record,
    "cameraInfo": YunnanClient.camera,
    "vehicleInfo": YunnanClient.vehicle,
    "nonMachinery": YunnanClient.machine,
    "exceedVehicleConfirm": YunnanClient.verified,
}
FIELDS = [(interface, field) for interface, fields in {
    "vehicleAccess": """recordId enterpriseId entranceId vehicleId
        licensePlate plateColor vin accessType accessTime cargoType
        cargoWeight cargoUnit carHeadImg carImg""",
    "enterprise": """enterpriseId enterpriseCode enterpriseName address
        areaCode regionCode legalPerson contactPerson contactPhone
        industryType longitude latitude performanceLevel entranceNums
        gateNums outsideCars insideCars machineries status""",
    "cameraInfo": """cameraId enterpriseId entranceId cameraName cameraType
        cameraModel manufacturer installDate cameraIp cameraHost
        cameraUsername cameraPassword cameraChannel resolution
        recordingEnabled nvrIp nvrPort nvrUsername nvrPassword status""",
    "vehicleInfo": """vehicleId enterpriseId licensePlate vehicleUse vin
        vehicleType vehicleBrand vehicleModel fuelType emissionStandard
        useType fleetName registrationDate networkStatus carImg1 carImg2""",
    "nonMachinery": """machineryId enterpriseId machineryCode manufactureDate
        emissionStandard fuelType machineryType machineryPin machineryBrand
        engineModel engineMaker engineNumber machineryImg1 machineryImg2
        machineryImg3 ownerName""",
    "exceedVehicleConfirm": """recordId licensePlate plateColor vin
        excessVerifica excessVerificadate""",
}.items() for field in fields.split()]


def record_of(client, interface):
    if interface == "vehicleAccess":
        return client.access()
    return LEDGERS[interface](client)


def invalid(client, interface="vehicleAccess"):
    return client.standin.stats(interface)["invalid"]


def refused_for(client, interface, record, field):
    """The stand-in calls this record invalid, and names the field."""
    status, answer = client.send(interface, record)
    assert (status, answer["code"]) == (200, 500)
    stats = client.standin.stats(interface)
    assert stats["invalid"] == 1 and stats["accepted"] == 0
    assert any(reason.startswith(field) for reason in stats["reasons"]), \
        stats["reasons"]


@pytest.mark.parametrize("interface", ["vehicleAccess", *LEDGERS])
def test_valid_record_is_accepted_once(yunnan, interface):
    record = record_of(yunnan, interface)
    for _ in range(2):
        status, answer = yunnan.send(interface, record)
        assert (status, answer) == (200, {
            "code": 200, "message": "上传成功", "aesKey": None, "data": None})
    stats = yunnan.standin.stats(interface)
    assert (stats["accepted"], stats["duplicates"]) == (1, 1)
    assert stats["attempts"] == {"2": 1}


@pytest.mark.parametrize("interface,field", FIELDS)
def test_absent_field_is_invalid(yunnan, interface, field):
    record = record_of(yunnan, interface)
    del record[field]
    refused_for(yunnan, interface, record, field + ": ")


@pytest.mark.parametrize("interface", ["vehicleAccess", *LEDGERS])
def test_unknown_field_is_invalid(yunnan, interface):
    record = {**record_of(yunnan, interface), "extra": "1"}
    refused_for(yunnan, interface, record, "extra: unknown")


@pytest.mark.parametrize("interface,field", [
    (i, f) for i, f in FIELDS if f != "recordId"])
def test_field_of_another_type_is_invalid(yunnan, interface, field):
    record = record_of(yunnan, interface)
    record[field] = ["x"]
    refused_for(yunnan, interface, record, field)


@pytest.mark.parametrize("field,value", [
    ("accessTime", "2025-02-30 08:00:00"), ("accessTime", "2025-11-20T08:00:00"),
    ("accessTime", "2025-11-20 24:00:00"), ("accessTime", "2025-11-20 8:00:00"),
    ("accessTime", "20251120080000"), ("accessType", "2"), ("accessType", 0),
    ("plateColor", "7"), ("plateColor", "blue"), ("plateColor", ""),
    ("vin", "LBEXDAEB0XZ12345"), ("vin", "LBEXDAEBOXZ123456"),
    ("cargoWeight", "23.4"), ("cargoWeight", -1), ("cargoWeight", True),
    ("cargoUnit", "kg"), ("cargoType", ""), ("cargoType", "  "),
    ("licensePlate", "云 A12345"), ("licensePlate", "云A1234"),
    ("licensePlate", "云O12345"), ("licensePlate", None),
    ("gateId", "B01"), ("gateId", "A1"), ("entranceId", "a"),
    ("vehicleId", "91110000710934615P001Y00001"), ("vehicleId", "VCL1"),
    ("enterpriseId", "91110000710934615P002X"),
    ("carImg", ""), ("carImg", base64.b64encode(JPEG).decode()),
    ("carImg", "data:image/png;base64," + base64.b64encode(JPEG).decode()),
    ("carImg", uri(JPEG[:-1])), ("carImg", uri(JPEG[1:])),
    ("carImg", uri(b"\xff\xd8\xff\xd9")), ("carImg", uri(JPEG) + "\n"),
    ("carHeadImg", uri(picture(1_000_001))),
])
def test_wrong_value_is_invalid(yunnan, field, value):
    refused_for(yunnan, "vehicleAccess", yunnan.access(**{field: value}),
                field)


@pytest.mark.parametrize("number", [
    "20251120203715012" + "91110000710934615P001X" + "0" + "00001",
    "202513202037150123" + "91110000710934615P001X" + "0" + "00001",
    "202511202060150123" + "91110000710934615P001X" + "0" + "00001",
    "202511202037150123" + "91110000710934615P001Y" + "0" + "00001",
    "202511202037150123" + "91110000710934615P001X" + "1" + "00001",
    "202511202037150123" + "91110000710934615P001X" + "0" + "0001",
    "202511202037150123" + "91110000710934615P001X" + "0" + "0000A",
])
def test_wrong_record_number_is_invalid(yunnan, number):
    refused_for(yunnan, "vehicleAccess", yunnan.access(recordId=number),
                "recordId")


@pytest.mark.parametrize("interface,field,value", [
    ("enterprise", "areaCode", "5530900"), ("enterprise", "areaCode", "530000"),
    ("enterprise", "regionCode", "530302"), ("enterprise", "industryType", "41"),
    ("enterprise", "industryBranch", "0701"), ("enterprise", "status", 1),
    ("enterprise", "enterpriseCode", CREDIT_CODE[:-1] + "G"),
    ("enterprise", "longitude", "102.7"), ("enterprise", "longitude", 200),
    ("enterprise", "latitude", 25.12345678), ("enterprise", "gateNums", 1.5),
    ("enterprise", "performanceLevel", "E"),
    ("cameraInfo", "installDate", "2023-10-02"), ("cameraInfo", "cameraType", 2),
    ("cameraInfo", "cameraIp", "192.168.1.256"), ("cameraInfo", "nvrPort", 80),
    ("cameraInfo", "cameraHost", "65536"), ("cameraInfo", "cameraId", "C01"),
    ("vehicleInfo", "vehicleType", "B11"), ("vehicleInfo", "fuelType", "5"),
    ("vehicleInfo", "emissionStandard", "04"), ("vehicleInfo", "useType", "T"),
    ("vehicleInfo", "registrationDate", "20220631"),
    ("vehicleInfo", "vehicleUse", "3"), ("vehicleInfo", "carImg2", "x"),
    ("nonMachinery", "machineryType", "9"),
    ("nonMachinery", "machineryId", "91110000710934615P001X00001"),
    ("exceedVehicleConfirm", "excessVerifica", 1),
    ("exceedVehicleConfirm", "excessVerificadate", "2023-09-25"),
])
def test_wrong_ledger_value_is_invalid(yunnan, interface, field, value):
    record = {**record_of(yunnan, interface), field: value}
    refused_for(yunnan, interface, record, field)


def test_optional_fields_may_be_absent_or_empty(yunnan):
    record = yunnan.access(gateId="")
    assert yunnan.send("vehicleAccess", record)[1]["code"] == 200
    record = yunnan.access()
    del record["gateId"]
    assert yunnan.send("vehicleAccess", record)[1]["code"] == 200
    machine = yunnan.machine()
    machine["manufactureDate"] = "20170630"
    del machine["machineryImg3"]
    assert yunnan.send("nonMachinery", machine)[1]["code"] == 200
    assert yunnan.standin.stats()["totals"]["invalid"] == 0


def test_largest_picture_is_accepted(yunnan):
    record = yunnan.access(carImg=uri(picture(1_000_000)))
    assert yunnan.send("vehicleAccess", record)[1]["code"] == 200


def test_same_number_with_other_facts_is_invalid(yunnan):
    record = yunnan.access()
    yunnan.send("vehicleAccess", record)
    status, answer = yunnan.send("vehicleAccess",
                                 {**record, "cargoWeight": 23.5})
    assert answer["code"] == 500
    stats = yunnan.standin.stats("vehicleAccess")
    assert (stats["accepted"], stats["duplicates"], stats["invalid"]) \
        == (1, 0, 1)
    assert [r for r in stats["reasons"] if r.startswith("changed facts")]


def test_changed_ledger_entry_is_an_update(yunnan):
    yunnan.send("vehicleInfo", yunnan.vehicle())
    assert yunnan.send("vehicleInfo", {
        **yunnan.vehicle(), "fleetName": "另一车队"})[1]["code"] == 200
    assert yunnan.standin.stats("vehicleInfo")["updates"] == 1


# --- envelope ------------------------------------------------------------------

def flip(text):
    data = bytearray(base64.b64decode(text))
    data[len(data) // 2] ^= 1
    return base64.b64encode(bytes(data)).decode()


@pytest.mark.parametrize("member", ["signature", "encryptedAesKey",
                                    "encryptedContent"])
def test_damaged_envelope_fails_its_signature(yunnan, member):
    body = yunnan.seal(json.dumps(yunnan.access()).encode())
    body[member] = flip(body[member])
    status, answer = yunnan.standin.post(
        yunnan.BASE + "vehicleAccess", body, yunnan.headers())
    assert answer["code"] == 500 and "验签失败" in answer["message"]
    assert invalid(yunnan) == 1


@pytest.mark.parametrize("change", [
    lambda b: b.pop("signature"), lambda b: b.update(extra="1"),
    lambda b: b.update(signature=None), lambda b: b.update(signature=""),
    lambda b: b.update(encryptedContent=b["encryptedContent"] + "\n"),
    lambda b: b.update(encryptedContent="_" + b["encryptedContent"][1:]),
])
def test_misshapen_envelope_is_invalid(yunnan, change):
    body = yunnan.seal(json.dumps(yunnan.access()).encode())
    change(body)
    answer = yunnan.standin.post(yunnan.BASE + "vehicleAccess", body,
                                 yunnan.headers())[1]
    assert answer["code"] == 500 and invalid(yunnan) == 1


def test_signature_over_the_content_alone_is_the_other_reading(yunnan):
    body = yunnan.seal(json.dumps(yunnan.access()).encode(), over="content")
    answer = yunnan.standin.post(yunnan.BASE + "vehicleAccess", body,
                                 yunnan.headers())[1]
    assert "验签失败" in answer["message"]
    yunnan.standin.control("POST", "option", {"signature_over": "content"})
    try:
        answer = yunnan.standin.post(yunnan.BASE + "vehicleAccess", body,
                                     yunnan.headers())[1]
    finally:
        yunnan.standin.control("POST", "option",
                               {"signature_over": "key_and_content"})
    assert answer["code"] == 200


def test_session_key_serves_one_request(yunnan):
    key = secrets.token_bytes(32)
    for wanted in (200, 500):
        body = yunnan.seal(json.dumps(yunnan.access()).encode(), key)
        answer = yunnan.standin.post(yunnan.BASE + "vehicleAccess", body,
                                     yunnan.headers())[1]
        assert answer["code"] == wanted
    assert "session key" in str(yunnan.standin.stats()["examples"])


def test_aes_128_key_is_invalid(yunnan):
    body = yunnan.seal(b"{}", secrets.token_bytes(16))
    assert yunnan.standin.post(yunnan.BASE + "vehicleAccess", body,
                               yunnan.headers())[1]["code"] == 500


@pytest.mark.parametrize("plain", [
    b'{"enterpriseId": "a", "enterpriseId": "a"}', b"[]", b"", b"{",
    b'{"enterpriseId": "\xff"}', b'{"enterpriseId": NaN}'])
def test_content_is_strict_json(yunnan, plain):
    answer = yunnan.standin.post(yunnan.BASE + "heartBeat",
                                 yunnan.seal(plain), yunnan.headers())[1]
    assert answer["code"] == 500 and invalid(yunnan, "heartBeat") == 1


# --- headers, token, registration ----------------------------------------------

def test_no_token_is_answered_with_401(yunnan):
    headers = {"X-Client-Id": yunnan.api_key}
    status, answer = yunnan.send("vehicleAccess", yunnan.access(), headers)
    assert (status, answer["code"]) == (401, 401)
    assert invalid(yunnan) == 1


@pytest.mark.parametrize("token", ["Bearer x", "Bearer", "Basic eDp5"])
def test_wrong_token_is_answered_with_401(yunnan, token):
    headers = {**yunnan.headers(), "Authorization": token}
    status, answer = yunnan.send("vehicleAccess", yunnan.access(), headers)
    assert (status, answer["code"]) == (401, 401)


def test_no_client_id_is_invalid(yunnan):
    headers = yunnan.headers()
    del headers["X-Client-Id"]
    assert yunnan.send("vehicleAccess", yunnan.access(),
                       headers)[1]["code"] == 500
    assert invalid(yunnan) == 1


def test_other_content_type_is_invalid(yunnan):
    headers = {**yunnan.headers(), "Content-Type": "text/plain"}
    assert yunnan.send("heartBeat", {"enterpriseId": yunnan.enterprise},
                       headers)[1]["code"] == 500


def test_unknown_path_is_404(yunnan):
    assert yunnan.send("carDate", yunnan.vehicle())[0] == 404
    assert yunnan.standin.stats("unknown")["invalid"] == 1


def test_token_expires(start):
    client = YunnanClient(start("yunnan", token_seconds="0.2"))
    client.register()
    client.login()
    assert client.expires == "0.2"
    beat = {"enterpriseId": client.enterprise}
    codes = set()
    while 401 not in codes:
        codes.add(client.send("heartBeat", beat)[1]["code"])
    assert codes == {200, 401}
    assert client.standin.stats("heartBeat")["refused"] == 1
    assert client.login()[1]["code"] == 200
    assert client.send("heartBeat", beat)[1]["code"] == 200


def test_expire_tokens_ends_every_token(yunnan):
    yunnan.standin.control("POST", "expire_tokens")
    assert yunnan.send("heartBeat",
                       {"enterpriseId": yunnan.enterprise})[0] == 401
    yunnan.login()


def test_wrong_secret_gets_no_token(yunnan):
    status, answer = yunnan.send("getToken", {
        "apiKey": yunnan.api_key, "apiSecret": "no"})
    assert answer["code"] == 500
    assert yunnan.standin.stats("getToken")["refused"] == 1


def test_registration_succeeds_once(yunnan):
    answer = yunnan.register()[1]
    assert answer["code"] == 500 and "data" in answer
    assert yunnan.standin.stats("init-auth")["refused"] == 1


@pytest.mark.parametrize("key", ["", "AAAA", "-----BEGIN PUBLIC KEY-----", 1])
def test_registration_needs_a_public_key(yunnan, key):
    answer = yunnan.standin.post(yunnan.BASE + "init-auth", {
        "enterpriseId": "9" * 22, "enterpriseName": "x", "publicKey": key})[1]
    assert answer["code"] == 500
    assert yunnan.standin.stats("init-auth")["invalid"] == 1


def test_preset_client_needs_no_registration(start, tmp_path):
    client = YunnanClient(None)
    (tmp_path / "client.pub").write_text(client.public_key())
    client.standin = start(
        "yunnan", api_key="YN_key", api_secret="secret",
        enterprise_id=client.enterprise, enterprise_key=tmp_path / "client.pub")
    identity = client.standin.control("GET", "identity")
    client.adopt("YN_key", "secret", identity["publicKey"])
    assert client.login()[1]["code"] == 200
    assert client.register()[1]["code"] == 500


# --- heartbeats and what is handed down ------------------------------------------

def test_heartbeats_are_counted(yunnan):
    for _ in range(3):
        answer = yunnan.send("heartBeat",
                             {"enterpriseId": yunnan.enterprise})[1]
        assert answer["message"] == "企业联网信息更新成功"
    beats = yunnan.standin.stats()["heartbeats"][yunnan.enterprise]
    assert beats["count"] == 3 and 0 < beats["max_gap_seconds"] < 5


def test_downlink_is_handed_out_page_by_page(yunnan):
    rows = [{"recordId": f"EV{n:03d}", "sendTime": "20250820"}
            for n in range(250)]
    yunnan.standin.control("POST", "downlink", {"exceedVehicle": rows})
    got, more = [], "1"
    while more == "1":
        answer = yunnan.send("exceedVehicle",
                             {"vehicleTimestamp": "2025-08-20"})[1]
        page = yunnan.open(answer)
        assert len(page["records"]) <= 100 and page["totalRecords"] == 250
        got += page["records"]
        more = page["isNew"]
    assert got == rows
    answer = yunnan.send("exceedVehicle", {"vehicleTimestamp": "2025-08-21"})
    assert yunnan.open(answer[1])["records"] == []


def test_confirmations_are_booked(yunnan):
    assert yunnan.send("strategyConfirm", {
        "strategyId": "1,2", "enterpriseId": yunnan.enterprise}
    )[1]["message"] == "通知成功"
    assert yunnan.send("alarmConfirm",
                       {"alarmId": ",".join("x" * 101)})[1]["code"] == 500
    assert yunnan.standin.numbers("strategyConfirm") == ["1,2"]
