"""Henan gate networking V1.9.4: the tables of 4.1 and annexes A and B."""

import re

from .fields import (Field, SECOND, SECOND_PLAIN, code, pattern,
                     picture_base64, plate, read_moment, text)

COLORS = "0 1 2 3 4 5".split()                               # 7.1
PICTURE_NUMBERS = "1 2".split()                              # 7.2
PICTURE_KINDS = "1 2 3".split()                              # 7.3
EMISSIONS = "0 1 2 3 4 5 6 7 D X".split()                    # 7.6
USES = "A B C D E F G H I J K L M N O P Q R S".split()       # 7.8
VEHICLE_TYPES = """
B11 B12 B13 B14 B15 B16 B17 B18 B19 B1A B1B B21 B22 B23 B24 B25 B26
B27 B28 B29 B2A B2B B31 B32 B33 B34 B35 B36 B37 B38 B39 D11 D12 F01
F02 F03 F04 F05 F06 F07 F09 G11 G12 G13 G14 G15 G16 G17 G18 G19 G21
G22 G23 G24 G25 G26 G27 G28 G29 G31 G32 G33 G34 G35 G36 G37 G38 H11
H12 H13 H14 H15 H16 H17 H18 H19 H21 H22 H23 H24 H25 H26 H27 H28 H29
H31 H32 H33 H34 H35 H37 H38 H39 H41 H42 H43 H44 H45 H46 H47 H51 H52
H53 H54 H55 J11 J12 J13 K11 K12 K13 K14 K15 K16 K17 K18 K21 K22 K23
K24 K25 K26 K27 K28 K31 K32 K33 K34 K38 K41 K42 K43 M11 M12 M13 M14
M15 M21 M22 N11 Q11 Q12 Q21 Q22 Q31 Q32 R01 R02 T11 T21 T22 T23 X99
Z11 Z21 Z31 Z41 Z51""".split()                               # 7.7

COMPANY = pattern(r"41[0-9]{8}", "a company number of 10 digits")  # 6.2
GATE = pattern(r"[0-9]{2}", "a gate number of two digits")         # 6.3
STATES = code("123")


def serial(value):
    """6.4: company (10) + gate (2) + A or B + yyMMddHHmmss."""
    fault = pattern(r"41[0-9]{8}[0-9]{2}[AB][0-9]{12}",
                    "company, gate, A or B, yyMMddHHmmss")(value)
    if fault:
        return fault
    if read_moment("20" + value[13:], "%Y%m%d%H%M%S", 14) is None:
        return "its time is no date"
    return None


def tonnes(value):
    """4.1.6 ysl: tonnes in at most four characters."""
    if not isinstance(value, str):
        return "not a string"
    if len(value) > 4 or not re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        return "not tonnes in at most four characters"
    return None


def empty_or(rule):
    return lambda value: None if value == "" else rule(value)


PASSAGE = [
    Field("lsh", serial),
    Field("qybh", COMPANY),
    Field("qymc", text(150)),
    Field("dzbh", GATE),
    Field("cphm", plate(20)),
    Field("cpys", code(COLORS)),
]
DRIVING = PASSAGE + [                                        # 4.1.4
    Field("tgsjq", SECOND),
    Field("tgsjz", SECOND),
    Field("tgzt", code("12")),
    Field("bgzt", code("01")),
]
PHOTO = PASSAGE + [                                          # 4.1.5
    Field("zpbh", code(PICTURE_NUMBERS)),
    Field("zplx", code(PICTURE_KINDS)),
    Field("pzsj", SECOND),
]
PHOTO_INLINE = PHOTO + [Field("base64Image", picture_base64)]
GOODS = PASSAGE + [                                          # 4.1.6
    Field("hwmc", text(32)),
    Field("ysl", tonnes),
    Field("djsj", SECOND),
]
CHECK = [                                                    # 4.1.3
    Field("license", plate(20)),
    Field("licenseColor", code(COLORS)),
]
VEHICLE = [                                                  # 4.1.2
    Field("companySecretCode", text(32)),
    Field("license", plate(14)),
    Field("licenseColor", code(COLORS)),
    Field("vehicleType", code(VEHICLE_TYPES)),
    Field("vin", pattern(r"[A-Z0-9]{1,32}", "a vehicle number")),
    Field("useCharacter", code(USES)),
    Field("engineNo", text(32)),
    Field("onwer", text(100)),
    Field("address", text(300)),
    Field("model", text(100)),
    Field("registerDate", SECOND_PLAIN),
    Field("issueDate", SECOND_PLAIN),
    Field("emissionStandard", code(EMISSIONS)),
    Field("drivingLicenseImg", empty_or(picture_base64)),
    Field("drivingLicenseImg2", empty_or(picture_base64)),
]
TOKEN_INSIDE = Field("accessToken", text(32), False)
INNER_VEHICLE = [TOKEN_INSIDE, Field("companyCode", COMPANY)] + VEHICLE + [
    Field("carStatus", STATES)]                              # 4.1.7
MACHINE = [                                                  # 4.1.8
    TOKEN_INSIDE,
    Field("mhyPlate", text(32), False),
    Field("companySecretCode", text(32)),
    Field("companyCode", COMPANY),
    Field("mhyJXMC", text(64)),
    Field("emissionLevel", code(EMISSIONS)),
    Field("mhyFrameNo", text(64)),
    Field("mhyProdDate", SECOND_PLAIN),
    Field("imageInfo", picture_base64),
    Field("mhyStatus", STATES),
]
TOKEN = [                                                    # 4.1.1
    Field("organ", text(32)),
    Field("ipctype", text(64)),
    Field("username", text(20)),
    Field("password", text(30)),
]


def wrapper(value_rule):
    """2.4: the common wrapper."""
    return [Field("organ", text(32)), Field("ipctype", text(64)),
            Field("access_token", text(50)), Field("value", value_rule)]


# --- what one table row cannot say -------------------------------------------

def passage_faults(value):
    if value["lsh"][:10] != value["qybh"]:
        yield "lsh: not of qybh"
    if value["lsh"][10:12] != value["dzbh"]:
        yield "lsh: not of dzbh"


def driving_faults(value):
    yield from passage_faults(value)
    if value["tgsjq"] > value["tgsjz"]:
        yield "tgsjz: before tgsjq"
    if {"A": "1", "B": "2"}[value["lsh"][12]] != value["tgzt"]:
        yield "tgzt: not the direction in lsh"


def photo_faults(value):
    yield from passage_faults(value)
    if value["zplx"] in ("1", "2") \
            and {"A": "1", "B": "2"}[value["lsh"][12]] != value["zplx"]:
        yield "zplx: not the direction in lsh"


def vehicle_faults(value):
    if not value["drivingLicenseImg"] and not value["drivingLicenseImg2"]:
        yield "drivingLicenseImg: both pictures are empty"


def no_faults(_value):
    return ()
