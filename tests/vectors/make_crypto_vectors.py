#!/usr/bin/python3
"""Make crypto.json: what python3-cryptography and hashlib say about digests,
Base64, RSA keys and the Yunnan V1.1 envelope.

The keys are throwaway: made here, used by tests/unit/test_crypto*.c and by
nothing else.  Every run makes other keys, so run it only to add a vector:

    /usr/bin/python3 make_crypto_vectors.py > crypto.json
"""
import base64
import hashlib
import hmac
import json
import os
import sys

from cryptography.hazmat.primitives import padding, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PEM = serialization.Encoding.PEM
DER = serialization.Encoding.DER
PKCS8 = serialization.PrivateFormat.PKCS8
PKCS1 = serialization.PrivateFormat.TraditionalOpenSSL
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
CLEAR = serialization.NoEncryption()


def b64(raw):
    return base64.b64encode(raw).decode()


def lines(text, width):
    return "\n".join(text[i:i + width] for i in range(0, len(text), width))


def private_forms(key):
    pkcs8 = b64(key.private_bytes(DER, PKCS8, CLEAR))
    return {
        "pkcs8_pem": key.private_bytes(PEM, PKCS8, CLEAR).decode(),
        "pkcs1_pem": key.private_bytes(PEM, PKCS1, CLEAR).decode(),
        "pkcs8_der_base64": pkcs8,
        "pkcs8_der_base64_lines": lines(pkcs8, 76) + "\n",
        "pkcs1_der_base64": b64(key.private_bytes(DER, PKCS1, CLEAR)),
    }


def public_forms(key):
    public = key.public_key()
    spki = b64(public.public_bytes(DER, SPKI))
    pkcs1 = serialization.PublicFormat.PKCS1
    return {
        "spki_pem": public.public_bytes(PEM, SPKI).decode(),
        "pkcs1_pem": public.public_bytes(PEM, pkcs1).decode(),
        "spki_der_base64": spki,
        "spki_der_base64_lines": lines(spki, 64).replace("\n", "\r\n"),
        "pkcs1_der_base64": b64(public.public_bytes(DER, pkcs1)),
    }


def encrypt(key, plain):
    """AES/ECB/PKCS5Padding, clause 5.2."""
    pad = padding.PKCS7(128).padder()
    cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    padded = pad.update(plain) + pad.finalize()
    return cipher.update(padded) + cipher.finalize()


def answer(own, plain, key=None, raw_content=None):
    key = key or os.urandom(32)
    wrapped = own.public_key().encrypt(key, rsa_padding.PKCS1v15())
    content = encrypt(key, plain) if raw_content is None else raw_content
    return {"aesKey": b64(wrapped), "data": b64(content)}


def altered(text, at):
    raw = bytearray(base64.b64decode(text))
    raw[at] ^= 1
    return b64(bytes(raw))


def opened(own):
    plains = ['{"token":"LpVxYz1aBcDeFgHiJkLmNoPqRs","expireTime":"7200"}',
              "", "0123456789abcdef", "云A12345 " * 500]
    good = [dict(answer(own, p.encode()), plain=p) for p in plains]
    broken = answer(own, plains[0].encode())
    broken["aesKey"] = lines(broken["aesKey"], 76)
    broken["data"] = lines(broken["data"], 64).replace("\n", "\r\n")
    return good + [dict(broken, plain=plains[0])]


def not_opened(own, stranger):
    good = answer(own, b'{"token":"x"}')
    return [
        {"why": "sealed for another key", **answer(stranger, b"{}")},
        {"why": "wrapped key altered", "data": good["data"],
         "aesKey": altered(good["aesKey"], 100)},
        {"why": "last block altered", "aesKey": good["aesKey"],
         "data": altered(good["data"], -1)},
        {"why": "half a block", "aesKey": good["aesKey"],
         "data": b64(base64.b64decode(good["data"])[:8])},
        {"why": "no content", "aesKey": good["aesKey"], "data": ""},
        {"why": "no key", "aesKey": "", "data": good["data"]},
        {"why": "a key of 16 bytes",
         **answer(own, b"{}", os.urandom(16))},
    ]


def digests():
    inputs = ["", "abc", "云南省" * 40]
    return [{"input": text, "sha256": hashlib.sha256(text.encode()).hexdigest()}
            for text in inputs]


def macs():
    pairs = [("", ""), ("Jefe", "what do ya want for nothing?"),
             ("k" * 131, "larger than a block")]
    return [{"key": k, "input": t,
             "hmac": hmac.new(k.encode(), t.encode(), "sha256").hexdigest()}
            for k, t in pairs]


def main():
    own = rsa.generate_private_key(65537, 2048)
    platform = rsa.generate_private_key(65537, 2048)
    large = rsa.generate_private_key(65537, 4096)
    small = rsa.generate_private_key(65537, 1024)
    curve = ec.generate_private_key(ec.SECP256R1())
    locked = own.private_bytes(
        PEM, PKCS8, serialization.BestAvailableEncryption(b"password"))
    json.dump({
        "note": "TEST KEYS, made for these vectors and used nowhere else",
        "sha256": digests(),
        "hmac": macs(),
        "base64": [{"raw_hex": raw.hex(), "text": b64(raw)} for raw in
                   [bytes(range(n)) for n in range(10)] +
                   [bytes(range(256)), os.urandom(1000)]],
        "own": {"private": private_forms(own), "public": public_forms(own)},
        "platform": {"private": private_forms(platform),
                     "public": public_forms(platform)},
        "large": {"public": public_forms(large)},
        "refused": {
            "small_private": small.private_bytes(PEM, PKCS8, CLEAR).decode(),
            "small_public": public_forms(small)["spki_pem"],
            "curve_private": curve.private_bytes(PEM, PKCS8, CLEAR).decode(),
            "curve_public": curve.public_key().public_bytes(PEM, SPKI).decode(),
            "locked_private": locked.decode(),
        },
        "opened": opened(own),
        "not_opened": not_opened(own, platform),
    }, sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
