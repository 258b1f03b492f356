"""`./taskrail` starts from anywhere, for anybody, and installs only when something is missing.

The checkout is a small one, and uv is a stand-in that makes an environment without a network.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from ops.checkout import CHECKOUT

SHOW = "import os, sys; print(os.getcwd(), *sys.argv[1:])"
UV = f"""#!/bin/sh
case "$*" in *--help) echo "  --no-default-groups"; exit ;; esac
echo "$*" >>"$UV_LOG"
mkdir -p "$UV_PROJECT_ENVIRONMENT/bin"
ln -sf {sys.executable} "$UV_PROJECT_ENVIRONMENT/bin/python"
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A checkout, a home, and what was asked of uv."""

    root: Path

    @property
    def checkout(self) -> Path:
        return self.root / "check out"

    def run(self, *arguments: str, program: Path | None = None, **environ: str) -> str:
        """What it prints on stdout; CalledProcessError if it fails."""
        done = subprocess.run(
            [program or self.checkout / "taskrail", *arguments],
            cwd=self.root,
            env={"PATH": self.path(), "UV_LOG": str(self.root / "uv.log"), **environ},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def path(self) -> str:
        return f"{self.root / 'bin'}:/usr/bin:/bin"

    def installations(self) -> list[str]:
        log = self.root / "uv.log"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    write(place.checkout / "ops" / "__main__.py", SHOW)
    write(place.checkout / "uv.lock", "version = 1")
    write(place.checkout / "pyproject.toml", "[project]")
    shutil.copy(CHECKOUT / "taskrail", place.checkout)
    write(place.root / "bin" / "uv", UV).chmod(0o755)
    (place.root / "bin" / "python3").symlink_to(sys.executable)
    (place.root / "home").mkdir()
    return place


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_dependencies_are_installed_once_and_again_when_the_lock_changes(place: Place) -> None:
    home = str(place.root / "home")

    for _ in range(2):
        assert place.run("verify", "--json", HOME=home) == f"{place.root} verify --json"
    assert len(place.installations()) == 1

    write(place.checkout / "uv.lock", "version = 2")
    place.run("verify", HOME=home)
    assert len(place.installations()) == 2


@pytest.mark.parametrize(
    ("command", "group"),
    [("test", "test"), ("bench growth --json --plot figures", "benchmark")],
)
def test_only_the_command_that_needs_more_brings_it(place: Place, command: str, group: str) -> None:
    home = str(place.root / "home")

    for arguments in ("up", "bench growth", command, command):
        place.run(*arguments.split(), HOME=home)

    endings = [call.partition("--group ")[2] for call in place.installations()]
    assert endings == ["", group]


def test_a_home_is_not_needed(place: Place) -> None:
    folder = str(place.root / "home")

    assert place.run("up", TMPDIR=folder) == f"{place.root} up"
    assert place.run("up", HOME="", TMPDIR=folder) == f"{place.root} up"


def test_it_is_found_through_links(place: Place) -> None:
    (place.root / "one").symlink_to("check out/taskrail")
    (place.root / "two").symlink_to(place.root / "one")

    printed = place.run("a b", program=place.root / "two", HOME=str(place.root / "home"))

    assert printed == f"{place.root} a b"


def test_modules_in_the_operators_folder_are_not_taken_for_ours(place: Place) -> None:
    write(place.root / "ops" / "__main__.py", "raise SystemExit('a stranger')")
    write(place.root / "settings.py", "raise SystemExit('a stranger')")

    assert place.run("up", HOME=str(place.root / "home")) == f"{place.root} up"


def test_an_environment_whose_python_is_gone_is_made_anew(place: Place) -> None:
    home = str(place.root / "home")
    place.run("up", HOME=home)
    python = place.checkout / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/gone")

    assert place.run("up", HOME=home) == f"{place.root} up"


@pytest.mark.parametrize("version", ["an older one", "none"])
def test_without_a_python_that_is_new_enough_it_says_so_in_one_line(
    place: Place, version: str
) -> None:
    programs = ["sh", "cat", "cksum", "readlink", "dirname", "cut", "id", "find", "mkdir"]
    for name in programs:
        (place.root / "bin" / name).symlink_to(shutil.which(name) or "/missing")
    (place.root / "bin" / "python3").unlink()
    if version == "an older one":
        write(place.root / "bin" / "python3", "#!/bin/sh\nexit 1\n").chmod(0o755)

    with pytest.raises(subprocess.CalledProcessError) as caught:
        place.run("up", HOME=str(place.root / "home"), PATH=str(place.root / "bin"))

    assert caught.value.returncode == 1
    (line,) = caught.value.stderr.splitlines()
    assert "Python 3.11 or newer is needed" in line


def test_a_failed_installation_is_an_error_and_tried_again(place: Place) -> None:
    uv = place.root / "bin" / "uv"
    working = uv.read_text()
    uv.write_text(working + "exit 2\n")

    with pytest.raises(subprocess.CalledProcessError) as caught:
        place.run("up", HOME=str(place.root / "home"))
    uv.write_text(working)

    assert "could not be installed" in caught.value.stderr
    assert place.run("up", HOME=str(place.root / "home")) == f"{place.root} up"


def test_what_is_installed_already_needs_no_folder_to_write_to(place: Place) -> None:
    place.run("up", HOME=str(place.root / "home"))

    assert place.run("up", HOME="/dev/null", TMPDIR="/dev/null") == f"{place.root} up"
