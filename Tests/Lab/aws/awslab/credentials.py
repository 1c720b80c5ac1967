"""Who may sign: the lab's own key, and the users' keys and role sessions that moto has given out."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timezone

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Credentials:
    """A key, and for a session its token and when it ends."""

    access_key: str
    secret_key: str
    session_token: str | None = None
    expires: datetime | None = None


class CredentialStore:
    """Finds the secret of an access key."""

    def __init__(self, access_key: str | None = None, secret_key: str | None = None) -> None:
        self.root = Credentials(
            access_key or "AKIA" + secrets.token_hex(8).upper(), secret_key or secrets.token_urlsafe(30)
        )
        self._expired: set[str] = set()

    def find(self, access_key: str) -> Credentials | None:
        """The credentials of that key, or None when nobody has it or it is switched off."""
        if access_key == self.root.access_key:
            return self.root
        for user in iam_backends[ACCOUNT]["aws"].users.values():
            for key in user.access_keys:
                if key.access_key_id == access_key and key.status == "Active":
                    return Credentials(access_key, key.secret_access_key)
        for session in sts_backends[ACCOUNT]["aws"].assumed_roles:
            if session.access_key_id == access_key:
                expires = session.expiration.replace(tzinfo=timezone.utc)
                if access_key in self._expired:
                    expires = datetime.fromtimestamp(0, timezone.utc)
                return Credentials(access_key, session.secret_access_key, session.session_token, expires)
        return None

    def expire(self, access_key: str) -> None:
        """Ends a session before its time; `all` ends every one that there is now."""
        if access_key == "all":
            self._expired.update(s.access_key_id for s in sts_backends[ACCOUNT]["aws"].assumed_roles)
        else:
            self._expired.add(access_key)
