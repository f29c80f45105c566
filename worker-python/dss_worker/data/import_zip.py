"""Unpacks the release's datasets.zip: checked entirely first, then moved into place.

`python -m dss_worker.data.import_zip` reads `{"zip", "datasets"}` (paths) on stdin and writes one JSON document
on stdout: `{"datasets": [{"name", "files", "bytes", "rows": {split: n}}], "ignored": [...]}` or `{"error": {...}}`.

An archive is input from elsewhere. Nothing is written under a name it gives: only names of the release's layout
are unpacked, sizes are counted while reading, and an entry that tries to leave the folder refuses the archive.
"""

from __future__ import annotations

import lzma
import re
import shutil
import stat
import sys
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from dss_worker.data.answer import Refused, answer
from dss_worker.data.dataset_files import SplitName
from dss_worker.data.release_files import count_release_rows
from dss_worker.data.release_layout import folders_of, owner_of
from dss_worker.errors import DataError

MAX_ENTRIES = 10_000
MAX_BYTES = 8 * 1024**3
# JSON text of this kind shrinks to a tenth; a bomb to a thousandth.
MAX_RATIO = 200
CHUNK = 1024 * 1024

WRAPPER = "datasets/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An entry to unpack."""

    info: zipfile.ZipInfo
    # Whose file it is.
    dataset: str
    # Below the datasets root, with forward slashes; a file of the release's layout.
    path: str


def plan_members(archive: zipfile.ZipFile) -> tuple[list[Member], list[str]]:
    """What to unpack, and the names of what is left out.

    Raises: Refused (DATASET_INVALID) for an archive that no honest tool writes.
    """
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        raise _refuse(f"it has {len(infos)} entries; at most {MAX_ENTRIES} are read")
    if sum(info.file_size for info in infos) > MAX_BYTES:
        raise _refuse(f"unpacked it would be larger than {MAX_BYTES} bytes")
    members: dict[str, Member] = {}
    ignored: list[str] = []
    for info in infos:
        _refuse_unsafe(info)
        if info.is_dir():
            continue
        path = info.filename.removeprefix(WRAPPER)
        dataset = owner_of(path)
        if dataset is None:
            ignored.append(info.filename)
        elif path in members:
            raise _refuse(f"it has {path} twice")
        else:
            members[path] = Member(info=info, dataset=dataset, path=path)
    if not members:
        raise _refuse("it holds no file of the release's layout, such as datasets/cqa/cqa_train.json")
    return list(members.values()), ignored


def _refuse_unsafe(info: zipfile.ZipInfo) -> None:
    # orig_filename is what the archive says; zipfile already mends filename, and silence would hide the attempt.
    name = info.orig_filename
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or "\0" in name or re.match(r"[A-Za-z]:", name):
        raise _refuse(f"the entry {name!r} points outside the folder")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refuse(f"the entry {name!r} is a link or a device")
    if info.flag_bits & 0x1:
        raise _refuse(f"the entry {name!r} is encrypted")
    if info.file_size > CHUNK and info.file_size > MAX_RATIO * max(1, info.compress_size):
        raise _refuse(f"the entry {name!r} unpacks to {info.file_size} bytes from {info.compress_size}")


def _refuse(why: str) -> Refused:
    return Refused("DATASET_INVALID", f"the archive is refused: {why}", "nothing was changed")


def unpack(archive: zipfile.ZipFile, members: list[Member], folder: Path) -> None:
    """Writes members below a folder of ours.

    Raises: Refused (DATASET_INVALID) if an entry is damaged or longer than it says.
    """
    for member in members:
        target = folder / member.path
        target.parent.mkdir(parents=True, exist_ok=True)
        written = 0
        try:
            with archive.open(member.info) as source, target.open("xb") as file:
                while chunk := source.read(CHUNK):
                    written += len(chunk)
                    if written > member.info.file_size:
                        raise _refuse(f"the entry {member.path!r} is longer than it says")
                    file.write(chunk)
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError) as error:
            raise _refuse(f"the entry {member.path!r} is damaged: {error}") from error
        except OSError as error:
            if error.errno is not None:  # the disk's, and no decompressor's
                raise
            raise _refuse(f"the entry {member.path!r} is damaged: {error}") from error


def import_zip(request: dict[str, object]) -> dict[str, object]:
    """Every sound dataset of an archive; of each, all files or none.

    Raises: Refused if the archive or what is there already forbids it; nothing is changed then.
    """
    path, root = Path(str(request["zip"])), Path(str(request["datasets"]))
    if not path.is_file():
        raise Refused("DATASET_MISSING", f"there is no file at {path}")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
        raise _refuse(f"it is no zip file ({error})") from error
    with archive:
        members, ignored = plan_members(archive)
        names = sorted({member.dataset for member in members})
        for folder in (folder for name in names for folder in folders_of(name)):
            if (root / folder).exists() and any(member.path.startswith(f"{folder}/") for member in members):
                raise Refused("DATASET_INVALID", f"{root / folder} is there already", "move it away first")
        root.mkdir(parents=True, exist_ok=True)
        # On the same file system as the target, so that a move is one step.
        staging = Path(tempfile.mkdtemp(prefix=".import-", dir=root))
        try:
            unpack(archive, members, staging)
            summaries = [_summary(name, members, staging) for name in names]
            sound = [str(summary["name"]) for summary in summaries if summary["problem"] is None]
            move_all([folder for name in sound for folder in folders_of(name)], staging, root)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return {"datasets": summaries, "ignored": ignored}


def move_all(folders: list[str], staging: Path, root: Path) -> None:
    """Moves each folder in one step; when one cannot be moved, those before it go back."""
    moved: list[str] = []
    try:
        for folder in folders:
            if not (staging / folder).exists():
                continue
            (root / folder).parent.mkdir(parents=True, exist_ok=True)
            (staging / folder).rename(root / folder)
            moved.append(folder)
    except OSError:
        for folder in moved:
            (root / folder).rename(staging / folder)
        raise


def _summary(name: str, members: list[Member], staging: Path) -> dict[str, object]:
    own = [member for member in members if member.dataset == name]
    rows: dict[SplitName, int] = {}
    problem = None
    try:
        rows = count_release_rows(staging, name)
    except DataError as error:
        problem = error.message
    size = sum(member.info.file_size for member in own)
    return {"name": name, "files": len(own), "bytes": size, "rows": rows, "problem": problem}


if __name__ == "__main__":
    sys.exit(answer(import_zip))
