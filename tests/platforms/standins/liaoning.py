"""Liaoning energy monitoring 2023, the province platform's side (6, A)."""

import datetime
import hashlib

from . import liaoning_tables as tables
from .fields import (JsonError, credit_code, faults_of, read_moment,
                     read_object)
from .http import json_answer
from .platform import (Call, Invalid, Platform, Refused, china_now,
                       digest_of)

SUCCESS = "RECEIVE SUCCESS"
WORDS = {  # 6.3.1.2, table 1
    "E1001": "平台服务异常",
    "E1002": "服务器数据库异常，联系省级平台管理员",
    "E2001": "请求参数异常，缺少必填项",
    "E2002": "请求参数异常，参数格式不合法",
}
ITEMS = "energyItems"  # the account of single items, beside the batches
SECOND = "%Y-%m-%d %H:%M:%S"
SHAPES = {  # 0 real time, 1 day, 2 month, 3 year: how a label has to end
    1: ("%H:%M:%S", "00:00:00"),
    2: ("%d %H:%M:%S", "01 00:00:00"),
    3: ("%m-%d %H:%M:%S", "01-01 00:00:00"),
}


def failed(code, detail="") -> dict:
    words = WORDS.get(code, WORDS["E1001"])
    return {"responseCode": code,
            "responseMessage": f"{words}：{detail}" if detail else words}


def data_code(item) -> str:
    """B.3, in Liaoning's form."""
    return "-".join((
        item["processCode"], item["processUnitCode"],
        item["equipmentCode"] + item["equipmentUnitCode"],
        item["energyClassCode"] + item["energyTypeCode"],
        item["dataUsageCode"]))


def period_end(item):
    """The moment the period of an item is over."""
    start = read_moment(item["statDate"], SECOND, 19)
    kind = item["statType"]
    if kind == 1:
        return start + datetime.timedelta(days=1)
    if kind == 2:
        return (start + datetime.timedelta(days=32)).replace(day=1)
    if kind == 3:
        return start.replace(year=start.year + 1)
    return start  # 0: the label is the mark that ends the interval


class Liaoning(Platform):
    name = "liaoning"
    options = {
        "prefix": "",             # before the paths, without a slash behind
        "public": "",             # HOST:PORT in the URLs; where it listens
        "upload_time": "01:05:00",
        "upload_in_seconds": "",  # given: so long after the registration
        "reg_version": "125", "dic_version": "125",
        "interval": "15",         # marks of real-time items: 15, 30, 60
        "uscc": "check",          # shape: no check character
    }
    paths = {"": "register", "/": "register",
             "/versionCheck": "versionCheck",
             "/uploadConfigData": "uploadConfigData",
             "/uploadEnergyData": "uploadEnergyData",
             "/downloadBaseData": "downloadBaseData"}

    def setup(self):
        self.called_as = ""  # the Host of the last request
        self.devices = {}   # deviceId -> enterpriseCode
        self.configured = {}  # enterpriseCode -> set of dataCode
        credit = credit_code(self.settings["uscc"] == "check")
        self.tables = {
            "register": tables.registration(credit),
            "versionCheck": tables.VERSION,
            "downloadBaseData": tables.BASE_DATA,
            "uploadConfigData": tables.config(credit),
            "uploadEnergyData": tables.upload(credit)}
        self.enterprise = tables.enterprise(credit)

    # --- reading ---------------------------------------------------------------

    def read(self, call: Call, request):
        prefix = self.settings["prefix"]
        path = request.path.removeprefix(prefix)
        if not request.path.startswith(prefix) or path not in self.paths:
            raise Invalid(f"path: {request.path[:100]} is no interface",
                          answer=json_answer(failed("E1001"), 404))
        call.interface = self.paths[path]
        if request.method != "POST":
            raise Invalid("method: not POST",
                          answer=json_answer(failed("E1001"), 405))
        if request.media_type() != "application/json":
            raise Invalid("Content-Type: not application/json")
        try:
            body = read_object(request.body)
        except JsonError as error:
            raise Invalid(f"body: {error}") from None
        self.called_as = request.headers.get("host", "")
        self.note_number(call, body)
        faults = faults_of(body, self.tables[call.interface])
        if faults:
            raise Invalid(*faults)
        if call.interface != "register":
            self.check_device(body)
        getattr(self, "read_" + call.interface)(call, body)

    def note_number(self, call, body):
        if call.interface == "register":
            number = body.get("enterpriseCode")
        elif call.interface == "uploadConfigData":
            number = body.get("deviceId")
        elif call.interface == "uploadEnergyData":
            number = batch_number(body)
        else:
            number = None
        if isinstance(number, str) and 0 < len(number) <= 200:
            call.number = number

    def check_device(self, body):
        owner = self.devices.get(body["deviceId"])
        if owner is None:
            raise Refused("deviceId: unknown", json_answer(
                failed("E2002", "deviceId 未注册")))
        if body.get("enterpriseCode", owner) != owner:
            raise Invalid("enterpriseCode: not the device's")

    def read_register(self, call, body):
        if body["region"].endswith("00"):
            raise Invalid("region: not of a county")
        call.facts = call.shown = body
        call.updates = True
        call.answer = lambda: self.register(body["enterpriseCode"])

    def register(self, enterprise):
        device = hashlib.md5(("device " + enterprise).encode()).hexdigest()
        self.devices[device] = enterprise
        base = self.public() + self.settings["prefix"]
        return json_answer({
            "responseCode": "0", "responseMessage": SUCCESS,
            "deviceId": device,
            "loadConfigURL": base + "/downloadBaseData",
            "loadDicVersionURL": base + "/versionCheck",
            "centerInfoURL": base + "/uploadConfigData",
            "centerDataURL": base + "/uploadEnergyData",
            "centerInfoDownloadURL": base + "/downloadConfigData",
            "centerDataDownloadURL": base + "/downloadEnergyData",
            "uploadTime": self.upload_time()})

    def public(self):
        """HOST:PORT of the URLs handed out."""
        if self.settings["public"]:
            return self.settings["public"]
        if self.address[0] in ("0.0.0.0", "::"):
            return self.called_as  # listening everywhere: as we were called
        return "%s:%d" % tuple(self.address)

    def upload_time(self):
        seconds = self.settings["upload_in_seconds"]
        if not seconds:
            return self.settings["upload_time"]
        then = china_now() + datetime.timedelta(seconds=float(seconds))
        return then.strftime("%H:%M:%S")

    def read_versionCheck(self, call, body):
        call.heartbeat = body["deviceId"]
        call.answer = lambda: json_answer({
            "responseCode": "0", "responseMessage": SUCCESS,
            "regVersion": self.settings["reg_version"],
            "dicVersion": self.settings["dic_version"]})

    def read_downloadBaseData(self, call, body):
        wanted = body.get("type") or "all"
        data = {name: rows for name, rows in tables.DICTIONARY.items()
                if wanted in ("all", name)}
        call.answer = lambda: json_answer({
            "responseCode": "0", "responseMessage": SUCCESS, "data": data})

    # --- configuration -----------------------------------------------------------

    def read_uploadConfigData(self, call, body):
        faults = faults_of_each(body["collectItemConfig"],
                                "collectItemConfig", tables.CONFIG_ITEM)
        faults += within("enterprise", faults_of(body["enterprise"],
                                                 self.enterprise))
        if body.get("group"):
            faults += within("group", faults_of(body["group"], tables.GROUP))
        faults += faults_of_each(body.get("process") or [], "process",
                                 tables.PROCESS)
        faults += faults_of_each(body.get("processUnit") or [],
                                 "processUnit", tables.PROCESS_UNIT)
        if faults:
            raise Invalid(*faults)
        codes = {data_code(item) for item in body["collectItemConfig"]}
        call.facts = call.shown = body
        call.updates = True
        call.commit = lambda: self.configured.update(
            {body["enterpriseCode"]: codes})
        call.answer = self.done

    def done(self):
        return json_answer({"responseCode": "0", "responseMessage": SUCCESS})

    # --- energy data ---------------------------------------------------------------

    def read_uploadEnergyData(self, call, body):
        faults = faults_of_each(body["data"], "data", tables.ENERGY_ITEM)
        if faults:
            raise Invalid(*faults)
        codes = self.configured.get(body["enterpriseCode"], ())
        items = {}
        for at, item in enumerate(body["data"]):
            faults += within(f"data[{at}]", item_faults(
                item, codes, int(self.settings["interval"])))
            key = item_key(body["enterpriseCode"], item)
            if key in items:
                faults.append(f"data[{at}]: the same item twice")
            items[key] = item_facts(item)
            fate = self.books.fate(ITEMS, key, digest_of(items[key]))
            if fate == "other":
                faults.append(f"data[{at}]: changed facts of {key}")
        if faults:
            raise Invalid(*faults)
        call.facts = items
        call.shown = body
        call.commit = lambda: self.book_items(items)
        call.answer = self.done

    def book_items(self, items):
        for key, facts in items.items():
            self.books.arrived(ITEMS, key)
            digest = digest_of(facts)
            fate = self.books.fate(ITEMS, key, digest)
            self.books.count(ITEMS, "accepted" if fate == "new"
                             else "duplicates")
            self.books.record(ITEMS, key, digest)

    # --- answers ---------------------------------------------------------------------

    def token_failure(self, call):
        return json_answer(failed("E1001", "身份验证失效"), 401)

    def signature_failure(self, call):
        return json_answer(failed("E1001", "证书校验失败"), 403)

    def invalid(self, call, reasons):
        absent = any(reason.endswith(": absent") for reason in reasons)
        return json_answer(failed("E2001" if absent else "E2002",
                                  "；".join(reasons[:5])))

    def failure(self, call, code, message):
        if code is None:
            code = "E1001"
        return json_answer({"responseCode": str(code),
                            "responseMessage": message})

    # --- control and state -------------------------------------------------------------

    def control(self, path, method, value):
        if path == "/_control/identity" and method == "GET":
            return {"devices": self.devices, "configured": {
                name: sorted(codes)
                for name, codes in self.configured.items()}}
        return None

    def save(self):
        return {"devices": self.devices, "configured": {
            name: sorted(codes) for name, codes in self.configured.items()}}

    def load(self, saved):
        self.devices.update(saved["devices"])
        self.configured.update({
            name: set(codes) for name, codes in saved["configured"].items()})


def within(where, faults) -> list:
    return [f"{where}.{fault}" for fault in faults]


def faults_of_each(values, where, table) -> list:
    faults = []
    for at, value in enumerate(values):
        if not isinstance(value, dict):
            faults.append(f"{where}[{at}]: not an object")
        else:
            faults += within(f"{where}[{at}]", faults_of(value, table))
    return faults


def item_key(enterprise, item) -> str:
    return "|".join((enterprise, item["dataCode"], str(item["statType"]),
                     item["statDate"]))


def item_facts(item) -> dict:
    """All of an item but uploadDate, which is the time of the request."""
    return {name: value for name, value in item.items()
            if name != "uploadDate"}


def item_faults(item, codes, interval):
    if item["dataCode"] not in codes:
        yield "dataCode: not configured by uploadConfigData"
    label = read_moment(item["statDate"], SECOND, 19)
    if item["statType"] == 0:
        if label.second or (label.hour * 60 + label.minute) % interval:
            yield f"statDate: not a mark of {interval} minutes"
    else:
        form, start = SHAPES[item["statType"]]
        if label.strftime(form) != start:
            yield "statDate: not the start of its period"
            return
    if item["uploadDate"] < period_end(item).strftime(SECOND):
        yield "uploadDate: before the period is over"


def batch_number(body):
    """The enterprise and the set of (dataCode, statType, statDate)."""
    try:
        keys = sorted(item_key(body["enterpriseCode"], item)
                      for item in body["data"])
    except (KeyError, TypeError):
        return None
    digest = hashlib.sha256("\n".join(keys).encode()).hexdigest()[:24]
    return f"{body['enterpriseCode']}/{len(keys)}/{digest}"
