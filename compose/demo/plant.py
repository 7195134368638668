"""The factory of the demonstration: its accounts, platforms and settings."""
import json
import subprocess

from stack import PYTHON, ROOT, StackError

YUNNAN_ENTERPRISE = "91110000710934615P001X"
HENAN_ORGAN = "4110020001"
HENAN_PASSWORD = "123"          # the stand-in's own default
ENERGY_ENTERPRISE = "91350100M000100Y43"
NAME = "示例有限公司"
UPLOAD_IN_SECONDS = 15
INTERVAL_MINUTES = 15
DEVICES_PROGRAM = ROOT / "tests/devices/devices.py"

# name of the account, devices that publish under it
DEVICES = [
    ("gate", ["camera/cam-in-head", "camera/cam-in-body",
              "camera/cam-out-head", "camera/cam-out-body",
              "weighbridge/scale-in", "weighbridge/scale-out"]),
    ("meter", ["meter/meter-1"]),
]
VEHICLES = 50
RATE = 2         # vehicles a second
PICTURE_KB = 60
OTHER_ACCOUNTS = [("operator", "demo")]
PLATFORMS = {"yunnan": {}, "henan": {},
             "liaoning": {"upload_in_seconds": UPLOAD_IN_SECONDS}}

ENTERPRISE = {
    "code": ENERGY_ENTERPRISE, "name": NAME, "typeCode": "160",
    "industryCode": "C3120", "center": False, "phone": "024-00000000",
    "corporationCode": ENERGY_ENTERPRISE, "regionCode": "210102",
    "jgzh": False, "latitude": 41.8, "longitude": 123.4,
    "energyConsumeLevel": 1,
}


def lane(name, gate, direction, devices):
    """devices: the end of its devices' names, "in" in cam-in-head."""
    return {
        "name": name, "entrance": "A", "gate": gate, "direction": direction,
        "head_camera": f"cam-{devices}-head",
        "body_camera": f"cam-{devices}-body",
        "weighbridge": f"scale-{devices}", "weighing": "lane",
        "cargo_type": "铁矿石", "deadline_s": 10,
        "destinations": ["yunnan", "henan"],
    }


def ledger():
    """The vehicles that come to this factory, as CSV."""
    done = subprocess.run(
        [PYTHON, DEVICES_PROGRAM, "ledger", "--count", str(VEHICLES),
         "--enterprise", YUNNAN_ENTERPRISE, "--seed", "1"],
        check=False, capture_output=True, text=True)
    if done.returncode:
        raise StackError(done.stderr.strip())
    return done.stdout


def settings(urls, files, outage=False, lanes=(), items=()):
    """bridge.yaml of the demonstration.

    urls: destination -> base_url; files: the folder that holds what
    write_files wrote, as the bridge sees it; lanes, items: of devices that
    are not among DEVICES.
    """
    whole = {
        "ledger_file": f"{files}/ledger.csv",
        "destinations": [
            {"name": "yunnan", "platform": "yunnan",
             "base_url": urls["yunnan"] + "/access/api/dataReceive",
             "yunnan": {"enterprise_id": YUNNAN_ENTERPRISE,
                        "enterprise_name": NAME}},
            {"name": "henan", "platform": "henan",
             "base_url": urls["henan"] + "/ysgk",
             "henan": {"organ": HENAN_ORGAN, "username": "test",
                       "password_file": f"{files}/henan.password",
                       "company_number": HENAN_ORGAN, "company_name": NAME}},
            {"name": "liaoning", "platform": "liaoning",
             "base_url": urls["liaoning"],
             "energy": {"enterprise_code": ENERGY_ENTERPRISE,
                        "enterprise_name": NAME, "region": "210102",
                        "region_name": "和平区", "plain_http": True,
                        "enterprise_file": f"{files}/enterprise.json",
                        "items": [energy_item("meter-1"), *items]}},
        ],
        "lanes": [lane("north-in", "A01", "in", "in"),
                  lane("north-out", "A02", "out", "out"), *lanes],
    }
    if outage:  # a demonstration of resends that nobody has to wait for
        whole["uplink"] = {"resend_after_s": [1, 2, 3]}
    return whole


def energy_item(meter, number="00"):
    return {"name": f"electricity of {meter}", "equipment_unit": number,
            "energy_class": "02", "energy_type": "3300", "usage": "11",
            "meter": meter, "register": "import_kwh",
            "interval_minutes": INTERVAL_MINUTES}


def furnish(stack, outage=False, **other):
    """Accounts, stand-ins and settings (other: see there); answers the
    stand-ins by name."""
    for account, names in DEVICES:
        stack.accounts("add", "device", account, *names)
    for words in OTHER_ACCOUNTS:
        stack.accounts("add", *words)
    stack.reload_accounts()
    standins = {kind: stack.start_standin(kind, **options)
                for kind, options in PLATFORMS.items()}
    write_files(stack.site_folder / "secrets")
    stack.write_settings(settings(
        {name: standin.url for name, standin in standins.items()},
        stack.site_folder / "secrets", outage, **other))
    return standins


def write_files(folder):
    """What the settings point at; only its owner may read it."""
    for name, text in (("henan.password", HENAN_PASSWORD),
                       ("enterprise.json", json.dumps(ENTERPRISE)),
                       ("ledger.csv", ledger())):
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")


def ledger_file(stack):
    return stack.site_folder / "secrets/ledger.csv"


def start_devices(stack, seconds):
    """The simulated devices by name, publishing for so long."""
    limit = [] if seconds is None else ["--seconds", seconds]
    ways = {"gate": ["--ledger", ledger_file(stack),
                     "--rate", RATE, "--picture-kb", PICTURE_KB],
            "meter": []}
    return {name: stack.start_devices(name, name, name, "--shared", *words,
                                      *limit)
            for name, words in ways.items()}
