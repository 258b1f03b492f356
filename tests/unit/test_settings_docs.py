"""The reference of settings says what the settings are."""

import re

import pytest

from ops.checkout import CHECKOUT
from settings import PREFIX, Settings

PAGE = CHECKOUT / "docs" / "reference" / "settings.md"
ROW = re.compile(r"^\| `(TASKRAIL_\w+)` \| (.*?) \| (.*) \|$", re.MULTILINE)


def _documented() -> dict[str, tuple[str, str]]:
    return {name: (default, meaning) for name, default, meaning in ROW.findall(PAGE.read_text())}


def test_the_page_lists_all_settings_and_no_others() -> None:
    assert set(_documented()) == {PREFIX + name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("name", sorted(set(Settings.model_fields) - {"data_dir"}))
def test_the_page_says_the_default_and_the_meaning(name: str) -> None:
    field = Settings.model_fields[name]
    default = "none" if field.default is None else f"`{field.default}`"

    assert _documented()[PREFIX + name.upper()] == (default, field.description)
