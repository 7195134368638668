"""The Henan stand-in takes what the text allows and nothing else."""

import base64

import pytest

from standin_client import JPEG, HenanClient, picture

DONE = {"code": "200", "status": "服务器已成功处理了请求"}
DRIVING = "lsh qybh qymc dzbh cphm cpys tgsjq tgsjz tgzt bgzt".split()
PHOTO = "lsh qybh qymc dzbh cphm cpys zpbh zplx pzsj".split()
GOODS = "lsh qybh qymc dzbh cphm cpys hwmc ysl djsj".split()
VEHICLE = """companySecretCode license licenseColor vehicleType vin
    useCharacter engineNo onwer address model registerDate issueDate
    emissionStandard drivingLicenseImg drivingLicenseImg2""".split()
MACHINE = """companySecretCode companyCode mhyJXMC emissionLevel mhyFrameNo
    mhyProdDate imageInfo mhyStatus""".split()


def inner(client):
    return client.vehicle(companyCode=client.COMPANY, carStatus="1")


def driven(client):
    """A passage whose driving record the platform has."""
    passage = client.passage()
    assert client.put("shareDrivingRecord",
                      client.driving(passage)) == (200, DONE)
    return passage


def send(client, kind, value):
    if kind == "sharePhotoInfo":
        return client.photo(value)[1]
    door = "get_data" if kind == "getCheckVehicle" else "put_data"
    return client.put(kind, value, door)[1]


def refused_for(client, kind, value, field):
    answer = send(client, kind, value)
    assert answer.get("code") == "952" or answer.get("result") == "fail"
    stats = client.standin.stats(kind)
    assert stats["invalid"] == 1 and stats["accepted"] == 0
    assert any(reason.startswith(field) for reason in stats["reasons"]), \
        stats["reasons"]


def test_token_is_32_letters_and_the_clock_is_told(henan):
    answer = henan.login()[1]
    assert answer["code"] == "200" and len(answer["access_token"]) == 32
    assert len(answer["datetime"]) == 19


@pytest.mark.parametrize("change", [{"organ": "4110020002"},
                                    {"username": "x"}, {"password": "x"}])
def test_wrong_login_is_refused(henan, change):
    token = henan.token
    assert henan.login(**change)[1]["code"] == "401"
    henan.token = token
    assert henan.standin.stats("getAccessToken")["refused"] == 1


def test_a_passage_with_photos_and_goods_is_accepted_once(henan):
    passage = driven(henan)
    for _ in range(2):
        for number in "12":
            assert henan.photo(henan.photo_info(passage, zpbh=number)) \
                == (200, DONE)
        assert henan.put("shareGoodsRecord", henan.goods(passage)) \
            == (200, DONE)
    assert henan.standin.numbers("sharePhotoInfo") == [
        passage["lsh"] + "/1", passage["lsh"] + "/2"]
    photos = henan.standin.stats("sharePhotoInfo")
    assert (photos["accepted"], photos["duplicates"]) == (2, 2)
    assert henan.standin.stats("shareGoodsRecord")["duplicates"] == 1


@pytest.mark.parametrize("kind", ["sharePhotoInfo", "shareGoodsRecord"])
def test_nothing_comes_before_its_driving_record(henan, kind):
    passage = henan.passage()
    value = (henan.photo_info if kind == "sharePhotoInfo"
             else henan.goods)(passage)
    assert send(henan, kind, value)["code"] == "404"
    stats = henan.standin.stats(kind)
    assert (stats["out_of_order"], stats["refused"], stats["accepted"]) \
        == (1, 1, 0)
    henan.put("shareDrivingRecord", henan.driving(passage))
    assert send(henan, kind, value)["code"] == "200"


@pytest.mark.parametrize("field", DRIVING)
def test_driving_record_without_a_field_is_invalid(henan, field):
    value = henan.driving(henan.passage())
    del value[field]
    refused_for(henan, "shareDrivingRecord", value, field + ": absent")


@pytest.mark.parametrize("field", PHOTO)
def test_photo_without_a_field_is_invalid(henan, field):
    value = henan.photo_info(driven(henan))
    del value[field]
    refused_for(henan, "sharePhotoInfo", value, field + ": absent")


@pytest.mark.parametrize("field", GOODS)
def test_goods_without_a_field_are_invalid(henan, field):
    value = henan.goods(driven(henan))
    del value[field]
    refused_for(henan, "shareGoodsRecord", value, field + ": absent")


@pytest.mark.parametrize("field", VEHICLE)
def test_vehicle_without_a_field_is_invalid(henan, field):
    value = henan.vehicle()
    del value[field]
    refused_for(henan, "shareVehInfo", value, field + ": absent")


@pytest.mark.parametrize("field", VEHICLE + ["companyCode", "carStatus"])
def test_inner_vehicle_without_a_field_is_invalid(henan, field):
    value = inner(henan)
    del value[field]
    refused_for(henan, "shareInnerVehInfo", value, field + ": absent")


@pytest.mark.parametrize("field", MACHINE)
def test_machine_without_a_field_is_invalid(henan, field):
    value = henan.machine()
    del value[field]
    refused_for(henan, "shareInnerMHYElec", value, field + ": absent")


@pytest.mark.parametrize("field,value", [
    ("lsh", "411002000101A251320080000"), ("lsh", "411002000101C251120080000"),
    ("lsh", "411002000102A251120080000"), ("lsh", "411002000201A251120080000"),
    ("lsh", "411002000101A25112008000"), ("qybh", "5110020001"),
    ("qymc", "名" * 151), ("qymc", ""), ("dzbh", "1"), ("cphm", "豫 K12345"),
    ("cphm", "豫K1234"), ("cpys", "6"), ("cpys", 1),
    ("tgsjq", "2025-11-20 8:00:00"), ("tgsjq", "2025-02-29 08:00:00"),
    ("tgsjz", "2025-11-20 07:59:59"), ("tgsjz", "20251120080010"),
    ("tgzt", "2"), ("tgzt", "0"), ("bgzt", "2"), ("bgzt", 1),
    ("extra", "x"),
])
def test_wrong_driving_record_is_invalid(henan, field, value):
    refused_for(henan, "shareDrivingRecord",
                henan.driving(henan.passage(), **{field: value}),
                field)


@pytest.mark.parametrize("field,value", [
    ("zpbh", "3"), ("zpbh", 1), ("zplx", "4"), ("zplx", "2"),
    ("pzsj", "2025-11-20"), ("base64Image", "x"), ("cpys", "2"),
    ("cphm", "豫K54321")])
def test_wrong_photo_is_invalid(henan, field, value):
    info = henan.photo_info(driven(henan), **{field: value})
    refused_for(henan, "sharePhotoInfo", info,
                field if field not in ("cpys", "cphm") else "lsh: differs")


@pytest.mark.parametrize("value", ["23.45", "", "-1", ".5", "5.", "1e3", 23.4,
                                   "12345"])
def test_tonnes_have_at_most_four_characters(henan, value):
    refused_for(henan, "shareGoodsRecord",
                henan.goods(driven(henan), ysl=value), "ysl")


@pytest.mark.parametrize("value", ["0", "9999", "23.4", "0.05", "100"])
def test_tonnes_of_four_characters_are_accepted(henan, value):
    assert henan.put("shareGoodsRecord", henan.goods(
        driven(henan), ysl=value)) == (200, DONE)


@pytest.mark.parametrize("data,reason", [
    (JPEG[:-1], "file: does not end"), (b"\x89PNG", "file: does not begin"),
    (b"", "file: does not begin"), (picture(1_000_001), "file: larger")])
def test_wrong_file_is_invalid(henan, data, reason):
    answer = henan.photo(henan.photo_info(driven(henan)), data)[1]
    assert answer["code"] == "952"
    assert reason in str(henan.standin.stats()["examples"])


def test_largest_file_is_accepted(henan):
    assert henan.photo(henan.photo_info(driven(henan)),
                       picture(1_000_000))[1] == DONE


def test_file_name_has_to_be_of_a_jpeg(henan):
    info = henan.photo_info(driven(henan))
    assert henan.photo(info, filename="1.png")[1]["code"] == "948"


@pytest.mark.parametrize("parts", [
    [('name="file"; filename="1.jpg"', "image/jpeg", JPEG)],
    [('name="info"', "text/plain", b"{}")],
    [('name="info"', "text/plain", b"{}"), ('name="info"', "text/plain",
                                            b"{}")],
])
def test_form_has_one_file_and_one_info(henan, parts):
    assert henan.photo({}, parts=parts)[1]["code"] == "702"


def test_photo_as_json_is_invalid(henan):
    status, answer = henan.put("sharePhotoInfo", {
        **henan.photo_info(driven(henan)), "base64Image":
        base64.b64encode(JPEG).decode()}, "put_file")
    assert answer["code"] == "400"


def test_photo_inline_is_the_other_reading(start):
    client = HenanClient(start("henan", photo="inline"))
    client.login()
    value = client.photo_info(driven(client))
    value["base64Image"] = base64.b64encode(JPEG).decode()
    assert client.put("sharePhotoInfo", value, "put_file")[1] == DONE


def test_same_serial_with_other_facts_is_invalid(henan):
    passage = driven(henan)
    answer = henan.put("shareDrivingRecord",
                       henan.driving(passage, bgzt="0"))[1]
    assert answer["code"] == "952"
    henan.photo(henan.photo_info(passage))
    assert henan.photo(henan.photo_info(passage), picture(500))[1]["code"] \
        == "952"
    assert henan.standin.stats("sharePhotoInfo")["invalid"] == 1


# --- ledgers ---------------------------------------------------------------------

@pytest.mark.parametrize("kind,make", [
    ("shareVehInfo", HenanClient.vehicle), ("shareInnerMHYElec",
                                            HenanClient.machine)])
def test_ledger_answers_with_result(henan, kind, make):
    assert henan.put(kind, make()) == (200, {"result": "success", "err": "",
                                             "data": {}})


def test_inner_vehicle_may_repeat_the_token(henan):
    value = inner(henan)
    assert send(henan, "shareInnerVehInfo", value)["result"] == "success"
    assert send(henan, "shareInnerVehInfo", {
        **value, "accessToken": henan.token})["result"] == "success"
    assert send(henan, "shareInnerVehInfo", {
        **value, "accessToken": "x"})["result"] == "fail"
    assert henan.standin.stats("shareInnerVehInfo")["duplicates"] == 1


def test_flat_is_the_other_reading(start):
    client = HenanClient(start("henan", flat="yes"))
    client.login()
    answer = client.standin.post(client.BASE + "put_data", {
        "ipctype": "shareInnerMHYElec", "accessToken": client.token,
        **client.machine()})[1]
    assert answer["result"] == "success"


@pytest.mark.parametrize("field,value", [
    ("vehicleType", "H1"), ("vehicleType", "H36"), ("useCharacter", "Z"),
    ("emissionStandard", "8"), ("registerDate", "20220620"),
    ("registerDate", "20220631000000"), ("license", "豫K1234567890123"),
    ("drivingLicenseImg", "data:image/jpeg;base64,/9j/"),
    ("drivingLicenseImg", ""), ("drivingLicenseImg2", "AAAA"),
    ("owner", "x"), ("licenseColor", "6"),
])
def test_wrong_vehicle_is_invalid(henan, field, value):
    refused_for(henan, "shareVehInfo", henan.vehicle(**{field: value}), field)


def test_vehicle_check_answers_what_was_set(henan):
    henan.standin.control("POST", "vehicles", {
        "豫A00001/1": {"isControl": "1", "controlReason": "国三"}})
    answer = send(henan, "getCheckVehicle",
                  {"license": "豫A00001", "licenseColor": "1"})
    assert answer["value"]["isControl"] == "1"
    answer = send(henan, "getCheckVehicle",
                  {"license": "豫A00002", "licenseColor": "1"})
    assert answer["value"]["isControl"] == "0"


# --- wrapper ----------------------------------------------------------------------

@pytest.mark.parametrize("member", ["organ", "access_token", "value"])
def test_wrapper_is_complete(henan, member):
    body = henan.wrap("shareDrivingRecord", henan.driving(henan.passage()))
    del body[member]
    answer = henan.standin.post(henan.BASE + "put_data", body)[1]
    assert answer["code"] == "952"


def test_interface_belongs_to_its_door(henan):
    value = henan.driving(henan.passage())
    assert henan.put("shareDrivingRecord", value, "get_data")[1]["code"] \
        == "952"
    assert henan.put("shareDrivingRecord", value, "detecting")[0] == 404


def test_value_as_a_string_is_invalid(henan):
    assert henan.put("shareDrivingRecord", "{}")[1]["code"] == "952"


def test_token_unknown_or_expired_is_401(start):
    client = HenanClient(start("henan", token_seconds="0"))
    value = client.driving(client.passage())
    client.token = "0" * 32
    assert client.put("shareDrivingRecord", value)[1]["code"] == "401"
    client.login()
    assert client.put("shareDrivingRecord", value)[1]["code"] == "401"
    assert client.standin.stats("shareDrivingRecord")["refused"] == 2
