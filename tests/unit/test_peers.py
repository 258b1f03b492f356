"""The peers of the benchmarks are installed with the launcher's uv where there is no other."""

from pathlib import Path

import pytest

from benchmarks.rivals import uv_found


@pytest.mark.parametrize(
    ("variable", "folder"),
    [
        ("XDG_DATA_HOME", "taskrail"),
        ("HOME", ".local/share/taskrail"),
        ("TMPDIR", "taskrail-{user}"),
    ],
)
def test_uv_is_found_where_the_launcher_has_installed_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, folder: str
) -> None:
    monkeypatch.setattr("os.environ", {"PATH": "", variable: str(tmp_path)})
    monkeypatch.setattr("os.getuid", lambda: "{user}")
    uv = tmp_path / folder / "uv" / "bin" / "uv"
    uv.parent.mkdir(parents=True)
    uv.touch(mode=0o755)

    assert uv_found() == str(uv)


def test_without_uv_it_is_said_how_to_do_without_peers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("os.environ", {"PATH": "", "TMPDIR": str(tmp_path)})

    with pytest.raises(RuntimeError, match="--peers none"):
        uv_found()
