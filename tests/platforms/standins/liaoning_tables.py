"""Liaoning energy monitoring 2023: the tables of chapter 6, annexes A, B."""

from .fields import (Field, SECOND, boolean, code, integer,
                     number, pattern, text)

SOURCES = "1234567"                                          # B.1
CLASSES = [f"{n:02d}" for n in range(1, 13)]                 # B.2
USAGES = """
10 11 12 20 21 22 23 30 31 32 40 51 52 60 71 72 80 81 90 91 92 93 94 95
96 97 98""".split()                                          # B.5
KINDS = """
110 120 130 141 142 143 144 151 159 160 171 172 173 174 190 210 220 230
240 290 310 320 330 340 390""".split()                       # A.7
DATA_TYPES = """
all region industry entType collectSystemType process collectItem
collectItemUsage energyType""".split()                       # A.6
FIELD_CODES = "100 200 300 400 500 600".split()              # A.4

GUID = pattern(r"[0-9a-f]{32}", "a device number of 32 hexadecimal digits")
TWO = pattern(r"[0-9]{2}", "two digits")
FOUR = pattern(r"[0-9]{4}", "four digits")
REGION = pattern(r"[1-9][0-9]{5}", "a region of six digits")
OPTIONAL_TEXT = text(empty=True)
DATA_CODE = pattern(r"[0-9]{2}-[0-9]{2}-[0-9]{4}-[0-9]{6}-[0-9]{2}",
                    "of the form 04-01-0000-040200-30")


def optional_second(value):
    return None if value == "" else SECOND(value)


def registration(credit):                                    # A.1
    return [
        Field("enterpriseCode", credit),
        Field("enterpriseName", text()),
        Field("region", REGION),
        Field("regionName", text()),
    ]


VERSION = [Field("deviceId", GUID)]                          # A.3
BASE_DATA = [Field("deviceId", GUID),                        # A.2
             Field("type", code(DATA_TYPES), False)]


def config(credit):                                          # A.4
    return [
        Field("deviceId", GUID),
        Field("enterpriseCode", credit),
        Field("collectItemConfig", some),
        Field("enterprise", an_object),
        Field("group", an_object, False),
        Field("process", some_or_none, False),
        Field("processUnit", some_or_none, False),
    ]


def some(value):
    return None if isinstance(value, list) and value else "not a filled list"


def some_or_none(value):
    return None if isinstance(value, list) else "not a list"


def an_object(value):
    return None if isinstance(value, dict) else "not an object"


CONFIG_ITEM = [
    Field("name", text(), False),
    Field("processCode", TWO),
    Field("processUnitCode", TWO),
    Field("equipmentCode", TWO),
    Field("equipmentUnitCode", TWO),
    Field("energyClassCode", code(CLASSES)),
    Field("energyTypeCode", FOUR),
    Field("dataUsageCode", code(USAGES)),
    Field("inputType", code(SOURCES)),
    Field("dataValueMax", number(), False),
    Field("dataValueMin", number(), False),
    Field("statType", code("0123"), False),
    Field("collectSystemName", OPTIONAL_TEXT, False),
    Field("remark", OPTIONAL_TEXT, False),
    Field("scope", integer(1, 4), False),
]


def enterprise(credit):
    words = """
    fax email address zipCode url fieldName corporationName energyOffice
    energyOfficial energyOfficialPosition energyOfficialPhone energyRespName
    energyRespPhone passOrg productionLine leadingProduct remark typeName
    regionName""".split()
    return [
        Field("code", credit),
        Field("name", text()),
        Field("typeCode", code(KINDS)),
        Field("industryCode", pattern(r"[A-T][0-9]{0,4}", "an industry")),
        Field("regionCode", REGION),
        Field("center", boolean),
        Field("corporationCode", credit),
        Field("jgzh", boolean),
        Field("energyConsumeLevel", integer(1, 6)),
        Field("latitude", number(-90, 90)),
        Field("longitude", number(-180, 180)),
        Field("phone", text(40)),
        Field("fieldCode", code(FIELD_CODES), False),
        Field("registerDate", optional_second, False),
        Field("registerPrincipal", number(0), False),
        Field("energyPass", boolean, False),
        Field("passDate", optional_second, False),
    ] + [Field(name, OPTIONAL_TEXT, False) for name in words]


GROUP = [Field("name", text()), Field("address", OPTIONAL_TEXT, False),
         Field("remark", OPTIONAL_TEXT, False)]
PROCESS = [Field("processCode", TWO), Field("processName", text()),
           Field("remark", OPTIONAL_TEXT, False)]
PROCESS_UNIT = [
    Field("code", TWO), Field("name", text()), Field("processCode", TWO),
    Field("commDate", optional_second, False),
    Field("designedCapacity", OPTIONAL_TEXT, False),
    Field("remark", OPTIONAL_TEXT, False)]


def upload(credit):                                          # A.5
    return [
        Field("deviceId", GUID),
        Field("enterpriseCode", credit),
        Field("data", some),
    ]


ENERGY_ITEM = [
    Field("dataCode", DATA_CODE),
    Field("dataValue", number()),
    Field("inputType", integer(1, 7)),
    Field("statType", integer(0, 3)),
    Field("statDate", SECOND),
    Field("uploadDate", SECOND),
    Field("scope", integer(1, 4)),
    Field("valid", boolean),
]

# A.2, the rows of the sample
DICTIONARY = {
    "region": [
        {"code": "210000", "fullName": "辽宁省", "name": "辽宁省",
         "pcode": "000000", "type": 1},
        {"code": "210100", "fullName": "沈阳市", "name": "沈阳市",
         "pcode": "210000", "type": 2},
        {"code": "210101", "fullName": "市辖区", "name": "市辖区",
         "pcode": "210100", "type": 3}],
    "industry": [
        {"code": "C", "fullName": "制造业", "jgzh": False, "name": "制造业",
         "pcode": "0"},
        {"code": "C31", "fullName": "黑色金属冶炼和延压加工业",
         "jgzh": False, "name": "黑色金属冶炼和延压加工业", "pcode": "C"},
        {"code": "C3120", "fullName": "炼钢", "jgzh": False, "name": "炼钢",
         "pcode": "C312"}],
    "entType": [{"code": "100", "name": "内资企业"}],
    "collectSystemType": [{"code": "1", "name": "管理信息系统"}],
    "process": [{"code": "01", "name": "焦化工序", "industryCode": "C31"}],
    "collectItem": [
        {"code": "01", "name": "一次能源", "pcode": "", "type": 1,
         "pclass": "", "industryCode": "", "unit": ""},
        {"code": "01", "name": "原煤", "pcode": "", "type": 2,
         "pclass": "01", "industryCode": "", "unit": "吨"},
        {"code": "0001", "name": "吨钢综合能耗", "pcode": "00", "type": 3,
         "pclass": "08", "industryCode": "C3120", "unit": "千克标准煤/吨"}],
    "collectItemUsage": [{"code": "11", "name": "购进已消费"}],
    "energyType": [
        {"code": "0100", "name": "其它原煤", "pcode": "01", "unit": "吨",
         "classCode": "01", "nhzbdw": "吨标准煤/吨", "type": 2,
         "zbckz": "0.7143", "dwzbxs": 1}],
    "productQuota": [
        {"code": "0001", "name": "吨钢综合能耗", "regionCode": "110101",
         "industryCode": "C3120", "gbValue": "", "dbValue": 655,
         "elemUnit": "吨标准煤", "denoUnit": "吨",
         "quotaUnit": "千克标准煤/吨", "zbxs": 1000.0}],
}
