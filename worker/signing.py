"""The signing keys of the settings: what a worker believes, and what commands sign with."""

from pydantic import SecretStr

from jobs.signing import Keyring, Signer, TrustedKey
from settings import Settings


def keyring(settings: Settings) -> Keyring | None:
    """None where signatures are not looked at."""
    if settings.signing_keys is None:
        return None
    return Keyring(
        {
            kid: TrustedKey(_secret(given.key), None if given.tenants == "*" else given.tenants)
            for kid, given in settings.signing_keys.items()
        }
    )


def signer(settings: Settings) -> Signer | None:
    """None where nothing is signed."""
    kid = settings.signing_kid
    if kid is None or settings.signing_keys is None:
        return None
    return Signer(kid, _secret(settings.signing_keys[kid].key))


def _secret(key: SecretStr) -> bytes:
    return bytes.fromhex(key.get_secret_value())
