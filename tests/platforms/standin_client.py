"""Start a stand-in, ask its control interface, and talk to it as an
enterprise would: an own implementation of the sending side, for tests."""

import base64
import datetime
import http.client
import json
import secrets
import signal
import subprocess
import sys
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

HERE = Path(__file__).resolve().parent
ENTERPRISE = "91110000710934615P001X"
CREDIT_CODE = "91330000573973053F"

# A complete picture of 8 by 8 grey points: SOI, DQT, SOF0, DHT (DC and AC,
# one code each), SOS, one byte of data, EOI.
JPEG = bytes.fromhex(
    "ffd8" "ffdb004300" + "01" * 64 +
    "ffc0000b080008000801011100"
    "ffc400140001000000000000000000000000000000" "00"
    "ffc400141001000000000000000000000000000000" "00"
    "ffda0008010100003f00" "3f" "ffd9")


class Process:
    """A stand-in as a process of its own; a context manager."""

    def __init__(self, platform, *, port=0, state=None, extra=(), **options):
        command = ["/usr/bin/python3", str(HERE / "standin.py"), platform,
                   "--port", str(port)]
        if state:
            command += ["--state", str(state)]
        for name, value in options.items():
            command += ["--option", f"{name}={value}"]
        self.process = subprocess.Popen(command + list(extra),
                                        stdout=subprocess.PIPE, text=True)
        words = self.process.stdout.readline().split()
        if len(words) != 6:
            self.process.wait(10)
            raise RuntimeError(f"stand-in {platform} did not start")
        self.port = int(words[3].rpartition(":")[2])
        self.control_port = int(words[5])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """End it; the books it prints."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=20)
        return json.loads(out) if out else None

    def control(self, method, path, value=None):
        status, answer = call(self.control_port, method, "/_control/" + path,
                              None if value is None else
                              json.dumps(value).encode())
        if status != 200:
            raise ValueError(answer)
        return answer

    def stats(self, interface=None):
        stats = self.control("GET", "stats")
        return stats["interfaces"][interface] if interface else stats

    def numbers(self, interface):
        return self.control("GET", f"numbers?interface={interface}")

    def fault(self, kind, **members):
        return self.control("POST", "fault", {"kind": kind, **members})

    def clear(self):
        return self.control("DELETE", "fault")

    def post(self, path, value, headers=None, **more):
        data = value if isinstance(value, bytes) else json.dumps(
            value, ensure_ascii=False).encode()
        return call(self.port, "POST", path, data,
                    {"Content-Type": "application/json", **(headers or {})},
                    **more)


def call(port, method, path, body=None, headers=None, timeout=10):
    """(status, JSON) of one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port,
                                            timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def picture(size=None) -> bytes:
    """A JPEG, of exactly size bytes when that is given."""
    if size is None:
        return JPEG
    room, segments = size - len(JPEG), b""
    while room:
        length = min(room, 60000) if room - 60000 not in range(1, 4) else 50000
        segments += (b"\xff\xfe" + (length - 2).to_bytes(2, "big")
                     + b"x" * (length - 4))
        room -= length
    return JPEG[:2] + segments + JPEG[2:]


def uri(data: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


class YunnanClient:
    BASE = "/access/api/dataReceive/"

    def __init__(self, standin, enterprise=ENTERPRISE):
        self.standin, self.enterprise = standin, enterprise
        self.key = rsa.generate_private_key(public_exponent=65537,
                                            key_size=2048)
        self.token = self.api_key = None
        self.serial = 0

    def public_key(self):
        return base64.b64encode(self.key.public_key().public_bytes(
            serialization.Encoding.DER,
            serialization.PublicFormat.SubjectPublicKeyInfo)).decode()

    def register(self):
        status, answer = self.standin.post(self.BASE + "init-auth", {
            "enterpriseId": self.enterprise, "enterpriseName": "测试企业",
            "publicKey": self.public_key()})
        if answer["code"] == 200:
            self.adopt(**answer["data"])
        return status, answer

    def adopt(self, apiKey, apiSecret, publicKey):
        self.api_key, self.secret = apiKey, apiSecret
        self.platform = serialization.load_der_public_key(
            base64.b64decode(publicKey))

    def login(self):
        status, answer = self.send("getToken", {
            "apiKey": self.api_key, "apiSecret": self.secret})
        if answer["code"] == 200:
            data = self.open(answer)
            self.token, self.expires = data["token"], data["expireTime"]
        return status, answer

    def seal(self, plain: bytes, key=None, over="key_and_content") -> dict:
        key = key or secrets.token_bytes(32)
        padder = PKCS7(128).padder()
        padded = padder.update(plain) + padder.finalize()
        cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
        content = cipher.update(padded) + cipher.finalize()
        wrapped = self.platform.encrypt(key, padding.PKCS1v15())
        signed = {"key_and_content": wrapped + content,
                  "content": content}[over]
        signature = self.key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return {"signature": base64.b64encode(signature).decode(),
                "encryptedAesKey": base64.b64encode(wrapped).decode(),
                "encryptedContent": base64.b64encode(content).decode()}

    def open(self, answer):
        key = self.key.decrypt(base64.b64decode(answer["aesKey"]),
                               padding.PKCS1v15())
        cipher = Cipher(algorithms.AES(key), modes.ECB()).decryptor()
        padded = cipher.update(base64.b64decode(answer["data"]))
        padded += cipher.finalize()
        unpadder = PKCS7(128).unpadder()
        return json.loads(unpadder.update(padded) + unpadder.finalize())

    def headers(self):
        headers = {"X-Client-Id": self.api_key}
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        return headers

    def send(self, interface, record, headers=None, **more):
        plain = json.dumps(record, ensure_ascii=False).encode()
        return self.standin.post(self.BASE + interface, self.seal(plain),
                                 self.headers() if headers is None
                                 else headers, **more)

    def access(self, **changes):
        """A valid vehicleAccess record, each with a number of its own."""
        self.serial += 1
        kind = "1" if changes.get("accessType") == "1" else "0"
        return {
            "recordId": "202511202037150123" + self.enterprise + kind
                        + f"{self.serial:05d}",
            "enterpriseId": self.enterprise, "entranceId": "A",
            "gateId": "A01", "vehicleId": self.enterprise + "00001",
            "licensePlate": "云A12345", "plateColor": "1",
            "vin": "LBEXDAEB0XZ123456", "accessType": kind,
            "accessTime": "2025-11-20 20:37:15", "cargoType": "生产原料",
            "cargoWeight": 23.4, "cargoUnit": "T",
            "carHeadImg": uri(JPEG), "carImg": uri(JPEG), **changes}

    def enterprise_record(self):
        return {
            "enterpriseId": self.enterprise, "enterpriseCode": CREDIT_CODE,
            "enterpriseName": "测试企业", "address": "五华区某街道",
            "areaCode": "530100", "regionCode": "530102",
            "legalPerson": "张三", "contactPerson": "李四",
            "contactPhone": "13800138000", "industryType": "06",
            "industryBranch": "0601", "longitude": 102.7123,
            "latitude": 25.0406, "performanceLevel": "B-",
            "entranceNums": 2, "gateNums": 4, "outsideCars": 15,
            "insideCars": 8, "machineries": 3, "status": "1"}

    def camera(self):
        return {
            "cameraId": self.enterprise + "A01",
            "enterpriseId": self.enterprise, "entranceId": "A",
            "gateId": "A01", "cameraName": "东门", "cameraType": "1",
            "cameraModel": "DS-2CD3T56", "manufacturer": "海康威视",
            "installDate": "20231002", "cameraIp": "192.168.1.101",
            "cameraHost": "8080", "cameraUsername": "admin",
            "cameraPassword": "admin123", "cameraChannel": "33",
            "resolution": "1920x1080", "recordingEnabled": "1",
            "nvrIp": "192.168.2.50", "nvrPort": "8080",
            "nvrUsername": "nvr", "nvrPassword": "nvr123", "status": "1"}

    def vehicle(self, number=1):
        return {
            "vehicleId": f"{self.enterprise}{number:05d}",
            "enterpriseId": self.enterprise, "licensePlate": "云A12345",
            "plateColor": "1", "vehicleUse": "1",
            "vin": "LBEXDAEB0XZ123456", "vehicleType": "H11",
            "vehicleBrand": "解放", "vehicleModel": "J6P", "fuelType": "B",
            "emissionStandard": "6", "useType": "F", "fleetName": "自有",
            "registrationDate": "20220620", "networkStatus": "1",
            "carImg1": uri(JPEG), "carImg2": uri(JPEG)}

    def machine(self):
        return {
            "machineryId": f"JX{self.enterprise}00001",
            "enterpriseId": self.enterprise, "machineryCode": "MECH1",
            "manufactureDate": "20220510", "emissionStandard": "4",
            "fuelType": "B", "machineryType": "2", "machineryPin": "PIN1",
            "machineryBrand": "D65PX-17", "engineModel": "C9.3B",
            "engineMaker": "卡特彼勒", "engineNumber": "ENG1",
            "machineryImg1": uri(JPEG), "machineryImg2": uri(JPEG),
            "machineryImg3": uri(JPEG), "ownerName": "自有"}

    def verified(self):
        return {"recordId": "VCL202311150001", "licensePlate": "云B67890",
                "plateColor": "1", "vin": "LJ123456789012345",
                "excessVerifica": "1", "excessVerificadate": "20230925"}


class HenanClient:
    BASE = "/ysgk/restapi/transportControl/"
    COMPANY = "4110020001"

    def __init__(self, standin):
        self.standin, self.token = standin, ""
        self.second = datetime.datetime(2025, 11, 20, 8, 0, 0)

    def login(self, **changes):
        status, answer = self.standin.post(self.BASE + "get_data", {
            "organ": "4110020001", "ipctype": "getAccessToken",
            "username": "test", "password": "123", **changes})
        self.token = answer.get("access_token", "")
        return status, answer

    def wrap(self, kind, value):
        return {"organ": "4110020001", "ipctype": kind,
                "access_token": self.token, "value": value}

    def put(self, kind, value, door="put_data"):
        return self.standin.post(self.BASE + door, self.wrap(kind, value))

    def photo(self, value, data=JPEG, filename="1.jpg", parts=None):
        mark = "----form" + secrets.token_hex(8)
        info = json.dumps(self.wrap("sharePhotoInfo", value),
                          ensure_ascii=False).encode()
        parts = parts or [
            (f'name="file"; filename="{filename}"', "image/jpeg", data),
            ('name="info"', "text/plain; charset=utf-8", info)]
        body = b"".join(
            (f"--{mark}\r\nContent-Disposition: form-data; {head}\r\n"
             f"Content-Type: {kind}\r\n\r\n").encode() + content + b"\r\n"
            for head, kind, content in parts) + f"--{mark}--\r\n".encode()
        return self.standin.post(self.BASE + "put_file", body, {
            "Content-Type": f"multipart/form-data; boundary={mark}"})

    def passage(self):
        """What all records of one passage share."""
        self.second += datetime.timedelta(seconds=1)
        return {"lsh": self.COMPANY + "01A" +
                self.second.strftime("%y%m%d%H%M%S"),
                "qybh": self.COMPANY, "qymc": "测试企业", "dzbh": "01",
                "cphm": "豫K12345", "cpys": "1"}

    @staticmethod
    def driving(passage, **changes):
        return {**passage, "tgsjq": "2025-11-20 08:00:00",
                "tgsjz": "2025-11-20 08:00:10", "tgzt": "1", "bgzt": "1",
                **changes}

    @staticmethod
    def photo_info(passage, **changes):
        return {**passage, "zpbh": "1", "zplx": "1",
                "pzsj": "2025-11-20 08:00:02", **changes}

    @staticmethod
    def goods(passage, **changes):
        return {**passage, "hwmc": "煤", "ysl": "23.4",
                "djsj": "2025-11-20 08:05:00", **changes}

    @staticmethod
    def vehicle(**changes):
        return {"companySecretCode": "S" * 32, "license": "豫K12345",
                "licenseColor": "1", "vehicleType": "H11",
                "vin": "LBEXDAEB0XZ123456", "useCharacter": "F",
                "engineNo": "E1", "onwer": "某公司", "address": "许昌",
                "model": "J6P", "registerDate": "20220620000000",
                "issueDate": "20220621000000", "emissionStandard": "6",
                "drivingLicenseImg": base64.b64encode(JPEG).decode(),
                "drivingLicenseImg2": "", **changes}

    @staticmethod
    def machine(**changes):
        return {"mhyPlate": "3-A00001", "companySecretCode": "S" * 32,
                "companyCode": "4110020001", "mhyJXMC": "装载机",
                "emissionLevel": "3", "mhyFrameNo": "FRAME1",
                "mhyProdDate": "20200101000000",
                "imageInfo": base64.b64encode(JPEG).decode(),
                "mhyStatus": "1", **changes}


class LiaoningClient:
    def __init__(self, standin):
        self.standin, self.device = standin, None

    def register(self, **changes):
        status, answer = self.standin.post("/", {
            "enterpriseCode": CREDIT_CODE, "enterpriseName": "测试企业",
            "region": "210102", "regionName": "和平区", **changes})
        self.device = answer.get("deviceId")
        return status, answer

    def config(self, *items, **changes):
        return {"deviceId": self.device, "enterpriseCode": CREDIT_CODE,
                "collectItemConfig": list(items) or [self.item()],
                "enterprise": {
                    "code": CREDIT_CODE, "name": "测试企业",
                    "typeCode": "159", "industryCode": "C3120",
                    "regionCode": "210100", "center": False,
                    "corporationCode": CREDIT_CODE, "jgzh": False,
                    "energyConsumeLevel": 4, "latitude": 41.8,
                    "longitude": 123.4, "phone": "024-8111111"}, **changes}

    @staticmethod
    def item(**changes):
        return {"name": "全厂-二次能源-电力-购进已消费",
                "processCode": "00", "processUnitCode": "00",
                "equipmentCode": "00", "equipmentUnitCode": "00",
                "energyClassCode": "02", "energyTypeCode": "3300",
                "dataUsageCode": "11", "inputType": "4",
                "dataValueMax": 300000, "dataValueMin": 0, "statType": "0",
                "collectSystemName": "能源采集系统", "remark": "",
                "scope": 1, **changes}

    @staticmethod
    def value(**changes):
        return {"dataCode": "00-00-0000-023300-11", "dataValue": 123.45,
                "inputType": 4, "statType": 0,
                "statDate": "2025-11-19 00:15:00",
                "uploadDate": "2025-11-20 01:05:00", "scope": 1,
                "valid": True, **changes}

    def upload(self, *values, **changes):
        return self.standin.post("/uploadEnergyData", {
            "deviceId": self.device, "enterpriseCode": CREDIT_CODE,
            "data": list(values) or [self.value()], **changes})


if __name__ == "__main__":
    sys.exit("a module for tests, see README.md")
