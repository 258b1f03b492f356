"""`python -m ops.reference` writes the generated pages anew."""

from pathlib import Path

from ops.reference.pages import PAGES

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


def main() -> None:
    for name, made in PAGES.items():
        (FOLDER / name).write_text(made())


if __name__ == "__main__":
    main()
