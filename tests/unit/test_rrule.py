from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from jobs.recurrence import Recurrence
from jobs.rrule import parse_rule


def test_a_rule_is_read_whatever_its_case_and_prefix() -> None:
    rule = parse_rule("rrule:freq=monthly;interval=2;byday=-1fr;until=20271231;")

    assert (rule.freq, rule.interval, rule.until) == ("MONTHLY", 2, date(2027, 12, 31))
    assert rule.by == {"BYDAY": "-1FR"}


def test_until_may_be_a_time_in_utc() -> None:
    rule = parse_rule("FREQ=HOURLY;UNTIL=20271231T170000Z")

    assert rule.until == datetime(2027, 12, 31, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rule", "remedy"),
    [
        ("", "without spaces"),
        ("FREQ=SECONDLY", "finer than an hour"),
        ("FREQ=MINUTELY;INTERVAL=5", "finer than an hour"),
        ("INTERVAL=2", "FREQ is one of"),
        ("FREQ=DAILY;COUNT=3", "max_occurrences"),
        ("DTSTART:20260101T090000Z\nRRULE:FREQ=DAILY", "without DTSTART"),
        ("FREQ=DAILY;DTSTART=20260101", "due_at"),
        ("FREQ=DAILY\nFREQ=WEEKLY", "one rule"),
        ("FREQ=DAILY;FREQ=WEEKLY", "twice"),
        ("FREQ=DAILY;" + "BYHOUR=" + "1," * 600, "longer than"),
        ("FREQ=DAILY;BYEASTER=1", "leave it out"),
        ("FREQ=YEARLY;BYWEEKNO=20", "BYMONTH"),
        ("FREQ=DAILY;BYMONTHDAY=1", "it goes with MONTHLY, YEARLY"),
        ("FREQ=HOURLY;BYHOUR=9", "it goes with DAILY"),
        ("FREQ=DAILY;INTERVAL=0", "1 to 1000"),
        ("FREQ=DAILY;INTERVAL=1,2", "one number"),
        ("FREQ=DAILY;INTERVAL=99999999999999999999", "1 to 1000"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=MO", "needs INTERVAL=1"),
        ("FREQ=WEEKLY;INTERVAL=2;BYMONTH=1", "needs INTERVAL=1"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "not '0'"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "not '32'"),
        ("FREQ=MONTHLY;BYMONTHDAY=", "not ''"),
        ("FREQ=MONTHLY;BYMONTHDAY=\u0661", "-31 to 31"),
        ("FREQ=YEARLY;BYMONTH=13", "1 to 12"),
        ("FREQ=DAILY;BYHOUR=24", "0 to 23"),
        ("FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE=0,10,20,30,40", "24 times a day"),
        ("FREQ=DAILY;BYSECOND=0,30", "same BYSECOND"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1;BYHOUR=9,17", "one time of day"),
        ("FREQ=WEEKLY;BYDAY=2MO", "MONTHLY and YEARLY only"),
        ("FREQ=MONTHLY;BYDAY=2MO,TU", "for none"),
        ("FREQ=MONTHLY;BYDAY=6MO", "up to 5"),
        ("FREQ=YEARLY;BYDAY=54MO", "up to 53"),
        ("FREQ=MONTHLY;BYDAY=0MO", "such as MO"),
        ("FREQ=MONTHLY;BYDAY=XX", "such as MO"),
        ("FREQ=WEEKLY;WKST=TU", "MO or SU"),
        ("FREQ=DAILY;UNTIL=20260231", "UNTIL is a date"),
        ("FREQ=DAILY;UNTIL=20261231T090000", "UNTIL is a date"),
    ],
)
def test_a_rule_that_is_refused_says_what_to_change(rule: str, remedy: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Recurrence(rule=rule)

    assert remedy in str(refused.value)
