"""Henan gate networking V1.9.4, the city platform's side (4.1)."""

import hashlib
import secrets
import time
from typing import Callable, NamedTuple

from . import henan_tables as tables
from .fields import JsonError, faults_of, jpeg_fault, read_object
from .http import json_answer
from .multipart import MultipartError, read_form
from .platform import (Call, Invalid, Platform, Refused, china_now,
                       digest_of)

SUCCESS = "服务器已成功处理了请求"
WORDS = {  # 2.6, table A.4
    400: "错误请求，服务器不理解请求的语法",
    401: "未授权或身份授权失效，请求要求身份验证",
    403: "禁止，服务器拒绝请求",
    404: "未找到",
    500: "服务器遭遇异常阻止了当前请求的执行",
    702: "请求文件不存在",
    948: "请求文件名格式不正确",
    952: "格式校验失败",
}


class Interface(NamedTuple):
    door: str                 # get_data | put_data | put_file
    table: list
    number: Callable          # value -> record number, or None
    faults: Callable = tables.no_faults
    updates: bool = False     # a ledger: may be sent again, changed
    result: bool = False      # answers with result/err/data
    after: bool = False       # only after its driving record


def serial(value):
    return value["lsh"]


def license_of(value):
    return value["license"] + "/" + value["licenseColor"]


INTERFACES = {
    # 4.1.2 to 4.1.8; 4.1.1 is plain and read apart
    "shareVehInfo": Interface("put_data", tables.VEHICLE, license_of,
                              tables.vehicle_faults, True, True),
    "getCheckVehicle": Interface("get_data", tables.CHECK, lambda v: None),
    "shareDrivingRecord": Interface("put_data", tables.DRIVING, serial,
                                    tables.driving_faults),
    "sharePhotoInfo": Interface("put_file", tables.PHOTO,
                                lambda v: v["lsh"] + "/" + v["zpbh"],
                                tables.photo_faults, after=True),
    "shareGoodsRecord": Interface("put_data", tables.GOODS, serial,
                                  tables.passage_faults, after=True),
    "shareInnerVehInfo": Interface("put_data", tables.INNER_VEHICLE,
                                   license_of, tables.vehicle_faults, True,
                                   True),
    "shareInnerMHYElec": Interface("put_data", tables.MACHINE,
                                   lambda v: v["mhyFrameNo"], updates=True,
                                   result=True),
}


def failed(number, detail="") -> dict:
    words = WORDS.get(number, WORDS[500])
    return {"code": str(number), "status": f"{words}：{detail}" if detail
            else words}


class Henan(Platform):
    name = "henan"
    options = {
        "prefix": "/ysgk/restapi/transportControl",
        "organ": "4110020001", "username": "test", "password": "123",
        "company_secret": "",        # given: companySecretCode has to be it
        "token_seconds": "7200",
        "token_answer": "body",      # body: 200 and code 401; http: 401
        "photo": "multipart",        # inline: base64Image in value
        "flat": "no",                # yes: 4.1.2, 4.1.7, 4.1.8 unwrapped
        "order": "strict",           # count: take a photo before its record
    }

    def setup(self):
        self.tokens = {}     # token -> ends at, monotonic
        self.passages = {}   # lsh -> digest of what a photo has to repeat
        self.vehicles = {}   # "plate/colour" -> members of the answer

    # --- reading -------------------------------------------------------------

    def read(self, call: Call, request):
        door = self.read_door(request)
        body, picture = self.read_body(request, door)
        kind = body.get("ipctype")
        if kind == "getAccessToken" and door == "get_data":
            call.interface = kind
            self.read_token_call(call, body)
            return
        if not isinstance(kind, str) or kind not in INTERFACES \
                or INTERFACES[kind].door != door:
            raise Invalid(f"ipctype: {str(kind)[:60]} is not of {door}")
        call.interface = kind
        self.read_call(call, INTERFACES[kind], body, picture)

    def read_door(self, request):
        prefix = self.settings["prefix"] + "/"
        door = request.path.removeprefix(prefix)
        if not request.path.startswith(prefix) \
                or door not in ("get_data", "put_data", "put_file"):
            raise Invalid(f"path: {request.path[:100]} is no interface",
                          answer=json_answer(failed(404), 404))
        if request.method != "POST":
            raise Invalid("method: not POST",
                          answer=json_answer(failed(400), 405))
        return door

    def read_body(self, request, door):
        picture = None
        try:
            if door == "put_file" and self.settings["photo"] == "multipart":
                info, picture = self.read_form(request)
            else:
                if request.media_type() != "application/json":
                    raise Invalid("Content-Type: not application/json")
                info = request.body
            return read_object(info), picture
        except JsonError as error:
            raise Invalid(f"body: {error}",
                          answer=json_answer(failed(400))) from None

    def read_form(self, request):
        """5.2: the parts `file` and `info`, each once."""
        try:
            parts = read_form(request.headers.get("content-type", ""),
                              request.body)
        except MultipartError as error:
            raise Invalid(f"form: {error}",
                          answer=json_answer(failed(400))) from None
        named = {part.name: part for part in parts}
        if set(named) != {"file", "info"} or len(parts) != 2:
            raise Invalid("form: parts are not file and info",
                          answer=json_answer(failed(702)))
        file = named["file"]
        if file.filename is None \
                or not file.filename.lower().endswith((".jpg", ".jpeg")):
            raise Invalid("file: its name does not end in .jpg",
                          answer=json_answer(failed(948)))
        fault = jpeg_fault(file.data)
        if fault:
            raise Invalid(f"file: {fault}")
        return named["info"].data, file.data

    def read_token_call(self, call, body):
        faults = faults_of(body, tables.TOKEN)
        if faults:
            raise Invalid(*faults)
        s = self.settings
        if (body["organ"], body["username"], body["password"]) != \
                (s["organ"], s["username"], s["password"]):
            raise Refused("organ, username or password: wrong",
                          json_answer(failed(401)))
        call.answer = self.issue

    def issue(self):
        token = secrets.token_hex(16).upper()
        self.tokens[token] = time.monotonic() + float(
            self.settings["token_seconds"])
        return json_answer({
            "code": "200", "status": SUCCESS, "access_token": token,
            "datetime": china_now().strftime("%Y-%m-%d %H:%M:%S")})

    def read_call(self, call, interface, body, picture):
        value, token = self.unwrap(interface, body)
        self.note_number(call, interface, value)
        self.check_token(call, body, token)
        table = interface.table
        if call.interface == "sharePhotoInfo" and picture is None:
            table = tables.PHOTO_INLINE
        faults = faults_of(value, table) or list(interface.faults(value))
        if interface.result:
            faults += self.company_faults(value, token)
        if faults:
            raise Invalid(*faults)
        call.updates = interface.updates
        call.shown = dict(value)
        call.facts = {k: v for k, v in value.items() if k != "accessToken"}
        if picture is not None:
            digest = hashlib.sha256(picture).hexdigest()
            call.facts["file"] = call.shown["file"] = digest
            call.shown["file_bytes"] = len(picture)
        self.check_order(call, interface, value)
        self.finish(call, interface, value)

    def unwrap(self, interface, body):
        """(value, token): 2.4, or the flat form when it is switched on."""
        if interface.result and self.settings["flat"] == "yes":
            value = {k: v for k, v in body.items() if k != "ipctype"}
            return value, body.get("accessToken", "")
        faults = faults_of(body, tables.wrapper(
            lambda v: None if isinstance(v, dict) else "not an object"))
        if faults:
            raise Invalid(*faults)
        return body["value"], body["access_token"]

    def note_number(self, call, interface, value):
        try:
            number = interface.number(value)
        except (KeyError, TypeError):
            return
        if isinstance(number, str) and 0 < len(number) <= 200:
            call.number = number

    def check_token(self, call, body, token):
        if body.get("organ", self.settings["organ"]) != self.settings["organ"]:
            raise Refused("organ: unknown", json_answer(failed(403)))
        ends_at = self.tokens.get(token) if isinstance(token, str) else None
        if ends_at is None:
            raise Refused("access_token: unknown", self.token_failure(call))
        if time.monotonic() >= ends_at:
            raise Refused("access_token: expired", self.token_failure(call))

    def company_faults(self, value, token):
        secret = self.settings["company_secret"]
        if secret and value.get("companySecretCode") != secret:
            yield "companySecretCode: wrong"
        if value.get("accessToken", token) != token:
            yield "accessToken: not the token of the wrapper"

    # --- taking effect ---------------------------------------------------------

    def check_order(self, call, interface, value):
        """A photo or goods belong to a driving record sent before."""
        if not interface.after:
            return
        held = self.passages.get(value["lsh"])
        if held is None:
            if self.settings["order"] == "strict":
                raise Refused("lsh: its driving record is not here yet",
                              json_answer(failed(404, "流水号不存在")),
                              out_of_order=True)
            self.books.count(call.interface, "out_of_order")
        elif held != passage_digest(value):
            raise Invalid("lsh: differs from its driving record")

    def finish(self, call, interface, value):
        if call.interface == "shareDrivingRecord":
            call.commit = lambda: self.passages.setdefault(
                value["lsh"], passage_digest(value))
        if call.interface == "getCheckVehicle":
            call.answer = lambda: self.verdict(value)
        elif interface.result:
            call.answer = lambda: json_answer(
                {"result": "success", "err": "", "data": {}})
        else:
            call.answer = lambda: json_answer(
                {"code": "200", "status": SUCCESS})

    def verdict(self, value):
        answer = {"license": value["license"],
                  "licenseColor": value["licenseColor"], "isControl": "0",
                  "fuelType": "B", "emissionStandard": "6",
                  "controlReason": ""}
        answer.update(self.vehicles.get(license_of(value), {}))
        return json_answer({"code": "200", "status": SUCCESS,
                            "value": answer})

    # --- answers -----------------------------------------------------------------

    def token_failure(self, call):
        status = 401 if self.settings["token_answer"] == "http" else 200
        return json_answer(failed(401), status)

    def invalid(self, call, reasons):
        return self.failure(call, 952, "格式校验失败：" + "；".join(reasons[:5]))

    def failure(self, call, code, message):
        interface = INTERFACES.get(call.interface)
        if interface is not None and interface.result:
            return json_answer({"result": "fail", "err": message, "data": {}})
        return json_answer({"code": str(500 if code is None else code),
                            "status": message})

    # --- control and state ---------------------------------------------------------

    def control(self, path, method, value):
        if path == "/_control/vehicles" and method == "POST":
            self.vehicles.update(value)
            return {"vehicles": len(self.vehicles)}
        if path == "/_control/expire_tokens" and method == "POST":
            ended = len(self.tokens)
            self.tokens.clear()
            return {"ended": ended}
        return None

    def save(self):
        return {"passages": self.passages, "vehicles": self.vehicles}

    def load(self, saved):
        self.passages.update(saved["passages"])
        self.vehicles.update(saved["vehicles"])


def passage_digest(value) -> str:
    """What every record of one passage says alike."""
    return digest_of({name: value[name] for name in
                      ("lsh", "qybh", "qymc", "dzbh", "cphm", "cpys")})
