"""Yunnan's envelope (4.3, 5.1, 5.2), from the platform's side."""

import os

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .fields import encode_base64, read_base64

MEMBERS = {"signature", "encryptedAesKey", "encryptedContent"}


class EnvelopeError(ValueError):
    def __init__(self, reason, signature=False):
        super().__init__(reason)
        self.signature = signature


def make_private_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def read_private_key(pem: bytes):
    return serialization.load_pem_private_key(pem, password=None)


def write_private_key(key) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()).decode()


def read_public_key(data: str):
    """PEM, or the base64 of the DER as Java's getEncoded() gives it."""
    if data.startswith("-----BEGIN"):
        key = serialization.load_pem_public_key(data.encode())
    else:
        der = read_base64(data)
        if der is None:
            raise ValueError("not base64 on one line")
        key = serialization.load_der_public_key(der)
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < 2048:
        raise ValueError("not an RSA key of 2048 bits or more")
    return key


def write_public_key(key) -> str:
    return encode_base64(key.public_bytes(
        serialization.Encoding.DER,
        serialization.PublicFormat.SubjectPublicKeyInfo))


def _aes(key, data, encrypt):
    cipher = Cipher(algorithms.AES(key), modes.ECB())
    worker = cipher.encryptor() if encrypt else cipher.decryptor()
    return worker.update(data) + worker.finalize()


def unpad(data: bytes) -> bytes:
    count = data[-1] if data else 0
    if not 1 <= count <= 16 or data[-count:] != bytes([count]) * count:
        raise EnvelopeError("encryptedContent: padding is wrong")
    return data[:-count]


def parts_of(body: dict) -> dict:
    if set(body) != MEMBERS:
        raise EnvelopeError("envelope: members are not " +
                            ", ".join(sorted(MEMBERS)))
    parts = {}
    for name, value in body.items():
        data = read_base64(value) if isinstance(value, str) else None
        if not data:
            raise EnvelopeError(f"{name}: not base64")
        parts[name] = data
    return parts


def check_signature(public_key, body, parts, over, form):
    names = {"key_and_content": ("encryptedAesKey", "encryptedContent"),
             "content": ("encryptedContent",)}[over]
    if form == "raw":
        signed = b"".join(parts[name] for name in names)
    else:
        signed = "".join(body[name] for name in names).encode()
    try:
        public_key.verify(parts["signature"], signed, padding.PKCS1v15(),
                          hashes.SHA256())
    except InvalidSignature:
        raise EnvelopeError("signature: does not verify", True) from None


def open_content(private_key, parts):
    """(session key, plain bytes)"""
    try:
        key = private_key.decrypt(parts["encryptedAesKey"], padding.PKCS1v15())
    except ValueError:
        key = b""
    if len(key) != 32:
        raise EnvelopeError("encryptedAesKey: no AES-256 key for this platform")
    content = parts["encryptedContent"]
    if len(content) % 16:
        raise EnvelopeError("encryptedContent: not whole blocks")
    return key, unpad(_aes(key, content, False))


def seal_answer(public_key, plain: bytes):
    """(aesKey, data) for the enterprise."""
    key = os.urandom(32)
    count = 16 - len(plain) % 16
    sealed = _aes(key, plain + bytes([count]) * count, True)
    return (encode_base64(public_key.encrypt(key, padding.PKCS1v15())),
            encode_base64(sealed))
