"""What can be set, from the environment (TASKRAIL_…): the only module that reads it."""

import difflib
import hashlib
import os
import re
from pathlib import Path
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from jobs.signing import SHORTEST_KEY_BYTES

PREFIX = "TASKRAIL_"
MAX_SOCKET_FOLDER = 85
"""A unix socket's path may have 107 bytes; PostgreSQL adds its file name to the folder's."""
PLAIN_PATH = re.compile(r"[\w./+-]+", re.ASCII)
"""What means nothing else in a URL."""
SHORT_FOLDER = Path("/tmp")  # noqa: S108 - its owner is checked; TMPDIR may differ between processes


def _default_data_dir() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/taskrail")
    state, home = os.environ.get("XDG_STATE_HOME"), os.environ.get("HOME")
    if state:
        return Path(state) / "taskrail"
    if home:
        return Path(home) / ".local" / "state" / "taskrail"
    return SHORT_FOLDER / f"taskrail-{os.geteuid()}" / "state"


def _absolute(path: Path) -> Path:
    """Servers and background processes run in other folders than the operator."""
    return path.expanduser().absolute()


def _long_enough(key: SecretStr) -> SecretStr:
    try:
        size = len(bytes.fromhex(key.get_secret_value()))
    except ValueError:
        raise ValueError("a signing key is written in hexadecimal digits") from None
    if size < SHORTEST_KEY_BYTES:
        raise ValueError(f"a signing key has at least {SHORTEST_KEY_BYTES} bytes")
    return key


class SigningKey(BaseModel):
    """`key` in hexadecimal digits; who has it may speak for these tenants, or for all ("*")."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    key: Annotated[SecretStr, AfterValidator(_long_enough)]
    tenants: frozenset[UUID] | Literal["*"]


class Settings(BaseSettings):
    """Read once, at start. Secrets do not show in its repr."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,  # URLs carry passwords
    )

    database_url: SecretStr | None = Field(
        default=None, description="PostgreSQL to use; without it an embedded one is run."
    )
    owner_database_url: SecretStr | None = Field(
        default=None, description="The database as taskrail_owner, for migrations."
    )
    keeper_database_url: SecretStr | None = Field(
        default=None, description="The database as taskrail_keeper, for the loops and `dead`."
    )
    reader_database_url: SecretStr | None = Field(
        default=None, description="The database as taskrail_reader, for all that only looks."
    )
    redis_url: SecretStr | None = Field(
        default=None, description="Redis or Valkey to use; without it an embedded Valkey is run."
    )
    signing_keys: dict[str, SigningKey] | None = Field(
        default=None,
        description="Keys that jobs in Redis must be signed with, as JSON (how-to/sign-jobs.md)."
        " Without it signatures are not looked at.",
    )
    signing_kid: str | None = Field(
        default=None, description="Which of these keys the commands sign their own jobs with."
    )
    data_dir: Annotated[Path, AfterValidator(_absolute)] = Field(
        default_factory=_default_data_dir, description="Where the embedded servers keep their data."
    )
    queue_name: str = Field(default="arq:queue", description="The Redis key of the queue.")
    queue_shares: dict[str, int] | None = Field(
        default=None,
        description="Queues to take from, as JSON: each with its share of a batch. Without it the"
        " one queue.",
    )
    lanes: int = Field(default=2, ge=1, description="Batches that are applied at the same time.")
    batch_jobs: int = Field(default=200, ge=1, description="Most jobs in one batch.")
    batch_bytes: int = Field(
        default=8 * 1024 * 1024, ge=1024, description="Most bytes of payload in one batch."
    )
    batch_seconds: float = Field(
        default=1.0, gt=0, description="Batches get smaller when one takes longer than this."
    )
    hold_seconds: float = Field(
        default=5.0, gt=0, description="How long a taken job is held before others may take it."
    )
    poll_seconds: float = Field(
        default=0.05,
        gt=0,
        description="How often an idle worker looks for jobs where Redis cannot ring it up.",
    )
    missing_row_grace_seconds: float = Field(
        default=10.0, ge=0, description="How long a job waits for a row that does not exist yet."
    )
    after_limit_seconds: float = Field(
        default=3600.0, ge=0, description="How long a job waits for those it names in `after`."
    )
    job_id_horizon_days: int = Field(
        default=400, ge=1, description="Job ids older than this are refused."
    )
    pool_size: int = Field(default=4, ge=1, description="Connections kept open by a pool.")
    pool_overflow: int = Field(default=1, ge=0, description="Further connections under load.")
    pool_timeout_seconds: float = Field(
        default=30.0, gt=0, description="How long to wait for a connection of the pool."
    )
    pool_recycle_seconds: int = Field(
        default=300, gt=0, description="Connections older than this are replaced."
    )
    processes: int = Field(default=1, ge=1, description="Worker processes on this database.")
    external_pooler: bool = Field(
        default=False, description="PgBouncer is in front: no pool, no prepared statements."
    )
    lock_timeout_ms: int = Field(default=2_000, ge=1, description="Longest wait for a lock.")
    statement_timeout_ms: int = Field(default=5_000, ge=1, description="Longest statement.")
    command_timeout_seconds: float = Field(
        default=6.0, gt=0, description="When the client gives up on a statement."
    )
    reaper_seconds: float = Field(default=1.0, gt=0, description="Between looks for lost leases.")
    sweeper_seconds: float = Field(
        default=1.0, gt=0, description="Between looks for recorded jobs that nobody took up."
    )
    calendar_seconds: float = Field(
        default=5.0, gt=0, description="Between looks for what is due: reminders, recurring tasks."
    )
    relay_seconds: float = Field(
        default=1.0, gt=0, description="Between looks for events that another worker left behind."
    )
    stream_events: int = Field(
        default=10_000,
        ge=1_000,
        description="About so many events a tenant's stream keeps; the history keeps all.",
    )
    purge_after_days: int = Field(
        default=90, ge=1, description="How long a deleted task can be restored; then it is erased."
    )
    log_level: str = Field(default="INFO", description="Least level that is logged.")

    @model_validator(mode="after")
    def _timeouts_nest(self) -> Self:
        command_ms = self.command_timeout_seconds * 1000
        if not self.lock_timeout_ms < self.statement_timeout_ms < command_ms:
            raise ValueError("time-outs must nest: lock < statement < command")
        return self

    @model_validator(mode="after")
    def _shares_are_positive(self) -> Self:
        if any(share < 1 for share in (self.queue_shares or {}).values()):
            raise ValueError("the share of a queue is at least 1; leave out those without")
        return self

    @model_validator(mode="after")
    def _what_is_fed_is_taken(self) -> Self:
        if self.queue_name not in self.shares:
            raise ValueError(
                "TASKRAIL_QUEUE_SHARES has no share for TASKRAIL_QUEUE_NAME, which is where workers"
                " put the recorded jobs that nobody took up"
            )
        return self

    @model_validator(mode="after")
    def _kid_has_its_key(self) -> Self:
        if self.signing_kid is not None and self.signing_kid not in (self.signing_keys or {}):
            raise ValueError("TASKRAIL_SIGNING_KID names none of TASKRAIL_SIGNING_KEYS")
        return self

    @property
    def shares(self) -> dict[str, int]:
        """Of each queue that is taken from."""
        return self.queue_shares or {self.queue_name: 1}

    @property
    def embedded_postgres(self) -> bool:
        return self.database_url is None

    @property
    def role_urls(self) -> dict[str, SecretStr | None]:
        """Of the roles that may have a URL of their own."""
        return {
            "owner": self.owner_database_url,
            "keeper": self.keeper_database_url,
            "reader": self.reader_database_url,
        }

    @property
    def embedded_redis(self) -> bool:
        return self.redis_url is None

    @property
    def run_dir(self) -> Path:
        """Where the sockets are: in the data folder, unless no socket or URL can have its path."""
        folder = str(self.data_dir / "run")
        if len(folder) <= MAX_SOCKET_FOLDER and PLAIN_PATH.fullmatch(folder):
            return Path(folder)
        digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
        return SHORT_FOLDER / f"taskrail-{digest}"

    @property
    def resolved_database_url(self) -> SecretStr:
        """The given URL, or that of the embedded server's socket."""
        if self.database_url is not None:
            return self.database_url
        return SecretStr(f"postgresql://postgres@/taskrail?host={self.run_dir}")

    @property
    def resolved_redis_url(self) -> SecretStr:
        if self.redis_url is not None:
            return self.redis_url
        return SecretStr(f"unix://{self.run_dir / 'valkey.sock'}")


class GivenSettings(Settings):
    """What is given and otherwise the defaults: the environment has no say."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic's signature
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def bare_environment() -> dict[str, str]:
    """The environment of this process without any setting of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def load_settings() -> Settings:
    """The settings of this process. Raises ValueError for names that do not exist."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else "docs/reference/settings.md lists all."
            raise ValueError(f"{name} is no setting of taskrail; {hint}")
    return Settings()
