from __future__ import annotations

import hashlib
from pathlib import Path

from dss_worker.own_code import hash_of_sources, own_code


def test_is_over_path_length_and_bytes_of_every_source_in_the_order_of_paths(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c.py").write_bytes(b"two\n")
    (tmp_path / "a.py").write_bytes(b"one")
    (tmp_path / "a.pyc").write_bytes(b"made of it")
    assert hash_of_sources(tmp_path) == hashlib.sha256(b"a.py\x003\x00oneb/c.py\x004\x00two\n").hexdigest()


def test_is_that_of_this_package() -> None:
    import dss_worker

    assert own_code() == hash_of_sources(Path(dss_worker.__file__).parent)
