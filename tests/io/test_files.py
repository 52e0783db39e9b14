"""A file is written whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from chanvae.errors import DataError
from chanvae.files import whole


def test_file_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with whole(target) as temporary:
        temporary.write_text("new")
        assert temporary.parent == tmp_path and not target.exists()
    assert target.read_text() == "new" and list(tmp_path.iterdir()) == [target]
    assert target.stat().st_mode & 0o777 == 0o666 & ~_umask()


def test_existing_file_needs_overwrite(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(DataError, match=r"a.txt exists; add --overwrite to replace it"):
        whole(target).__enter__()
    with whole(target, overwrite=True) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "new"


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError, SystemExit])
def test_failure_leaves_the_folder_as_it_was(tmp_path: Path, failure: type) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(failure), whole(target, overwrite=True) as temporary:
        temporary.write_text("half")
        raise failure
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.ENOSPC, "disk is full"), (errno.EDQUOT, "quota"), (errno.EROFS, "read-only")],
)
def test_what_the_disk_says_is_one_line(tmp_path: Path, number: int, said: str) -> None:
    with pytest.raises(DataError, match=said), whole(tmp_path / "a.txt"):
        raise OSError(number, os.strerror(number))
    assert not any(tmp_path.iterdir())


def test_errors_about_other_files_pass(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), whole(tmp_path / "a.txt"):
        raise PermissionError(errno.EACCES, "denied", "/elsewhere")


def test_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: str, *args: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(DataError, match="a.txt: not written: writing there is not permitted"):
        whole(tmp_path / "a.txt").__enter__()


def test_odd_targets(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match="is a folder"):
        whole(tmp_path / "folder").__enter__()
    with pytest.raises(DataError, match="does not exist; make it first"):
        whole(tmp_path / "none" / "a.txt").__enter__()
    with pytest.raises(DataError, match="not a regular file"):
        whole("/dev/null", overwrite=True).__enter__()
    with pytest.raises(DataError, match="name is too long"):
        whole(tmp_path / ("a" * 300)).__enter__()


def test_link_keeps_pointing(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "real" / "a.txt")
    with whole(tmp_path / "link.txt") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real" / "a.txt").read_text() == "new"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
