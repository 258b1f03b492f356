"""When a task comes again (RFC 5545).

Which rules are accepted stands in jobs/rrule.py. dateutil evaluates them, on the wall clock of the
task's zone, and would look as far as the year 9999 for a time that never comes; so it is never
given more than it finishes at once.
"""

from collections.abc import Iterator
from datetime import MAXYEAR, UTC, date, datetime, timedelta, timezone
from functools import cache
from typing import Annotated, Literal, cast
from zoneinfo import ZoneInfo, available_timezones

from dateutil.rrule import rrule, rrulestr
from pydantic import AfterValidator, BaseModel, Field

from jobs.payloads.base import STRICT
from jobs.rrule import Rule, parse_rule
from jobs.values import Text

MAX_EMPTY_PERIODS = {"MONTHLY": 100, "YEARLY": 50}
"""After so many months or years of its rule without an occurrence, none is looked for."""
MONTHS = {"MONTHLY": 1, "YEARLY": 12}
OUT_OF_CALENDAR = {"MONTHLY": 12 * 10_000, "YEARLY": 10_000}
END = (MAXYEAR + 1) * 12
DAY = timedelta(days=1)
LENGTHS = {"DAILY": DAY, "WEEKLY": 7 * DAY}
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def _accepted(rule: str) -> str:
    parse_rule(rule)
    return rule


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("no such time zone; use a name of IANA's, such as Europe/Berlin")
    return name


class Recurrence(BaseModel):
    """How a task recurs.

    `trigger` says what makes the next occurrence: the completion of this one, its due time, or
    whichever comes first.
    """

    model_config = STRICT

    rule: Annotated[Text, AfterValidator(_accepted)]
    trigger: Literal["on_complete", "on_due", "both"] = "on_complete"
    max_occurrences: Annotated[int, Field(ge=1, le=10_000)] | None = None
    clone_subtasks: bool = False
    timezone: Annotated[Text, AfterValidator(_known_zone)] = "UTC"


def next_after(recurrence: Recurrence, scheduled_at: datetime, now: datetime) -> datetime | None:
    """The first occurrence after both `scheduled_at`, which is one, and `now`; None: no more.

    It keeps its time of day whatever the clocks do: of a time that comes twice it is the first; a
    time that is left out is as much later as the clocks go forward. The answer has the offset of
    its zone and still says which time of day was meant, so keep both until it is handed back as
    `scheduled_at`.
    """
    rule, zone = parse_rule(recurrence.rule), ZoneInfo(recurrence.timezone)
    after = max(scheduled_at, now).astimezone(UTC)
    try:
        return _not_past(rule.until, _first(_times(rule, zone, scheduled_at, after), after))
    except OverflowError:
        return None


def _times(
    rule: Rule, zone: ZoneInfo, scheduled_at: datetime, after: datetime
) -> Iterator[datetime]:
    """Occurrences in their order, beginning at most a day and a period before `after`."""
    if rule.freq == "HOURLY":
        yield _fixed(_next_hour(rule, scheduled_at, after).astimezone(zone))
        return
    anchor = _wall(scheduled_at, zone)
    # A day earlier: a time that the clocks left out comes later than the wall clock has it.
    near = max(anchor, after.astimezone(zone).replace(tzinfo=None) - DAY)
    walls = _in_months if rule.freq in MONTHS else _in_days
    for wall in walls(rule, anchor, near):
        yield _fixed(wall.replace(tzinfo=zone))


def _first(times: Iterator[datetime], after: datetime) -> datetime | None:
    return next((time for time in times if time > after), None)


def _not_past(until: date | datetime | None, time: datetime | None) -> datetime | None:
    if time is None or until is None:
        return time
    is_past = time > until if isinstance(until, datetime) else time.date() > until
    return None if is_past else time


def _next_hour(rule: Rule, scheduled_at: datetime, after: datetime) -> datetime:
    step = timedelta(hours=rule.interval)
    return scheduled_at.astimezone(UTC) + ((after - scheduled_at) // step + 1) * step


def _fixed(time: datetime) -> datetime:
    """Where clocks change, times of different zones are never equal (PEP 495): fix the offset."""
    return time.replace(tzinfo=timezone(time.utcoffset() or timedelta()), fold=0)


def _wall(scheduled_at: datetime, zone: ZoneInfo) -> datetime:
    """The time of day that was meant, though clocks that went forward may never have shown it."""
    meant = scheduled_at.replace(tzinfo=zone)
    if meant.utcoffset() != scheduled_at.utcoffset():
        meant = scheduled_at.astimezone(zone)
    return meant.replace(tzinfo=None, fold=0, microsecond=0)


def _in_days(rule: Rule, anchor: datetime, near: datetime) -> Iterator[datetime]:
    """Every period has an occurrence, or one of each year's 366 has: dateutil is quick."""
    step = rule.interval * LENGTHS[rule.freq]
    start = anchor + (near - anchor) // step * step
    yield from _evaluator(rule, rule.interval, anchor).replace(dtstart=start)


def _in_months(rule: Rule, anchor: datetime, near: datetime) -> Iterator[datetime]:
    """Each month or year is evaluated alone: the next one of its rule is out of the calendar."""
    evaluator = _evaluator(rule, OUT_OF_CALENDAR[rule.freq], anchor)
    step = rule.interval * MONTHS[rule.freq]
    first = _month(anchor) if rule.freq == "MONTHLY" else anchor.year * 12
    first += (_month(near) - first) // step * step
    last = min(first + MAX_EMPTY_PERIODS[rule.freq] * step, END)
    for period in range(first, last, step):
        year, month = divmod(period, 12)
        start = datetime(year, month + 1, 1)  # noqa: DTZ001 - dateutil reckons on the wall clock
        yield from evaluator.replace(dtstart=max(start, near))


def _month(wall: datetime) -> int:
    return wall.year * 12 + wall.month - 1


def _evaluator(rule: Rule, interval: int, anchor: datetime) -> rrule:
    """What RFC 5545 takes from the first occurrence is taken from `anchor`, whatever dtstart is."""
    times = {"BYHOUR": anchor.hour, "BYMINUTE": anchor.minute, "BYSECOND": anchor.second}
    by = {"FREQ": rule.freq, "INTERVAL": interval, "WKST": "MO"} | times | rule.by
    if not by.keys() & {"BYDAY", "BYMONTHDAY", "BYYEARDAY"}:
        by = _days(rule.freq, anchor) | by
    return cast("rrule", rrulestr(";".join(f"{name}={value}" for name, value in by.items())))


def _days(freq: str, anchor: datetime) -> dict[str, str | int]:
    match freq:
        case "WEEKLY":
            return {"BYDAY": WEEKDAYS[anchor.weekday()]}
        case "MONTHLY":
            return {"BYMONTHDAY": anchor.day}
        case "YEARLY":
            return {"BYMONTH": anchor.month, "BYMONTHDAY": anchor.day}
        case _:
            return {}
