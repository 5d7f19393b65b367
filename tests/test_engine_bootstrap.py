from __future__ import annotations

import io
import os
import tarfile
import threading
import zipfile

import pytest

from orchestrator.engine import bootstrap
from orchestrator.errors import CellError, CellStatus
from orchestrator.model import BaseSpec

STATUS = b"""Package: zlib1g
Status: install ok installed
Architecture: amd64
Version: 1:1.2.13
Description: compression
 Version: this line belongs to the description

Package: adduser
Architecture: all
Version: 3.134
"""
SPEC = BaseSpec(name="x", python="3.7", suite="bookworm", artifact="a:b:1:jar", artifact_prefix="p/linux")


@pytest.mark.parametrize("name", ["./var/lib/dpkg/status", "var/lib/dpkg/status"])
def test_packages_are_read_from_a_root_filesystems_own_record(tmp_path, name):
    with tarfile.open(tmp_path / "rootfs.tar", "w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(STATUS)
        tar.addfile(entry, io.BytesIO(STATUS))
    assert bootstrap.packages(tmp_path / "rootfs.tar") == ("adduser=3.134:all", "zlib1g=1:1.2.13:amd64")


def test_a_root_filesystem_without_a_record_is_infra(tmp_path):
    tarfile.open(tmp_path / "rootfs.tar", "w").close()
    with pytest.raises(CellError) as raised:
        bootstrap.packages(tmp_path / "rootfs.tar")
    assert raised.value.status is CellStatus.INFRA


def test_an_artifact_is_unpacked_without_what_nothing_uses_or_what_leads_outside(tmp_path):
    names = ["bin/python3.7", "lib/python3.7/os.py", "lib/python3.7/test/x.py", "libpython3.7m.so.1.0", "../../evil"]
    with zipfile.ZipFile(tmp_path / "a.jar", "w") as archive:
        archive.writestr("META-INF/MANIFEST", "")
        for name in names:
            archive.writestr(f"p/linux/{name}", name)
    bootstrap.unpack(tmp_path / "a.jar", "p/linux", tmp_path / "python")
    found = {str(p.relative_to(tmp_path / "python")): p for p in (tmp_path / "python").rglob("*") if p.is_file()}
    assert found.keys() == {"bin/python3.7", "lib/python3.7/os.py", "libpython3.7m.so.1.0"}
    assert os.access(found["bin/python3.7"], os.X_OK)
    assert not os.access(found["lib/python3.7/os.py"], os.X_OK)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(("make", "said"), [(bootstrap.rootfs, "mmdebstrap"), (bootstrap.artifact, "maven")])
def test_a_missing_tool_is_named_with_the_command_that_installs_it(tmp_path, monkeypatch, make, said):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CellError) as raised:
        make(SPEC, tmp_path, tmp_path / "log", threading.Event())
    assert (raised.value.status, raised.value.reason) == (CellStatus.UNAVAILABLE, "no-base")
    assert f"apt-get install {said}" in raised.value.detail
