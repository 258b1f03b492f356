"""Signed jobs: who may speak for which tenant, even where others can write to Redis.

In place of the envelope a signed message carries {"envelope": its JSON text, "sig": HMAC-SHA256 of
that text's UTF-8 bytes, in hex}. Bytes are signed, not values: nobody has to agree on how JSON is
written (as in JWS, RFC 7515, and DSSE). The envelope names its key in `kid`, so that is signed too.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

SHORTEST_KEY_BYTES = 32
FIELDS = {"envelope", "sig"}

UNSIGNED = "it is not signed"
UNKNOWN_KEY = "its kid names no key that this installation knows"
WRONG_SIGNATURE = "its signature does not fit its bytes"
NOT_ITS_TENANT = "its key may not speak for this tenant"


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed message as it arrived; nothing of it is proven yet."""

    text: str
    sig: str

    @classmethod
    def of(cls, argument: Any) -> "Signed | None":
        match argument:
            case {"envelope": str(text), "sig": str(sig)} if argument.keys() == FIELDS:
                return cls(text, sig)
        return None


@dataclass(frozen=True, slots=True)
class Signer:
    """What a producer signs with. Raises ValueError if `secret` has less than 32 bytes."""

    kid: str
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < SHORTEST_KEY_BYTES:
            raise ValueError(f"a signing key has at least {SHORTEST_KEY_BYTES} bytes")

    def signed(self, text: str) -> dict[str, str]:
        """The message for an envelope, given as JSON text that names this kid."""
        return {"envelope": text, "sig": signature(self.secret, text)}


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """What a worker believes: who has `secret` may speak for `tenants`, or for all if None."""

    secret: bytes = field(repr=False)
    tenants: frozenset[UUID] | None = None

    def speaks_for(self, tenant_id: UUID) -> bool:
        return self.tenants is None or tenant_id in self.tenants


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys that are believed, by kid. During a rotation there are two of one producer's."""

    keys: Mapping[str, TrustedKey]

    def flaw(self, signed: Signed | None, kid: Any, tenant_id: UUID) -> str | None:
        """Why an envelope with this kid and tenant is not to be believed; None if it is."""
        if signed is None:
            return UNSIGNED
        key = self.keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            return UNKNOWN_KEY
        if not _fits(signed, key.secret):
            return WRONG_SIGNATURE
        return None if key.speaks_for(tenant_id) else NOT_ITS_TENANT


def _fits(signed: Signed, secret: bytes) -> bool:
    # As bytes: compare_digest refuses text that is not ASCII.
    return hmac.compare_digest(signed.sig.encode(), signature(secret, signed.text).encode())


def signature(secret: bytes, text: str) -> str:
    """64 hexadecimal digits in lower case."""
    return hmac.digest(secret, text.encode(), "sha256").hex()
