"""Yunnan key-industry gate supervision V1.1, the platform's side."""

import hashlib
import json
import secrets
import string
import time
from pathlib import Path
from typing import Callable, NamedTuple

from . import envelope, yunnan_tables as tables
from .envelope import EnvelopeError
from .fields import JsonError, faults_of, read_object
from .http import Answer, json_answer
from .platform import Call, Invalid, Platform, Refused, shorten

PAGE = 100                  # 6.6, 6.9: at most 100 records an answer
SESSION_KEYS_KEPT = 200_000
WRONG_SIGNATURE = "✖ 验签失败！签名不匹配！数据可能被篡改或来源不可信。"  # 4.3


class Interface(NamedTuple):
    table: Callable           # settings -> fields
    words: str                # message of success
    number: str = ""          # the field that numbers the record
    updates: bool = False     # a ledger: may be sent again, changed
    faults: Callable = tables.none_faults
    token: bool = True


def fixed(table):
    return lambda settings: table


def check_codes(settings):
    return settings["uscc"] == "check"


INTERFACES = {
    # 6.1 to 6.14, in the order of the text
    "getToken": Interface(fixed(tables.TOKEN), "获取成功", token=False),
    "enterprise": Interface(
        lambda s: tables.enterprise_fields(check_codes(s)), "上传成功",
        "enterpriseId", True, tables.enterprise_faults),
    "cameraInfo": Interface(
        lambda s: tables.camera_fields(s["nvr_port"]), "上传成功",
        "cameraId", True, tables.camera_faults),
    "heartBeat": Interface(fixed(tables.HEARTBEAT), "企业联网信息更新成功"),
    "exceedVehicle": Interface(fixed(tables.EXCEED_QUERY), "超标车辆查询成功"),
    "basStrategy": Interface(fixed(tables.STRATEGY_QUERY),
                             "企业管理策略获取成功"),
    "strategyConfirm": Interface(fixed(tables.STRATEGY_CONFIRM), "通知成功",
                                 "strategyId"),
    "alarmVehicle": Interface(fixed(tables.ALARM_QUERY),
                              "企业违规通行车辆获取成功"),
    "alarmConfirm": Interface(fixed(tables.ALARM_CONFIRM), "通知成功",
                              "alarmId"),
    "vehicleInfo": Interface(fixed(tables.VEHICLE), "上传成功", "vehicleId",
                             True, tables.vehicle_faults),
    "nonMachinery": Interface(fixed(tables.MACHINERY), "上传成功",
                              "machineryId", True, tables.machinery_faults),
    "vehicleAccess": Interface(fixed(tables.ACCESS), "上传成功", "recordId",
                               False, tables.access_faults),
    "exceedVehicleConfirm": Interface(fixed(tables.EXCEED_CONFIRM),
                                      "上传成功", "recordId"),
}

# query -> (field of the time asked from, field of a record's time)
QUERIES = {
    "exceedVehicle": ("vehicleTimestamp", "sendTime"),
    "basStrategy": ("strategyTimestamp", "startdate"),
    "alarmVehicle": ("alarmTimestamp", "alarmTime"),
}


class Yunnan(Platform):
    name = "yunnan"
    options = {
        "prefix": "/access/api/dataReceive",
        "token_seconds": "7200",
        "token_answer": "http",      # http: 401 and code 401; body: 200, 401
        "single_token": "no",        # yes: a new token ends the one before
        "signature_over": "key_and_content",
        "signature_form": "raw",
        "nvr_port": "nvrPort",
        "uscc": "check",             # shape: no check character
        "require_vehicle": "no",     # yes: vehicleId has to be in the ledger
        "paging": "cursor",          # stateless: the time asked from decides
        "api_key": "", "api_secret": "", "enterprise_id": "",
        "enterprise_key": "", "platform_key": "",
    }

    def setup(self):
        self.clients = {}     # apiKey -> {id, name, secret, key, token...}
        self.tokens = {}      # token -> (apiKey, ends at, monotonic)
        self.session_keys = {}
        self.downlink = {name: [] for name in QUERIES}
        self.cursors = {}
        self.fields = {name: interface.table(self.settings)
                       for name, interface in INTERFACES.items()}
        path = self.settings["platform_key"]
        self.key = (envelope.read_private_key(Path(path).read_bytes())
                    if path else envelope.make_private_key())
        self.preset_client()

    def preset_client(self):
        s = self.settings
        given = [s["api_key"], s["api_secret"], s["enterprise_id"],
                 s["enterprise_key"]]
        if not any(given):
            return
        if not all(given):
            raise ValueError("api_key, api_secret, enterprise_id and "
                             "enterprise_key are given together")
        public = Path(s["enterprise_key"]).read_text().strip()
        self.add_client(s["enterprise_id"], "", public, s["api_key"],
                        s["api_secret"])

    def add_client(self, enterprise, name, public, api_key, secret):
        self.clients[api_key] = {
            "apiKey": api_key, "id": enterprise, "name": name,
            "secret": secret, "public": public,
            "key": envelope.read_public_key(public)}

    # --- reading -----------------------------------------------------------

    def read(self, call: Call, request):
        prefix = self.settings["prefix"] + "/"
        if request.path.startswith(prefix):
            call.interface = request.path[len(prefix):]
        if call.interface != "init-auth" and call.interface not in INTERFACES:
            call.interface = "unknown"
            raise Invalid(f"path: {request.path[:100]} is no interface",
                          answer=json_answer(failure(404, "接口不存在"), 404))
        if request.method != "POST":
            raise Invalid("method: not POST",
                          answer=json_answer(failure(405, "请求方式错误"), 405))
        if request.media_type() != "application/json":
            raise Invalid("Content-Type: not application/json")
        try:
            body = read_object(request.body)
        except JsonError as error:
            raise Invalid(f"body: {error}") from error
        if call.interface == "init-auth":
            self.read_registration(call, body)
        else:
            self.read_sealed(call, request, body)

    def read_registration(self, call, body):
        faults = faults_of(body, tables.REGISTRATION)
        if not faults:
            try:
                envelope.read_public_key(body["publicKey"])
                if body["publicKey"].startswith("-"):
                    faults = ["publicKey: PEM, not base64"]
            except ValueError as error:
                faults = [f"publicKey: {error}"]
        if faults:
            raise Invalid(*faults)
        call.number = body["enterpriseId"]
        if any(c["id"] == call.number for c in self.clients.values()):
            raise Refused("the enterprise is registered already", json_answer(
                failure(500, "企业已注册，不允许重复调用")))
        call.facts = call.shown = body
        call.answer = lambda: self.register(body)

    def register(self, body) -> Answer:
        letters = string.ascii_letters + string.digits
        api_key = "YN_" + "".join(secrets.choice(letters) for _ in range(24))
        secret = "".join(secrets.choice(letters) for _ in range(38))
        self.add_client(body["enterpriseId"], body["enterpriseName"],
                        body["publicKey"], api_key, secret)
        return json_answer({"code": 200, "message": "获取成功", "data": {
            "apiKey": api_key, "apiSecret": secret,
            "publicKey": envelope.write_public_key(self.key.public_key())}})

    def read_sealed(self, call, request, body):
        client = self.read_client(request)
        plain = self.open(client, body)
        interface = INTERFACES[call.interface]
        number = plain.get(interface.number)
        if isinstance(number, str) and 0 < len(number) <= 200:
            call.number = number
        if interface.token:
            self.check_token(call, request, client)
        faults = faults_of(plain, self.fields[call.interface])
        if not faults:
            faults = list(interface.faults(plain, client["id"]))
            if plain.get("enterpriseId", client["id"]) != client["id"]:
                faults.append("enterpriseId: not the registered one")
        if faults:
            raise Invalid(*faults)
        call.facts = call.shown = plain
        call.updates = interface.updates
        self.finish(call, client, plain)

    def read_client(self, request):
        api_key = request.headers.get("x-client-id")
        if not api_key:
            raise Invalid("X-Client-Id: absent")
        client = self.clients.get(api_key)
        if client is None:
            raise Refused("X-Client-Id: unknown client", json_answer(
                failure(401, "企业端标识无效"), self.token_status()))
        return client

    def open(self, client, body) -> dict:
        try:
            parts = envelope.parts_of(body)
            envelope.check_signature(client["key"], body, parts,
                                     self.settings["signature_over"],
                                     self.settings["signature_form"])
            key, plain = envelope.open_content(self.key, parts)
        except EnvelopeError as error:
            answer = (json_answer(failure(500, WRONG_SIGNATURE))
                      if error.signature else None)
            raise Invalid(str(error), answer=answer) from None
        self.check_session_key(key)
        try:
            return read_object(plain)
        except JsonError as error:
            raise Invalid(f"content: {error}") from None

    def check_session_key(self, key):
        """5.1: the session key is random and for this request only."""
        digest = hashlib.blake2b(key, digest_size=12).digest()
        if digest in self.session_keys:
            raise Invalid("encryptedAesKey: this session key was used before")
        self.session_keys[digest] = None
        if len(self.session_keys) > SESSION_KEYS_KEPT:
            del self.session_keys[next(iter(self.session_keys))]

    def check_token(self, call, request, client):
        given = request.headers.get("authorization", "")
        if not given.startswith("Bearer "):
            raise Invalid("Authorization: no Bearer token",
                          answer=self.token_failure(call))
        api_key, ends_at = self.tokens.get(given[7:], (None, 0))
        if api_key != client["apiKey"]:
            raise Refused("token: unknown", self.token_failure(call))
        if time.monotonic() >= ends_at:
            raise Refused("token: expired", self.token_failure(call))

    # --- taking effect -------------------------------------------------------

    def finish(self, call, client, plain):
        """What the call does and answers once it is accepted."""
        words = INTERFACES[call.interface].words
        call.answer = lambda: json_answer(
            {"code": 200, "message": words, "aesKey": None, "data": None})
        if call.interface == "getToken":
            self.finish_token(call, client, plain)
        elif call.interface == "heartBeat":
            call.heartbeat = client["id"]
        elif call.interface in QUERIES:
            call.answer = lambda: self.page(call.interface, client, plain)
        elif call.interface == "alarmConfirm":
            if len(plain["alarmId"].split(",")) > 100:
                raise Invalid("alarmId: more than 100 numbers")
        elif call.interface == "vehicleAccess":
            self.check_vehicle(plain)

    def finish_token(self, call, client, plain):
        right = (plain["apiKey"] == client["apiKey"]
                 and plain["apiSecret"] == client["secret"])
        if not right:
            raise Refused("apiKey or apiSecret: wrong", json_answer(
                failure(500, "apiKey 或 apiSecret 错误")))
        call.shown = None
        call.answer = lambda: self.issue(client)

    def issue(self, client) -> Answer:
        if self.settings["single_token"] == "yes":
            self.tokens = {token: held for token, held in self.tokens.items()
                           if held[0] != client["apiKey"]}
        seconds = self.settings["token_seconds"]
        token = secrets.token_urlsafe(24)
        self.tokens[token] = (client["apiKey"],
                              time.monotonic() + float(seconds))
        return self.sealed(client, "获取成功",
                           {"token": token, "expireTime": seconds})

    def sealed(self, client, words, data) -> Answer:
        plain = json.dumps(data, ensure_ascii=False).encode()
        key, content = envelope.seal_answer(client["key"], plain)
        return json_answer({"code": 200, "message": words, "aesKey": key,
                            "data": content})

    def check_vehicle(self, plain):
        if self.settings["require_vehicle"] == "yes" and not self.books.known(
                "vehicleInfo", plain["vehicleId"]):
            raise Refused("vehicleId: not in the ledger", json_answer(
                failure(500, "车辆编号不存在，请先上传车辆台账")))

    def page(self, query, client, plain) -> Answer:
        asked, field = QUERIES[query]
        since = plain[asked].replace("-", "")
        records = [r for r in self.downlink[query]
                   if str(r.get(field, "")).replace("-", "")[:8] >= since]
        records.sort(key=lambda r: str(r.get(field, "")))
        start = 0
        if self.settings["paging"] == "cursor":
            mark = (client["apiKey"], query, since)
            start = self.cursors.get(mark, 0)
            more = start + PAGE < len(records)
            self.cursors[mark] = start + PAGE if more else 0
        else:
            more = len(records) > PAGE
        return self.sealed(client, INTERFACES[query].words, {
            "totalRecords": len(records), "isNew": "1" if more else "0",
            "records": records[start:start + PAGE]})

    # --- answers -------------------------------------------------------------

    def token_status(self):
        return 401 if self.settings["token_answer"] == "http" else 200

    def token_failure(self, call):
        return json_answer(failure(401, "访问令牌无效或已过期"),
                           self.token_status())

    def signature_failure(self, call):
        return json_answer(failure(500, WRONG_SIGNATURE))

    def invalid(self, call, reasons):
        return json_answer(failure(500, "参数校验失败：" + "；".join(
            shorten(reason) for reason in reasons[:5])))

    def failure(self, call, code, message):
        return json_answer(failure(500 if code is None else code, message))

    def garble(self, answer):
        return json_answer({"code": 200, "message": "操作成功",
                            "aesKey": "AAAA" * 86, "data": "AAAA" * 16})

    # --- control and state -----------------------------------------------------

    def control(self, path, method, value):
        if path == "/_control/identity" and method == "GET":
            return {"publicKey": envelope.write_public_key(
                        self.key.public_key()),
                    "clients": [{"enterpriseId": c["id"],
                                 "apiKey": c["apiKey"],
                                 "apiSecret": c["secret"]}
                                for c in self.clients.values()],
                    "tokens": len(self.tokens)}
        if path == "/_control/expire_tokens" and method == "POST":
            ended = len(self.tokens)
            self.tokens.clear()
            return {"ended": ended}
        if path == "/_control/downlink" and method == "POST":
            unknown = set(value) - set(QUERIES)
            if unknown:
                raise ValueError("no such query: " + ", ".join(unknown))
            self.downlink.update(value)
            self.cursors.clear()
            return {name: len(rows) for name, rows in self.downlink.items()}
        return None

    def save(self):
        clients = [{k: v for k, v in c.items() if k != "key"}
                   for c in self.clients.values()]
        return {"key": envelope.write_private_key(self.key),
                "clients": clients, "downlink": self.downlink}

    def load(self, saved):
        if not self.settings["platform_key"]:
            self.key = envelope.read_private_key(saved["key"].encode())
        for c in saved["clients"]:
            self.add_client(c["id"], c["name"], c["public"], c["apiKey"],
                            c["secret"])
        self.downlink.update(saved["downlink"])


def failure(code, message) -> dict:
    return {"code": code, "message": message, "aesKey": None, "data": None}
