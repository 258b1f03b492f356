"""When a task comes again (RFC 5545).

Which rules are accepted stands in jobs/rrule.py. dateutil evaluates them, on the wall clock of the
task's zone, and would look as far as the year 9999 for a time that never comes; so it is never
given more than it finishes at once.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from dateutil.rrule import rrule, rrulestr
from pydantic import AfterValidator, BaseModel, Field

from jobs.payloads.base import STRICT
from jobs.rrule import Rule, parse_rule
from jobs.values import Text

MAX_EMPTY_PERIODS = 100
"""After so many months (years, of a yearly rule) without an occurrence, none is looked for."""
MONTHS = {"MONTHLY": 1, "YEARLY": 12}
OUT_OF_CALENDAR = {"MONTHLY": 12 * 10_000, "YEARLY": 10_000}
LENGTHS = {"DAILY": timedelta(days=1), "WEEKLY": timedelta(weeks=1)}


def _accepted(rule: str) -> str:
    parse_rule(rule)
    return rule


def _known_zone(name: str) -> str:
    if name not in available_timezones():
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
    time that is left out is as much later as the clocks go forward. The answer is in the zone of
    the recurrence and, as text with its offset, still says which time of day was meant; so hand
    this very text back as the next `scheduled_at`.
    """
    rule, zone = parse_rule(recurrence.rule), ZoneInfo(recurrence.timezone)
    after = max(scheduled_at, now).astimezone(UTC)
    try:
        return _until(rule, zone, _first(_times(rule, zone, scheduled_at, after), after))
    except OverflowError:
        return None


def _times(
    rule: Rule, zone: ZoneInfo, scheduled_at: datetime, after: datetime
) -> Iterator[datetime]:
    """Occurrences in their order, from one that is at most a period before `after` on."""
    if rule.freq == "HOURLY":
        yield _next_hour(rule, scheduled_at, after).astimezone(zone)
        return
    anchor = _wall(scheduled_at, zone)
    skip_to = max(anchor, after.astimezone(zone).replace(tzinfo=None))
    walls = _in_months if rule.freq in MONTHS else _in_days
    for wall in walls(rule, anchor, skip_to):
        yield wall.replace(tzinfo=zone)


def _first(times: Iterator[datetime], after: datetime) -> datetime | None:
    return next((time for time in times if time.astimezone(UTC) > after), None)


def _until(rule: Rule, zone: ZoneInfo, time: datetime | None) -> datetime | None:
    match rule.until:
        case datetime() as until if time is not None and time.astimezone(UTC) > until:
            return None
        case datetime() | None:
            return time
        case until:
            return None if time is not None and time.astimezone(zone).date() > until else time


def _next_hour(rule: Rule, scheduled_at: datetime, after: datetime) -> datetime:
    step = timedelta(hours=rule.interval)
    return scheduled_at.astimezone(UTC) + ((after - scheduled_at) // step + 1) * step


def _wall(scheduled_at: datetime, zone: ZoneInfo) -> datetime:
    """The time of day that was meant: 02:30+01:00, where the clocks went from 2 to 3, means 02:30,
    though they never showed it."""
    meant = scheduled_at.replace(tzinfo=zone)
    local = meant if meant.utcoffset() == scheduled_at.utcoffset() else scheduled_at.astimezone(zone)
    return local.replace(tzinfo=None, fold=0, microsecond=0)


def _in_days(rule: Rule, anchor: datetime, skip_to: datetime) -> Iterator[datetime]:
    """Every period has an occurrence, or with INTERVAL=1 one of a year has: dateutil is quick."""
    step = rule.interval * LENGTHS[rule.freq]
    start = anchor + (skip_to - anchor) // step * step
    # The times of day of the first period may lie before those of `start`.
    day = start.replace(hour=0, minute=0, second=0) if "BYHOUR" in rule.by else start
    yield from _evaluator(rule, rule.interval, anchor).replace(dtstart=day)


def _in_months(rule: Rule, anchor: datetime, skip_to: datetime) -> Iterator[datetime]:
    """Each month or year is evaluated alone: the next one of its rule is out of the calendar."""
    evaluator = _evaluator(rule, OUT_OF_CALENDAR[rule.freq], anchor)
    step = rule.interval * MONTHS[rule.freq]
    first = _month(anchor) if rule.freq == "MONTHLY" else _month(anchor.replace(month=1))
    first += (_month(skip_to) - first) // step * step
    for period in range(first, first + MAX_EMPTY_PERIODS * step, step):
        year, month = divmod(period, 12)
        if year > datetime.max.year:
            return
        start = datetime(year, month + 1, 1)  # noqa: DTZ001 - dateutil reckons on the wall clock
        yield from evaluator.replace(dtstart=start)


def _month(wall: datetime) -> int:
    return wall.year * 12 + wall.month - 1


def _evaluator(rule: Rule, interval: int, anchor: datetime) -> rrule:
    """What RFC 5545 takes from the first occurrence is taken from `anchor`, whatever dtstart."""
    by = {"WKST": "MO", "BYSECOND": anchor.second, "BYMINUTE": anchor.minute} | rule.by
    by.setdefault("BYHOUR", str(anchor.hour))
    if not by.keys() & {"BYDAY", "BYMONTHDAY", "BYYEARDAY"}:
        by |= _days(rule, anchor)
    text = ";".join(f"{name}={value}" for name, value in by.items())
    evaluator = rrulestr(f"FREQ={rule.freq};INTERVAL={interval};{text}")
    assert isinstance(evaluator, rrule)
    return evaluator


def _days(rule: Rule, anchor: datetime) -> dict[str, object]:
    match rule.freq:
        case "WEEKLY":
            return {"BYDAY": ("MO", "TU", "WE", "TH", "FR", "SA", "SU")[anchor.weekday()]}
        case "MONTHLY":
            return {"BYMONTHDAY": anchor.day}
        case "YEARLY":
            return {"BYMONTH": anchor.month, "BYMONTHDAY": anchor.day} | rule.by
        case _:
            return {}
