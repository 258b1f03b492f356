"""What the house calls an error of the driver."""

from collections.abc import Awaitable
from typing import Any

import pytest

from db.conflicts import translated


async def failure(act: Awaitable[Any]) -> BaseException:
    """What the house calls the error that `act` ends with."""
    with pytest.raises(Exception) as caught, translated():  # noqa: PT011 - asked: which
        await act
    return caught.value
