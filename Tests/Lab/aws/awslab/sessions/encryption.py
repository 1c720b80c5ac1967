"""The agent's end of an encrypted session: the key comes from KMS, the messages are AES-256-GCM."""

from __future__ import annotations

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from moto.kms.models import kms_backends

from awslab.credentials import ACCOUNT

_NONCE = 12
_KEY = 32


class EncryptionFailed(ValueError):
    """The client's key is not the one that KMS gave it, or there is none."""


class SessionCipher:
    """Opens the client's sealed key, and encrypts with the half that the client decrypts with."""

    def __init__(self, key_id: str, region: str, session: str, target: str) -> None:
        self.key_id = key_id
        self.challenge = base64.b64encode(os.urandom(16)).decode()
        self._proof = os.urandom(64)
        self._region = region
        self._context = {
            "aws:ssm:SessionId": session, "aws:ssm:TargetId": target,
            "aws:ssm:RandomChallenge": self.challenge,
        }
        self._sends: AESGCM | None = None
        self._receives: AESGCM | None = None

    def open(self, sealed: str) -> None:
        """Takes the key out of what the client sends; raises `EncryptionFailed`."""
        try:
            plain, _ = kms_backends[ACCOUNT][self._region].decrypt(
                base64.b64decode(sealed), self._context
            )
        except Exception as problem:
            raise EncryptionFailed(f"KMS does not open the key: {problem}") from None
        self._sends, self._receives = AESGCM(plain[:_KEY]), AESGCM(plain[_KEY:])

    def encrypt(self, text: bytes) -> bytes:
        """Nonce, text, tag."""
        assert self._sends is not None
        nonce = os.urandom(_NONCE)
        return nonce + self._sends.encrypt(nonce, text, None)

    def decrypt(self, data: bytes) -> bytes:
        """The text; raises `EncryptionFailed`."""
        assert self._receives is not None
        try:
            return self._receives.decrypt(data[:_NONCE], data[_NONCE:], None)
        except InvalidTag:
            raise EncryptionFailed("a message was not encrypted with the session's key") from None

    def ask(self) -> str:
        """A text that only who has the key can return."""
        return base64.b64encode(self.encrypt(self._proof)).decode()

    def check(self, answer: str) -> None:
        """Raises `EncryptionFailed` unless the client returned the text."""
        if self.decrypt(base64.b64decode(answer)) != self._proof:
            raise EncryptionFailed("the client returned another text")
