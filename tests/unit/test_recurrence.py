from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrule
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from jobs.recurrence import MAX_EMPTY_PERIODS, Recurrence, next_after

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


def at(text: str, zone: str = "UTC") -> datetime:
    """A wall-clock time of the zone."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def following(rule: str, scheduled_at: datetime, zone: str = "UTC") -> datetime | None:
    """The next occurrence of one that is completed in time."""
    recurrence = Recurrence(rule=rule, timezone=zone)
    return next_after(recurrence, scheduled_at, scheduled_at - timedelta(hours=1))


def series(rule: str, first: datetime, length: int, zone: str = "UTC") -> list[str]:
    """Walls of the occurrences after the first, each evaluated from the one before, as stored."""
    walls, stored = [], first.isoformat()
    for _ in range(length):
        found = following(rule, datetime.fromisoformat(stored), zone)
        assert found is not None
        stored = found.isoformat()
        walls.append(stored[:16])
    return walls


@pytest.mark.parametrize(
    ("zone", "before", "utc_before", "utc_after"),
    [
        (BERLIN, "2027-03-27T09:00", "08:00", "07:00"),
        (BERLIN, "2027-10-30T09:00", "07:00", "08:00"),
        (NEW_YORK, "2027-03-13T09:00", "14:00", "13:00"),
        (NEW_YORK, "2027-11-06T09:00", "13:00", "14:00"),
    ],
)
def test_nine_o_clock_stays_nine_o_clock_when_the_clocks_change(
    zone: str, before: str, utc_before: str, utc_after: str
) -> None:
    scheduled = at(before, zone)

    found = following("FREQ=DAILY", scheduled.astimezone(UTC), zone)

    assert found is not None
    assert found.replace(tzinfo=None) == scheduled.replace(tzinfo=None) + timedelta(days=1)
    assert f"{scheduled.astimezone(UTC):%H:%M}" == utc_before
    assert f"{found.astimezone(UTC):%H:%M}" == utc_after


@pytest.mark.parametrize(
    ("zone", "scheduled", "moved_to"),
    [
        (BERLIN, "2027-03-27T02:30", "2027-03-28T01:30Z"),  # 03:30 summer time
        (NEW_YORK, "2027-03-13T02:30", "2027-03-14T07:30Z"),
    ],
)
def test_a_time_the_clocks_leave_out_moves_forward_for_that_day_only(
    zone: str, scheduled: str, moved_to: str
) -> None:
    left_out = following("FREQ=DAILY", at(scheduled, zone), zone)
    assert left_out is not None
    stored = datetime.fromisoformat(left_out.isoformat())

    next_day = following("FREQ=DAILY", stored, zone)

    assert stored == datetime.fromisoformat(moved_to)
    assert next_day is not None
    assert f"{next_day:%H:%M}" == "02:30"


@pytest.mark.parametrize(
    ("zone", "scheduled", "first"),
    [
        (BERLIN, "2027-10-30T02:30", "2027-10-31T00:30Z"),
        (NEW_YORK, "2027-11-06T01:30", "2027-11-07T05:30Z"),
    ],
)
def test_of_a_time_that_comes_twice_the_first_counts(zone: str, scheduled: str, first: str) -> None:
    found = following("FREQ=DAILY", at(scheduled, zone), zone)
    assert found is not None
    after_it = following("FREQ=DAILY", found, zone)

    assert found == datetime.fromisoformat(first)
    assert after_it is not None
    assert after_it.date() == found.date() + timedelta(days=1)


def test_hours_are_real_hours_while_the_clocks_change() -> None:
    scheduled = datetime(2027, 10, 31, 0, 15, tzinfo=UTC)

    found = following("FREQ=HOURLY", scheduled, BERLIN)

    assert found == scheduled + timedelta(hours=1)


@pytest.mark.parametrize(
    ("rule", "first", "walls"),
    [
        ("FREQ=MONTHLY", "2026-01-31", ["2026-03-31", "2026-05-31", "2026-07-31"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-31", ["2026-02-28", "2026-03-31", "2026-04-30"]),
        ("FREQ=MONTHLY;BYMONTHDAY=30,-1", "2026-01-31", ["2026-02-28", "2026-03-30", "2026-03-31"]),
        ("FREQ=MONTHLY;INTERVAL=3", "2026-11-30", ["2027-05-30", "2027-08-30", "2027-11-30"]),
        ("FREQ=MONTHLY", "2026-01-15", ["2026-02-15", "2026-03-15", "2026-04-15"]),
        ("FREQ=YEARLY", "2096-02-29", ["2104-02-29", "2108-02-29", "2112-02-29"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1", "2027-02-28", ["2028-02-29", "2029-02-28"]),
        ("FREQ=YEARLY;BYMONTH=1,7", "2026-01-31", ["2026-07-31", "2027-01-31"]),
        ("FREQ=YEARLY;BYYEARDAY=1,-1", "2026-01-01", ["2026-12-31", "2027-01-01"]),
        ("FREQ=YEARLY;INTERVAL=2", "2026-06-01", ["2028-06-01", "2030-06-01"]),
        ("FREQ=WEEKLY;INTERVAL=2", "2026-11-23", ["2026-12-07", "2026-12-21"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR", "2026-11-23", ["2026-11-27", "2026-12-07"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU", "2026-11-22", ["2026-11-23", "2026-12-06"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO", "2026-11-22", ["2026-11-30", "2026-12-06"]),
        ("FREQ=DAILY;INTERVAL=10", "2026-11-23", ["2026-12-03", "2026-12-13"]),
        ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", "2026-11-27", ["2026-11-30", "2026-12-01"]),
        ("FREQ=DAILY;BYMONTH=1", "2026-01-31", ["2027-01-01", "2027-01-02"]),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1", "2026-11-02", ["2026-12-07", "2027-01-04"]),
        ("FREQ=MONTHLY;BYDAY=1MO", "2026-11-02", ["2026-12-07", "2027-01-04"]),
        ("FREQ=MONTHLY;BYDAY=-1FR", "2026-11-27", ["2026-12-25", "2027-01-29"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-10-30", ["2026-11-30"]),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "2026-11-13", ["2027-08-13", "2028-10-13"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO", "2072-02-29", ["2112-02-29"]),
        ("rrule:freq=daily;", "2026-11-23", ["2026-11-24"]),
    ],
)
def test_days_follow_as_rfc_5545_has_them(rule: str, first: str, walls: list[str]) -> None:
    found = series(rule, at(f"{first}T09:00"), len(walls))

    assert found == [f"{wall}T09:00" for wall in walls]


def test_times_of_day_follow_each_other_within_the_day() -> None:
    rule = "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9,17;BYMINUTE=30;BYSECOND=0"

    found = series(rule, at("2026-11-23T09:30", BERLIN), 3, BERLIN)

    assert found == ["2026-11-23T17:30", "2026-11-30T09:30", "2026-11-30T17:30"]


@pytest.mark.parametrize(
    ("until", "is_last"),
    [
        ("20261123", True),
        ("20261124", False),
        ("20261124T080000Z", False),  # 09:00 in Berlin, itself included
        ("20261124T075959Z", True),
    ],
)
def test_after_until_nothing_comes(until: str, is_last: bool) -> None:  # noqa: FBT001 - a table's column
    found = following(f"FREQ=DAILY;UNTIL={until}", at("2026-11-23T09:00", BERLIN), BERLIN)

    assert (found is None) is is_last


@pytest.mark.parametrize(
    ("rule", "next_one"),
    [
        ("FREQ=HOURLY;INTERVAL=5", "2026-11-23T12:00"),
        ("FREQ=DAILY;INTERVAL=2", "2026-11-25T09:00"),
        ("FREQ=WEEKLY", "2026-11-25T09:00"),
        ("FREQ=MONTHLY;INTERVAL=5", "2027-02-01T09:00"),
        ("FREQ=YEARLY;INTERVAL=3", "2029-01-01T09:00"),
    ],
)
def test_one_completed_years_late_is_followed_by_the_next_to_come(rule: str, next_one: str) -> None:
    recurrence = Recurrence(rule=rule)

    found = next_after(recurrence, at("2020-01-01T09:00"), at("2026-11-23T10:00"))

    assert found == at(next_one)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYMONTHDAY=1;BYDAY=2MO",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
    ],
)
def test_a_rule_that_never_matches_is_given_up_within_its_bound(
    rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated: list[datetime] = []
    replace = rrule.replace

    def counting(evaluator: rrule, dtstart: datetime) -> rrule:
        evaluated.append(dtstart)
        return replace(evaluator, dtstart=dtstart)

    monkeypatch.setattr(rrule, "replace", counting)

    assert following(rule, at("2027-02-01T09:00")) is None
    assert len(evaluated) == MAX_EMPTY_PERIODS[rule[5:].partition(";")[0]]


@pytest.mark.parametrize("freq", ["HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
def test_the_calendar_has_an_end(freq: str) -> None:
    assert following(f"FREQ={freq};INTERVAL=1000", at("9999-12-31T23:00")) is None
    assert following(f"FREQ={freq}", at("9999-12-31T23:30"), "Pacific/Kiritimati") is None


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "Europe/Berlin\x00"])
def test_a_zone_is_one_of_iana_s(zone: str) -> None:
    with pytest.raises(ValidationError):
        Recurrence(rule="FREQ=DAILY", timezone=zone)


RULES = [
    "FREQ=HOURLY;INTERVAL=7",
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=DAILY;BYDAY=SA,SU;BYHOUR=2,3;BYMINUTE=0,30",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU",
    "FREQ=MONTHLY;BYMONTHDAY=31",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
    "FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU;BYHOUR=2;BYMINUTE=30",
]
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy adds the zone


@given(
    rule=st.sampled_from(RULES),
    zone=st.sampled_from(["UTC", BERLIN, NEW_YORK, "Asia/Kathmandu", "Australia/Lord_Howe"]),
    scheduled_at=MOMENTS,
    now=MOMENTS,
)
def test_what_follows_lies_ahead_and_finds_itself_again(
    rule: str, zone: str, scheduled_at: datetime, now: datetime
) -> None:
    recurrence = Recurrence(rule=rule, timezone=zone)

    found = next_after(recurrence, scheduled_at, now)

    assert found is not None
    assert found > max(scheduled_at, now)
    just_before = found - timedelta(microseconds=1)
    assert next_after(recurrence, scheduled_at, max(now, just_before)) == found
