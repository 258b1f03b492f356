"""`python -m ops.reference` writes the generated pages anew."""

from ops.checkout import CHECKOUT
from ops.reference.pages import PAGES

FOLDER = CHECKOUT / "docs" / "reference"


def main() -> None:
    for name, made in PAGES.items():
        (FOLDER / name).write_text(made())


if __name__ == "__main__":
    main()
