"""Yunnan gate supervision V1.1: the tables of sections 6 and 7."""

from .fields import (DAY, DAY_DASHED, Field, SECOND, VIN, code, credit_code,
                     integer, ip_address, number, pattern, picture_uri, plate,
                     port, read_moment, text)

# 7.1; the H36 gap is the text's.
VEHICLE_TYPES = """
H11 H12 H13 H14 H15 H16 H17 H18 H19 H21 H22 H23 H24 H25 H26 H27 H28 H29
H31 H32 H33 H34 H35 H37 H38 H39 H41 H42 H43 H44 H45 H46 H47 H51 H52 H53
H54 H55 Q11 Q12 Q21 Q22 Q31 Q32""".split()

# 7.2; the text prints Lincang as 5530900, the county codes below it and
# GB/T 2260 say 530900.
REGIONS = """
530000 530100 530102 530103 530111 530112 530113 530114 530115 530124
530125 530126 530127 530128 530129 530181 530300 530302 530303 530304
530322 530323 530324 530325 530326 530381 530400 530402 530403 530423
530424 530425 530426 530427 530428 530481 530500 530502 530521 530523
530524 530581 530600 530602 530621 530622 530623 530624 530625 530626
530627 530628 530629 530681 530700 530702 530721 530722 530723 530724
530800 530802 530821 530822 530823 530824 530825 530826 530827 530828
530829 530900 530902 530921 530922 530923 530924 530925 530926 530927
532300 532301 532302 532322 532323 532324 532325 532326 532327 532328
532329 532500 532501 532502 532503 532504 532523 532524 532525 532527
532528 532529 532530 532531 532532 532600 532601 532622 532623 532624
532625 532626 532627 532628 532800 532801 532822 532823 532900 532901
532922 532923 532924 532925 532926 532927 532928 532929 532930 532931
532932 533100 533102 533103 533122 533123 533124 533300 533301 533323
533324 533325 533400 533401 533422 533423""".split()
CITIES = [c for c in REGIONS if c.endswith("00") and c != "530000"]
COUNTIES = [c for c in REGIONS if not c.endswith("00")]

USES = "A B C D E F G H I J K L M N O P Q R S Z".split()          # 7.4
FUELS = "A B C D E F L M N P Q Y Z".split()                       # 7.5
PLATE_COLORS = "0 1 2 3 4 5 6".split()                            # 7.6
EMISSIONS = "0 1 2 3 4 5 6 D X".split()                           # 7.7
MACHINES = "1 2 3 4 5 6 7 8".split()                              # 7.8
INDUSTRIES = [f"{n:02d}" for n in range(1, 41)]                   # 7.9
BRANCHES = """
0101 0201 0301 0401 0402 0403 0501 0601 0602 0701 0801 0901 1001 1101
1201 1301 1401 1501 1502 1503 1601 1701 1702 1703 1704 1705 1801 1901
1902 1903 1904 1905 2001 2101 2201 2301 2401 2501 2601 2701 2801 2901
3001 3101 3201 3301 3401 3402 3403 3501 3601 3701 3801 3901 4001""".split()
LEVELS = "A B B- C D LE NL X".split()                             # 7.10

ENTERPRISE = pattern(r"[0-9A-Z]{22}", "an enterprise number of 22 characters")
ENTRANCE = pattern(r"[A-Z]", "one letter A-Z")
GATE = pattern(r"[A-Z][0-9]{2}", "an entrance letter and two digits")
YES_NO = code("01")


def record_id(value):
    """6.13: time stamp (18) + enterprise (22) + direction (1) + serial (5)."""
    fault = pattern(r"[0-9]{18}[0-9A-Z]{22}[01][0-9]{5}",
                    "18 digits, 22 of the enterprise, 0 or 1, 5 digits")(value)
    if fault:
        return fault
    if read_moment(value[:14], "%Y%m%d%H%M%S", 14) is None:
        return "the time stamp is no date"
    return None


def enterprise_fields(check_codes):
    return [
        Field("enterpriseId", ENTERPRISE),
        Field("enterpriseCode", credit_code(check_codes)),
        Field("enterpriseName", text()),
        Field("address", text()),
        Field("areaCode", code(CITIES)),
        Field("regionCode", code(COUNTIES)),
        Field("legalPerson", text()),
        Field("contactPerson", text()),
        Field("contactPhone", pattern(r"\+?[0-9-]{5,20}", "a phone number")),
        Field("industryType", code(INDUSTRIES)),
        Field("industryBranch", code(BRANCHES), False),
        Field("longitude", number(-180, 180, 10, 6)),
        Field("latitude", number(-90, 90, 10, 6)),
        Field("performanceLevel", code(LEVELS)),
        Field("entranceNums", integer()),
        Field("gateNums", integer()),
        Field("outsideCars", integer()),
        Field("insideCars", integer()),
        Field("machineries", integer()),
        Field("status", YES_NO),
    ]


def camera_fields(nvr_port):
    return [
        Field("cameraId", pattern(r"[0-9A-Z]{22}[A-Z][0-9]{2}",
                                  "enterprise, entrance and two digits")),
        Field("enterpriseId", ENTERPRISE),
        Field("entranceId", ENTRANCE),
        Field("gateId", GATE, False),
        Field("cameraName", text()),
        Field("cameraType", code("123")),
        Field("cameraModel", text()),
        Field("manufacturer", text()),
        Field("installDate", DAY),
        Field("cameraIp", ip_address),
        Field("cameraHost", port),
        Field("cameraUsername", text()),
        Field("cameraPassword", text()),
        Field("cameraChannel", text()),
        Field("resolution", text()),
        Field("recordingEnabled", YES_NO),
        Field("nvrIp", ip_address),
        Field(nvr_port, port),
        Field("nvrUsername", text()),
        Field("nvrPassword", text()),
        Field("status", YES_NO),
    ]


HEARTBEAT = [Field("enterpriseId", ENTERPRISE)]
TOKEN = [Field("apiKey", text()), Field("apiSecret", text())]
REGISTRATION = [Field("enterpriseId", ENTERPRISE),
                Field("enterpriseName", text()),
                Field("publicKey", text(4000))]
EXCEED_QUERY = [Field("vehicleTimestamp", DAY_DASHED)]
STRATEGY_QUERY = [Field("strategyTimestamp", DAY_DASHED),
                  Field("enterpriseId", ENTERPRISE)]
ALARM_QUERY = [Field("enterpriseId", ENTERPRISE),
               Field("alarmTimestamp", DAY_DASHED)]
STRATEGY_CONFIRM = [Field("strategyId", text(8000)),
                    Field("enterpriseId", ENTERPRISE)]
ALARM_CONFIRM = [Field("alarmId", text(8000))]

VEHICLE = [
    Field("vehicleId", pattern(r"[0-9A-Z]{22}[0-9]{5}",
                               "the enterprise and five digits")),
    Field("enterpriseId", ENTERPRISE),
    Field("licensePlate", plate(64)),
    Field("plateColor", code(PLATE_COLORS), False),
    Field("vehicleUse", code("12")),
    Field("vin", VIN),
    Field("vehicleType", code(VEHICLE_TYPES)),
    Field("vehicleBrand", text()),
    Field("vehicleModel", text()),
    Field("fuelType", code(FUELS)),
    Field("emissionStandard", code(EMISSIONS)),
    Field("useType", code(USES)),
    Field("fleetName", text()),
    Field("registrationDate", DAY),
    Field("networkStatus", YES_NO),
    Field("carImg1", picture_uri),
    Field("carImg2", picture_uri),
]

MACHINERY = [
    Field("machineryId", pattern(r"JX[0-9A-Z]{22}[0-9]{5}",
                                 "JX, the enterprise and five digits")),
    Field("enterpriseId", ENTERPRISE),
    Field("machineryCode", text()),
    Field("manufactureDate", DAY),
    Field("licensePlate", plate(64), False),
    Field("emissionStandard", code(EMISSIONS)),
    Field("fuelType", code(FUELS)),
    Field("machineryType", code(MACHINES)),
    Field("machineryPin", text()),
    Field("machineryBrand", text()),
    Field("engineModel", text()),
    Field("engineMaker", text()),
    Field("engineNumber", text()),
    Field("machineryImg1", picture_uri),
    Field("machineryImg2", picture_uri),
    Field("machineryImg3", picture_uri, False),
    Field("ownerName", text()),
]

ACCESS = [
    Field("recordId", record_id),
    Field("enterpriseId", ENTERPRISE),
    Field("entranceId", ENTRANCE),
    Field("gateId", GATE, False),
    Field("vehicleId", pattern(r"[0-9A-Z]{22}[0-9]{5}",
                               "the enterprise and five digits")),
    Field("licensePlate", plate()),
    Field("plateColor", code(PLATE_COLORS)),
    Field("vin", VIN),
    Field("accessType", YES_NO),
    Field("accessTime", SECOND),
    Field("cargoType", text()),
    Field("cargoWeight", number(low=0)),
    Field("cargoUnit", code("TLP")),
    Field("carHeadImg", picture_uri),
    Field("carImg", picture_uri),
]

EXCEED_CONFIRM = [
    Field("recordId", text(64)),
    Field("licensePlate", plate()),
    Field("plateColor", code(PLATE_COLORS)),
    Field("vin", VIN),
    Field("excessVerifica", YES_NO),
    Field("excessVerificadate", DAY),
]


# --- what one table row cannot say -------------------------------------------

def enterprise_faults(record, _enterprise):
    if record["areaCode"][:4] != record["regionCode"][:4]:
        yield "regionCode: not below areaCode"
    branch = record.get("industryBranch")
    if branch and not branch.startswith(record["industryType"]):
        yield "industryBranch: not of industryType"


def gate_faults(record):
    gate = record.get("gateId")
    if gate and gate[0] != record["entranceId"]:
        yield "gateId: not of entranceId"


def camera_faults(record, enterprise):
    yield from gate_faults(record)
    if record["cameraId"][:23] != enterprise + record["entranceId"]:
        yield "cameraId: not the enterprise and the entrance"


def vehicle_faults(record, enterprise):
    if record["vehicleId"][:22] != enterprise:
        yield "vehicleId: not of the enterprise"


def machinery_faults(record, enterprise):
    if record["machineryId"][2:24] != enterprise:
        yield "machineryId: not of the enterprise"
    if record["manufactureDate"] >= "20170701" \
            and not record.get("machineryImg3"):
        yield "machineryImg3: needed for machines made since 2017-07-01"


def access_faults(record, enterprise):
    yield from gate_faults(record)
    yield from vehicle_faults(record, enterprise)
    if record["recordId"][18:40] != enterprise:
        yield "recordId: not of the enterprise"
    if record["recordId"][40] != record["accessType"]:
        yield "recordId: its direction is not accessType"


def none_faults(_record, _enterprise):
    return ()
