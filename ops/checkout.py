"""Where this checkout is: taskrail is run from one, not installed."""

from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
