"""Installing wheels: as uv would have it, nothing of them run; and what a hostile one tries comes to nothing."""

from __future__ import annotations

import base64
import errno
import hashlib
import importlib.util
import os
import stat
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import uv

from orchestrator import paths

WHEEL = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
METADATA = "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n"
NAME = "thing-1.0-py3-none-any.whl"


def module(name: str) -> ModuleType:
    sys.path.insert(0, str(paths.data("images")))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(paths.data("images")))


install, wheels, unpack = module("install"), module("wheels"), module("unpack")


def made(
    folder: Path, members: dict[str, bytes | str], *, project: str = "thing", change=None, recorded: bool = True
) -> Path:
    """A wheel with a proper .dist-info and `members`; `change` sees each entry before it is written."""
    content = {n: m.encode() if isinstance(m, str) else m for n, m in members.items()}
    info = f"{project}-1.0.dist-info"
    metadata = METADATA.replace("thing", project).encode()
    whole = {f"{info}/METADATA": metadata, f"{info}/WHEEL": WHEEL.encode(), **content}
    rows = [f"{n},sha256={_hash(c)},{len(c)}" for n, c in whole.items()]
    whole.setdefault(f"{info}/RECORD", "\n".join([*rows, f"{info}/RECORD,,"]).encode())
    if not recorded:
        del whole[f"{info}/RECORD"]
    path = folder / f"{project}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, text in whole.items():
            described = zipfile.ZipInfo(entry)
            described.compress_type = zipfile.ZIP_DEFLATED
            described.external_attr = (stat.S_IFREG | 0o644) << 16
            if change is not None:
                change(described)
            archive.writestr(described, text)
    return path


def _hash(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


@pytest.fixture
def environment(tmp_path) -> Path:
    place = tmp_path / "opt" / "venv"
    Path(wheels.site_packages(str(place))).mkdir(parents=True)
    (place / "bin").mkdir()
    (place / "bin" / "python").symlink_to(sys.executable)
    return place


def site(environment: Path) -> Path:
    return Path(wheels.site_packages(str(environment)))


def outside(environment: Path) -> set[Path]:
    """Everything beside the environment and the wheels themselves."""
    root = environment.parents[1]
    return {p for p in root.rglob("*") if environment not in p.parents and p.suffix != ".whl"}


FILES = {
    "thing/__init__.py": "VALUE = 7\n",
    "thing/broken.py": "def broken(:\n",
    "thing/tests/test_it.py": "T = 1\n",
    "thing/data.bin": b"\0" * 5_000_000,
    "thing/tool.sh": "#!/bin/sh\n",
    "thing-1.0.data/scripts/thing-script": "#!python -u\nimport thing\nprint(thing.VALUE)\n",
    "thing-1.0.data/purelib/more.py": "MORE = 1\n",
    "thing-1.0.data/data/share/thing/doc.txt": "doc\n",
    "thing-1.0.data/headers/thing.h": "#define THING\n",
    "thing-1.0.dist-info/entry_points.txt": "[console_scripts]\nthing = thing:print\nother = thing.sub:Klass.run [x]\n",
}


def test_what_is_installed_is_what_uv_installs(tmp_path, environment):
    """Names, contents and modes of all files, but for what names the installer."""

    def executable(entry: zipfile.ZipInfo) -> None:
        if entry.filename.endswith(".sh"):
            entry.external_attr = (stat.S_IFREG | 0o755) << 16

    wheel = made(tmp_path, FILES, change=executable)
    install.install([str(wheel)], str(environment))
    other = tmp_path / "other"
    subprocess.run([uv.find_uv_bin(), "venv", "-q", "--python", sys.executable, str(other)], check=True)
    before = {p.relative_to(other) for p in other.rglob("*")}
    command = [uv.find_uv_bin(), "pip", "install", "-q", "--offline", "--no-cache", "--no-deps", "--python", str(other)]
    subprocess.run([*command, "--no-index", "--find-links", str(tmp_path), "thing==1.0"], check=True)
    theirs = {p.relative_to(other) for p in other.rglob("*") if p.is_file()} - before
    theirs = {p for p in theirs if p.name not in (".lock", "uv_cache.json")}  # uv's own
    ours = {p.relative_to(environment) for p in environment.rglob("*") if p.is_file() and p.suffix != ".pyc"}
    assert ours - {Path("bin/python")} == theirs
    for path in theirs:
        mine, its = (environment / path).read_bytes(), (other / path).read_bytes()
        if path.name in ("INSTALLER", "RECORD"):
            continue
        if path.parent.name == "bin":
            mine, its = mine.partition(b"\n")[2], its.partition(b"\n")[2]
            assert mine.split() and its.split()
            if path.name in ("thing", "other"):
                continue
        assert mine == its, path
        assert os.access(environment / path, os.X_OK) == os.access(other / path, os.X_OK), path


def test_what_is_installed_works_and_is_on_record(tmp_path, environment):
    install.install([str(made(tmp_path, FILES))], str(environment))
    made_script = (environment / "bin" / "thing-script").read_text()
    assert made_script.startswith(f"#!{environment}/bin/python -u\nimport thing")
    assert "from thing.sub import Klass\n" in (environment / "bin" / "other").read_text()
    record = (site(environment) / "thing-1.0.dist-info" / "RECORD").read_text().splitlines()
    listed = {line.rsplit(",", 2)[0]: line.rsplit(",", 2)[1:] for line in record}
    for name, (said, size) in listed.items():
        content = (site(environment) / name).read_bytes()
        if not name.endswith("/RECORD"):
            assert (said, int(size)) == (f"sha256={_hash(content)}", len(content)), name
    assert {"../../../bin/thing", "more.py", "../../../share/thing/doc.txt"} <= listed.keys()
    cached = importlib.util.cache_from_source(str(site(environment) / "thing" / "__init__.py"))
    assert Path(cached).exists()
    code = "import sys; sys.dont_write_bytecode = True; import thing; print(thing.VALUE, thing.__cached__)"
    there = {"PYTHONPATH": str(site(environment))}
    asked = subprocess.run([sys.executable, "-S", "-c", code], env=there, capture_output=True, text=True, check=True)
    assert asked.stdout.split() == ["7", cached]
    assert [p.name.split(".")[0] for p in site(environment).glob("thing/__pycache__/*")] == ["__init__"]
    assert not list(site(environment).glob("thing/tests/__pycache__/*")), "tests of packages are not compiled"


def test_nothing_of_a_wheel_runs_while_it_is_installed_nor_while_the_next_one_is(tmp_path, environment):
    ran = tmp_path / "ran"
    hook = f"import os; open({str(ran)!r}, 'w').close()\n"
    install.install([str(made(tmp_path, {"hook.pth": hook, "sitecustomize.py": hook}))], str(environment))
    folder = tmp_path / "next"
    folder.mkdir()
    install.install([str(made(folder, {"next.py": "X = 1\n"}))], str(environment))
    assert not ran.exists()
    assert (site(environment) / "hook.pth").read_text() == hook


def test_of_two_wheels_with_the_same_file_the_later_one_has_it(tmp_path, environment):
    found = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        found.append(str(made(folder, {"same.py": f"N = {number}\n"})))
    install.install(found, str(environment))
    assert (site(environment) / "same.py").read_text() == "N = 1\n"


def named(name: str):
    """Renames the entry `evil` as zipfile itself would not."""

    def change(entry: zipfile.ZipInfo) -> None:
        if entry.filename == "evil":
            entry.filename = name

    return change


def kind(mode: int):
    def change(entry: zipfile.ZipInfo) -> None:
        if entry.filename == "evil":
            entry.external_attr = mode << 16

    return change


HOSTILE = {
    "parent": ({"evil": "x"}, named("../../../../evil")),
    "parent in the middle": ({"evil": "x"}, named("thing/../../../../../evil")),
    "absolute": ({"evil": "x"}, named("/tmp/evil-absolute")),
    "backslashes": ({"evil": "x"}, named("..\\evil")),
    "dot": ({"evil": "x"}, named("./evil")),
    "empty part": ({"evil": "x"}, named("a//evil")),
    "control characters": ({"evil": "x"}, named("a\x1b[2Jb.py")),
    "newline": ({"evil": "x"}, named("a\nb.py")),
    "too long": ({"evil": "x"}, named("a" * 300)),
    "symlink": ({"evil": "/etc"}, kind(stat.S_IFLNK | 0o777)),
    "fifo": ({"evil": "x"}, kind(stat.S_IFIFO | 0o644)),
    "device": ({"evil": "x"}, kind(stat.S_IFCHR | 0o644)),
    "scheme": ({"thing-1.0.data/nowhere/evil": "x"}, None),
    "scheme out of it": ({"evil": "x"}, named("thing-1.0.data/data/../../evil")),
    "file and folder": ({"evil": "x", "evil/deeper.py": "x"}, None),
    "folder where python is": ({"thing-1.0.data/scripts/python/evil": "x"}, None),
    "command with a path": ({"thing-1.0.dist-info/entry_points.txt": "[console_scripts]\n../evil = a:b\n"}, None),
    "command that is code": (
        {"thing-1.0.dist-info/entry_points.txt": "[console_scripts]\nx = a:b();import os\n"},
        None,
    ),
    "command with a zero": ({"thing-1.0.dist-info/entry_points.txt": "[console_scripts]\na\0b = m:x\n"}, None),
    "command that is long": ({"thing-1.0.dist-info/entry_points.txt": f"[console_scripts]\n{'a' * 300} = m:x\n"}, None),
    "installer that is a folder": ({"thing-1.0.dist-info/INSTALLER/x": ""}, None),
    "record that is a folder": ({"thing-1.0.dist-info/RECORD/x": ""}, None),
    "command with an import": (
        {"thing-1.0.dist-info/entry_points.txt": "[console_scripts]\nx = a\\nimport os:b\n"},
        None,
    ),
    "two of itself": ({"other-1.0.dist-info/METADATA": METADATA}, None),
    "version from the future": ({"thing-1.0.dist-info/WHEEL": WHEEL.replace("1.0", "2.0")}, None),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_wheel_is_refused_by_name_and_nothing_is_touched(case, tmp_path, environment):
    members, change = HOSTILE[case]
    wheel = made(tmp_path, members, change=change)
    before = outside(environment), sorted(environment.rglob("*"))
    with pytest.raises(wheels.Unfit) as raised:
        install.install([str(wheel)], str(environment))
    assert raised.value.args[0].isprintable()
    assert outside(environment) == before[0]
    assert not (environment.parents[1] / "evil").exists()
    assert not Path("/tmp/evil-absolute").exists()
    assert (environment / "bin" / "python").is_symlink()


def test_a_wheel_without_a_record_is_none(tmp_path, environment):
    with pytest.raises(wheels.Unfit, match="no wheel of version 1"):
        install.install([str(made(tmp_path, {"a.py": ""}, recorded=False))], str(environment))


@pytest.mark.parametrize(
    "record",
    ["", "../../../../etc/passwd,,\n", "/etc/passwd,sha256=x,1\n", 'a,"b\n', "x\n" * 1000, "\0\0\0", "a,b,c,d,e\n"],
)
def test_a_hostile_record_writes_nothing_but_its_own_lines(record, tmp_path, environment):
    """RECORD is what uninstalling goes by: only files that were installed get into it."""
    install.install([str(made(tmp_path, {"a.py": "", "thing-1.0.dist-info/RECORD": record}))], str(environment))
    text = (site(environment) / "thing-1.0.dist-info" / "RECORD").read_text()
    assert "etc/passwd" not in text
    assert all((site(environment) / line.rsplit(",", 2)[0]).exists() for line in text.splitlines())


def test_a_script_that_replaces_the_interpreter_replaces_the_link_alone(tmp_path, environment):
    install.install([str(made(tmp_path, {"thing-1.0.data/scripts/python": "#!/bin/sh\nexit 7\n"}))], str(environment))
    assert not (environment / "bin" / "python").is_symlink()
    assert Path(sys.executable).read_bytes()[:4] == b"\x7fELF"


def test_a_few_kilobytes_that_unpack_to_gigabytes_are_refused_before_a_byte_is_written(tmp_path, environment):
    wheel = made(tmp_path, {"a.bin": b"\0" * 20_000_000})
    content = bytearray(wheel.read_bytes())
    # the central directory says 10 GB without another byte; its entry is found by its name
    at = content.rindex(b"a.bin") - 46 + 24
    content[at : at + 4] = struct.pack("<I", 4_000_000_000)
    wheel.write_bytes(bytes(content))
    with pytest.raises(wheels.Unfit, match=r"unpacks from \d+ bytes to 40"):
        install.install([str(wheel)], str(environment))
    assert list(site(environment).iterdir()) == []


@pytest.mark.parametrize(("offset", "value"), [(20, 0xFFFFFFF0), (42, 0x7FFFFFFF)], ids=["size", "place"])
def test_an_archive_that_points_outside_itself_is_refused_at_once(offset, value, tmp_path, environment):
    """Attack: 2**62 bytes of compressed data were read in an archive of one kilobyte, which took for ever."""
    wheel = made(tmp_path, {"a.bin": b"x" * 100_000})
    content = bytearray(wheel.read_bytes())
    at = content.rindex(b"a.bin") - 46 + offset
    content[at : at + 4] = struct.pack("<I", value)
    wheel.write_bytes(bytes(content))
    with pytest.raises(wheels.Unfit, match="is not in the archive"):
        install.install([str(wheel)], str(environment))


def test_a_name_that_is_too_long_for_bytecode_is_installed_without(tmp_path, environment):
    files = {f"{'m' * 245}.py": "X = 1\n", "__pycache__/n.cpython-311.pyc/x": "", "n.py": ""}
    install.install([str(made(tmp_path, files))], str(environment))
    assert (site(environment) / f"{'m' * 245}.py").exists()


def test_bytecode_that_does_not_fit_on_the_disk_is_the_machines_trouble(tmp_path, environment, monkeypatch):
    """Half of a file of bytecode would make a module that is whole fail to import."""

    def full(path: str, content: bytes, mode: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", path)

    monkeypatch.setattr(install, "write", full)
    with pytest.raises(OSError, match="No space left"):
        install.install([str(made(tmp_path, {"a.py": "A = 1\n"}))], str(environment))


def test_an_environment_below_a_folder_of_tests_is_compiled_all_the_same(tmp_path):
    place = tmp_path / "tests" / "venv"
    Path(wheels.site_packages(str(place))).mkdir(parents=True)
    install.install([str(made(tmp_path, {"a.py": "A = 1\n"}))], str(place))
    assert list(site(place).glob("__pycache__/a.*.pyc"))


def test_a_script_where_a_folder_is_is_the_wheels_own_fault(tmp_path, environment):
    files = {
        "thing-1.0.data/scripts/foo/x": "",
        "thing-1.0.dist-info/entry_points.txt": "[console_scripts]\nfoo = a:b\n",
    }
    layer = cached(tmp_path, made(tmp_path, files))
    assert run_install(str(environment), str(tmp_path / "cache"), str(layer)) == 42


def cached(folder: Path, wheel: Path) -> Path:
    """Moves a wheel into a cache; the list of a layer with it."""
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    place = folder / "cache" / sha256
    place.mkdir(parents=True)
    wheel.rename(place / NAME)
    (folder / "layer.txt").write_text(f"{sha256}  {NAME}\n")
    return folder / "layer.txt"


def run_install(*arguments: str) -> int:
    """As a build starts it: in a process of its own."""
    program = str(paths.data("images") / "install.py")
    return subprocess.run([sys.executable, "-I", "-S", "-B", program, *arguments], check=False).returncode


@pytest.mark.parametrize("offset,value,says", [(24, 10, "larger than it says"), (16, 1, "not what the archive lists")])
def test_an_archive_that_lies_about_a_file_is_refused(offset, value, says, tmp_path, environment):
    wheel = made(tmp_path, {"a.bin": b"x" * 100_000})
    content = bytearray(wheel.read_bytes())
    at = content.rindex(b"a.bin") - 46 + offset
    content[at : at + 4] = struct.pack("<I", value)
    wheel.write_bytes(bytes(content))
    with pytest.raises(wheels.Unfit, match=says):
        install.install([str(wheel)], str(environment))


def test_many_files_install_and_more_than_any_wheel_has_are_refused(tmp_path, environment, monkeypatch):
    monkeypatch.setattr(wheels, "MOST_FILES", 2_000)
    install.install([str(made(tmp_path, {f"many/{n}.txt": "" for n in range(1_900)}))], str(environment))
    assert len(list((site(environment) / "many").iterdir())) == 1_900
    with pytest.raises(wheels.Unfit, match="has 2104 files"):
        install.install([str(made(tmp_path, {f"many/{n}.txt": "" for n in range(2_101)}))], str(environment))


def test_python_that_crashes_the_compiler_is_installed_without_bytecode(tmp_path, environment, monkeypatch, capfd):
    def crash(source: bytes, path: str, mode: str, **options: Any) -> object:
        if path.endswith("deep.py"):
            os.kill(os.getpid(), 9)
        return compile(source, path, mode, **options)

    monkeypatch.setattr(install, "compile", crash, raising=False)
    install.install([str(made(tmp_path, {"deep.py": "(" * 10, "flat.py": "X = 1\n"}))], str(environment))
    assert (site(environment) / "deep.py").exists()
    assert (site(environment) / "flat.py").exists()
    assert "bytecode is left out" in capfd.readouterr().out


def test_a_cache_without_the_file_and_one_with_another_file_are_both_told_apart_from_a_bad_wheel(
    tmp_path, environment, capfd
):
    wheel = made(tmp_path, {"a.py": "A = 1\n"})
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    layer = tmp_path / "layer.txt"
    layer.write_text(f"{sha256}  {NAME}\n")
    assert run_install(str(environment), str(tmp_path / "cache"), str(layer)) == 46
    place = tmp_path / "cache" / sha256
    place.mkdir(parents=True)
    (place / NAME).write_bytes(wheel.read_bytes())
    assert run_install(str(environment), str(tmp_path / "cache"), str(layer)) == 0
    (place / NAME).write_bytes(wheel.read_bytes() + b"more")
    (site(environment) / "a.py").unlink()
    assert run_install(str(environment), str(tmp_path / "cache"), str(layer)) == 46
    assert not (site(environment) / "a.py").exists()
    assert "not in the cache" in (said := capfd.readouterr().out) and "in the cache has sha256" in said
