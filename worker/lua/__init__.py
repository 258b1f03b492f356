"""What runs within Redis: one script a file."""

from pathlib import Path


def source(name: str) -> str:
    """The text of `worker/lua/<name>.lua`."""
    return Path(__file__).with_name(f"{name}.lua").read_text()
