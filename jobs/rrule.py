"""The recurrence rules that are accepted: those of RFC 5545 whose next time is found at once.

    FREQ     may have besides INTERVAL (1 to 1,000), UNTIL, WKST
    HOURLY   nothing; it counts real hours
    DAILY    BYDAY, BYMONTH (both with INTERVAL=1 only), times of day
    WEEKLY   BYDAY, BYMONTH (this with INTERVAL=1 only), times of day
    MONTHLY  BYDAY, BYMONTHDAY, BYMONTH, BYSETPOS, times of day
    YEARLY   BYDAY, BYMONTHDAY, BYMONTH, BYSETPOS, BYYEARDAY, times of day

Times of day are BYHOUR, BYMINUTE and one BYSECOND, together at most 24; with BYSETPOS, one.
UNTIL is a date (that whole day, in the task's zone) or a time in UTC, such as 20271231T170000Z.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

MAX_RULE_CHARACTERS = 1_000
MAX_INTERVAL = 1_000
MAX_TIMES_OF_DAY = 24
MAX_WEEKS_IN_MONTH, MAX_WEEKS_IN_YEAR = 5, 53

TIMES = frozenset({"BYHOUR", "BYMINUTE", "BYSECOND"})
EVERYWHERE = frozenset({"FREQ", "INTERVAL", "UNTIL", "WKST"})
MONTHLY = TIMES | {"BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS"}
PARTS = {
    "HOURLY": frozenset[str](),
    "DAILY": TIMES | {"BYDAY", "BYMONTH"},
    "WEEKLY": TIMES | {"BYDAY", "BYMONTH"},
    "MONTHLY": MONTHLY,
    "YEARLY": MONTHLY | {"BYYEARDAY"},
}
LIMITS = {"DAILY": frozenset({"BYDAY", "BYMONTH"}), "WEEKLY": frozenset({"BYMONTH"})}
"""Parts that only leave days out: with a larger INTERVAL they may leave out all."""
RANGES = {
    "INTERVAL": (1, MAX_INTERVAL),
    "BYMONTH": (1, 12),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYSETPOS": (-366, 366),
    "BYHOUR": (0, 23),
    "BYMINUTE": (0, 59),
    "BYSECOND": (0, 59),
}
FROM_THE_END = frozenset({"BYMONTHDAY", "BYYEARDAY", "BYSETPOS"})
"""Counted from 1, or from the end by negative numbers; there is no 0."""
INSTEAD = {
    "COUNT": "max_occurrences of the recurrence says how often it comes",
    "DTSTART": "the first occurrence is the task's due_at",
    "BYWEEKNO": "use BYMONTH or BYYEARDAY",
}
DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
NUMBER = re.compile(r"[+-]?\d{1,4}", re.ASCII)
UNTIL_DATE = re.compile(r"\d{8}", re.ASCII)
UNTIL_TIME = re.compile(r"\d{8}T\d{6}Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that is accepted; `by` holds its parts besides FREQ, INTERVAL and UNTIL, as text."""

    freq: str
    interval: int
    until: date | datetime | None
    by: dict[str, str]


def parse_rule(text: str) -> Rule:
    """Raises ValueError with what to change if the rule is not accepted."""
    parts = _parts(text)
    freq = parts.pop("FREQ", "")
    if freq not in PARTS:
        raise ValueError(f"FREQ is one of {', '.join(PARTS)}; finer than an hour nothing recurs")
    _require_known(freq, parts)
    for name in parts.keys() & RANGES.keys():
        _require_numbers(name, parts[name])
    _require_weekdays(freq, parts)
    interval = int(parts.pop("INTERVAL", "1"))
    _require_bounded(freq, interval, parts)
    until = parts.pop("UNTIL", None)
    return Rule(freq, interval, None if until is None else _until(until), parts)


def _parts(text: str) -> dict[str, str]:
    if len(text) > MAX_RULE_CHARACTERS:
        raise ValueError(f"the rule is longer than {MAX_RULE_CHARACTERS} characters")
    if len(text.split()) != 1:
        raise ValueError("give one rule on one line, without spaces and without DTSTART")
    parts: dict[str, str] = {}
    for pair in text.strip().upper().removeprefix("RRULE:").removesuffix(";").split(";"):
        name, _, value = pair.partition("=")
        if name in parts:
            raise ValueError(f"{name} is given twice; give all its values in one list")
        parts[name] = value
    return parts


def _require_known(freq: str, parts: dict[str, str]) -> None:
    for name in parts:
        if name in PARTS[freq] or name in EVERYWHERE:
            continue
        ways = [other for other, known in PARTS.items() if name in known]
        instead = f"it goes with {', '.join(ways)}" if ways else "leave it out"
        raise ValueError(f"{name!r} is not for FREQ={freq}: {INSTEAD.get(name, instead)}")
    if parts.get("WKST", "MO") not in {"MO", "SU"}:
        raise ValueError("WKST is MO or SU")


def _require_numbers(name: str, value: str) -> None:
    low, high = RANGES[name]
    numbers = value.split(",")
    if name == "INTERVAL" and len(numbers) > 1:
        raise ValueError("INTERVAL is one number")
    for number in numbers:
        is_zero = name in FROM_THE_END and number.strip("+-0") == ""
        if is_zero or not NUMBER.fullmatch(number) or not low <= int(number) <= high:
            raise ValueError(f"{name} has numbers from {low} to {high}, not {number!r}")


def _require_weekdays(freq: str, parts: dict[str, str]) -> None:
    if "BYDAY" not in parts:
        return
    numbers = [_week_of(day) for day in parts["BYDAY"].split(",")]
    if not any(numbers):
        return
    if freq not in {"MONTHLY", "YEARLY"}:
        raise ValueError("BYDAY has numbers, as in 2MO, with MONTHLY and YEARLY only")
    if not all(numbers):
        raise ValueError("BYDAY has numbers, as in 2MO, for all its days or for none")
    in_year = freq == "YEARLY" and "BYMONTH" not in parts
    weeks = MAX_WEEKS_IN_YEAR if in_year else MAX_WEEKS_IN_MONTH
    if max(map(abs, numbers)) > weeks:
        raise ValueError(f"the numbers of BYDAY go up to {weeks} here")


def _week_of(day: str) -> int:
    """The 2 of 2MO; 0 where there is none."""
    found = DAY.fullmatch(day)
    if found is None or (found[1] is not None and int(found[1]) == 0):
        raise ValueError(f"BYDAY has days such as MO, 2TU or -1FR, not {day!r}")
    return int(found[1] or 0)


def _require_bounded(freq: str, interval: int, parts: dict[str, str]) -> None:
    leave_out = sorted(LIMITS.get(freq, frozenset()) & parts.keys())
    if interval > 1 and leave_out:
        raise ValueError(
            f"with FREQ={freq}, {' and '.join(leave_out)} needs INTERVAL=1;"
            " use WEEKLY, MONTHLY or YEARLY for longer intervals"
        )
    times = _lengths(parts.get(name, "") for name in TIMES)
    if times > MAX_TIMES_OF_DAY or "," in parts.get("BYSECOND", ""):
        raise ValueError(f"at most {MAX_TIMES_OF_DAY} times a day, all with the same BYSECOND")
    if times > 1 and "BYSETPOS" in parts:
        raise ValueError("BYSETPOS chooses among days; give one time of day with it")


def _lengths(lists: Iterable[str]) -> int:
    product = 1
    for values in lists:
        product *= len(set(values.split(",")))
    return product


def _until(text: str) -> date | datetime:
    try:
        if UNTIL_DATE.fullmatch(text):
            return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date()
        if UNTIL_TIME.fullmatch(text):
            return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        pass
    raise ValueError("UNTIL is a date such as 20271231 or a time in UTC such as 20271231T170000Z")
