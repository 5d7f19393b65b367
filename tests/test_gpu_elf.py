"""Reading shared objects and the fat binaries in them: small files made here, which the machine's loader takes too."""

from __future__ import annotations

import ctypes
import importlib
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from elf_files import SharedObject

from orchestrator import paths

GPU = str(paths.data("images") / "gpu")
sys.path.insert(0, GPU)
try:
    bounded, elf, fatbin, functions = map(importlib.import_module, ("bounded", "elf", "fatbin", "functions"))
finally:
    sys.path.remove(GPU)

PROVIDER = SharedObject(soname="libprovider.so.1", defined=("alpha", "beta@NEW_1"))


def loads(path: Path) -> str:
    """The loader's words on a file, from a process of its own: a damaged file may end it; "" for one that loads."""
    program = "import ctypes, sys\ntry: ctypes.CDLL(sys.argv[1])\nexcept OSError as error: print(error)"
    tried = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
    return tried.stdout.strip() or ("" if tried.returncode == 0 else f"ended with {tried.returncode}")


# ---------------------------------------------------------------- what a file says


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("gnu_hash", [False, True])
def test_names_needs_and_symbols_are_read(tmp_path: Path, bits: int, gnu_hash: bool) -> None:
    made = SharedObject(
        soname="libcufft.so.11",
        needed=("libprovider.so.1", "libc.so.6"),
        runpath="$ORIGIN/../../nvjitlink/lib:/opt/lib",
        undefined=("alpha", "beta@NEW_1"),
        weak=("gamma",),
        defined=("cufftExec", "cufftPlan@FFT_2"),
        bits=bits,
        gnu_hash=gnu_hash,
    )
    read = elf.read(made.write(tmp_path / "libcufft.so.11"))
    assert (read.bits, read.machine, read.soname) == (bits, {32: "x86", 64: "x86-64"}[bits], "libcufft.so.11")
    assert read.needed == ["libprovider.so.1", "libc.so.6"]
    assert read.runpath == ["$ORIGIN/../../nvjitlink/lib", "/opt/lib"]
    assert read.rpath == []
    assert read.undefined == [("alpha", ""), ("beta", "NEW_1")]
    assert read.defined == {"cufftExec": {""}, "cufftPlan": {"FFT_2"}}


def test_an_rpath_is_told_from_a_runpath(tmp_path: Path) -> None:
    read = elf.read(SharedObject(rpath="/a:/b").write(tmp_path / "lib.so"))
    assert (read.rpath, read.runpath) == (["/a", "/b"], [])


@pytest.mark.parametrize("gnu_hash", [False, True])
def test_what_the_loader_takes_lacks_nothing(tmp_path: Path, gnu_hash: bool) -> None:
    provider = PROVIDER.write(tmp_path / "libprovider.so.1")
    made = SharedObject(
        needed=("libprovider.so.1",),
        runpath="$ORIGIN",
        undefined=("alpha", "beta@NEW_1"),
        weak=("gamma",),
        gnu_hash=gnu_hash,
    )
    path = made.write(tmp_path / "libuser.so")
    assert elf.lacking(elf.read(path), [elf.read(provider)]) == []
    assert loads(path) == ""


@pytest.mark.parametrize(
    ("undefined", "lacking", "words"),
    [
        ("delta", ["delta"], "undefined symbol: delta"),
        ("beta@NEW_2", ["beta@NEW_2"], "version `NEW_2' not found"),
    ],
)
def test_a_symbol_that_nobody_defines_is_found_as_the_loader_finds_it(
    tmp_path: Path, undefined: str, lacking: list[str], words: str
) -> None:
    provider = PROVIDER.write(tmp_path / "libprovider.so.1")
    made = SharedObject(needed=("libprovider.so.1",), runpath="$ORIGIN", undefined=("alpha", undefined))
    path = made.write(tmp_path / "libuser.so")
    assert elf.lacking(elf.read(path), [elf.read(provider)]) == lacking
    assert words in loads(path)


def test_a_definition_without_version_serves_a_request_with_one(tmp_path: Path) -> None:
    asking = elf.read(SharedObject(needed=("a",), undefined=("one@V_1",)).write(tmp_path / "a.so"))
    plain = elf.read(SharedObject(defined=("one",)).write(tmp_path / "b.so"))
    assert elf.lacking(asking, [plain]) == []


def test_the_symbols_of_this_machines_own_library_are_read() -> None:
    mapped = Path("/proc/self/maps").read_text(encoding="utf-8").split()
    libc = next(name for name in mapped if Path(name).name.startswith("libc.so") or "/libc-2" in name)
    read = elf.read(libc)
    assert read.bits == 8 * struct.calcsize("P")
    assert {"malloc", "printf", "dlopen"} <= set(read.defined)
    assert hasattr(ctypes.CDLL(None), "malloc")


# ---------------------------------------------------------------- damaged files


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("gnu_hash", [False, True])
def test_a_file_cut_anywhere_is_called_damaged(tmp_path: Path, bits: int, gnu_hash: bool) -> None:
    whole = SharedObject(
        soname="lib.so.1", needed=("a",), undefined=("b@V",), defined=("c@W",), bits=bits, gnu_hash=gnu_hash
    ).content()
    path = tmp_path / "lib.so.1"
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(elf.Damaged):
            elf.read(path)
    path.write_bytes(whole)
    assert elf.read(path).soname == "lib.so.1"


def test_the_reason_says_how_much_is_missing(tmp_path: Path) -> None:
    whole = SharedObject(soname="lib.so.1", defined=("a",)).content()
    path = tmp_path / "lib.so.1"
    path.write_bytes(whole[:-1])
    with pytest.raises(
        elf.Damaged, match=f"^cut off: it has {len(whole) - 1} bytes, and should go on to {len(whole)}$"
    ):
        elf.read(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"version https://git-lfs.github.com/spec/v1", "not an ELF file: it begins with b'vers'"),
        (b"\x7fELF", "cut off after 4 bytes"),
        (b"\x7fELF\x09" + bytes(60), "unknown ELF class"),
        (b"\x7fELF\x02\x01" + bytes(90), "no dynamic section"),
    ],
)
def test_what_is_no_shared_object_is_called_by_its_name(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "lib.so"
    path.write_bytes(content)
    with pytest.raises(elf.Damaged, match=reason):
        elf.read(path)


@pytest.mark.parametrize("gnu_hash", [False, True])
def test_no_wrong_byte_leads_to_anything_but_damage(tmp_path: Path, gnu_hash: bool) -> None:
    whole = SharedObject(
        soname="lib.so.1", needed=("a",), undefined=("b@V",), defined=("c@W", "d"), gnu_hash=gnu_hash
    ).content()
    path = tmp_path / "lib.so"
    damaged = 0
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + b"\xff" + whole[at + 1 :])
        try:
            elf.read(path)
        except elf.Damaged:
            damaged += 1
    assert 0 < damaged < len(whole)


def test_a_version_table_that_claims_millions_of_entries_ends_where_its_chain_does(tmp_path: Path) -> None:
    whole = SharedObject(needed=("a",), undefined=("b@V",)).content()
    requirement = struct.pack("<HHIII", 1, 1, 1, 16, 0)
    number = struct.pack("<QQ", 0x6FFFFFFF, 1)
    assert whole.count(requirement) == whole.count(number) == 1
    claims = whole.replace(requirement, struct.pack("<HHIII", 1, 65535, 1, 16, 0))
    path = tmp_path / "lib.so"
    path.write_bytes(claims.replace(number, struct.pack("<QQ", 0x6FFFFFFF, 300)))
    started = time.monotonic()
    assert elf.read(path).undefined == [("b", "V")]
    assert time.monotonic() - started < 5


# ---------------------------------------------------------------- fat binaries


def entry(kind: int, architecture: int, payload: bytes = b"code", header: int = 64) -> bytes:
    start = struct.pack("<HHIQ", kind, 0x101, header, len(payload)) + bytes(12) + struct.pack("<I", architecture)
    return start + bytes(header - len(start)) + payload


def container(*entries: bytes) -> bytes:
    body = b"".join(entries)
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(body)) + body


FULL = container(entry(2, 70), entry(2, 80), entry(1, 80, header=72))
NO_PTX = container(entry(2, 70), entry(2, 80))


def carrying(path: Path, *sections: tuple[str, bytes]) -> Path:
    return SharedObject(soname=path.name, sections=sections).write(path)


def test_kernels_and_ptx_of_every_fat_binary_are_counted(tmp_path: Path) -> None:
    path = carrying(tmp_path / "lib.so", (".nv_fatbin", FULL + bytes(24) + FULL), (".rodata", b"text\0" + NO_PTX))
    assert fatbin.counted(fatbin.sets(path)) == [[2, ["sm_70", "sm_80", "compute_80"]], [1, ["sm_70", "sm_80"]]]


def test_device_code_that_only_a_linker_needed_does_not_count(tmp_path: Path) -> None:
    path = carrying(tmp_path / "lib.so", ("__nv_relfatbin", FULL), (".nv_fatbin", NO_PTX))
    assert fatbin.counted(fatbin.sets(path)) == [[1, ["sm_70", "sm_80"]]]


def test_an_architecture_with_three_digits_sorts_behind_those_with_two(tmp_path: Path) -> None:
    both = container(entry(2, 120), entry(2, 90), entry(1, 120, header=80), entry(7, 90))
    path = carrying(tmp_path / "lib.so", (".nv_fatbin", both))
    assert fatbin.counted(fatbin.sets(path)) == [[1, ["sm_90", "sm_120", "compute_120"]]]


def test_a_damaged_fat_binary_ends_and_the_next_is_read(tmp_path: Path) -> None:
    endless = struct.pack("<IHHQ", 0xBA55ED50, 1, 16, 1 << 60)
    headless = struct.pack("<IHHQ", 0xBA55ED50, 1, 0, 0)
    stuck = container(struct.pack("<HHIQ", 2, 1, 0, 0) + bytes(64))
    for broken in (endless, headless, stuck):
        path = carrying(tmp_path / "lib.so", (".nv_fatbin", broken + NO_PTX + b"\x50\xed\x55\xba"))
        assert fatbin.counted(fatbin.sets(path)) == [[1, ["sm_70", "sm_80"]]]


def test_a_folder_is_read_with_what_is_below_it_and_without_links(tmp_path: Path) -> None:
    carrying(tmp_path / "python" / "_pywrap.so", (".nv_fatbin", FULL))
    real = carrying(tmp_path / "libtensorflow_cc.so.2", (".rodata", NO_PTX))
    (tmp_path / "libtensorflow_cc.so").symlink_to(real)
    (tmp_path / "notes.txt").write_bytes(FULL)
    (tmp_path / "broken.so").write_bytes(real.read_bytes()[:200])
    found = fatbin.sets_below(str(tmp_path), bounded.Deadline(60))
    assert fatbin.counted(found) == [[1, ["sm_70", "sm_80"]], [1, ["sm_70", "sm_80", "compute_80"]]]
    assert fatbin.sets_below(str(tmp_path), bounded.Deadline(0)) == {}


# ---------------------------------------------------------------- functions that TensorFlow names


def test_functions_of_a_library_are_found_by_their_prefix(tmp_path: Path) -> None:
    names = (
        b"\0cublasCreate_v2\0cublasLtMatmul\0cublas\0xcublasFoo\0cublasSgemm is slow\0cusolverDnSpotrf\0cublasSasum\0"
    )
    path = carrying(tmp_path / "lib.so", (".rodata", names), (".comment", b"\0cublasNever\0"))
    assert functions.named(path, "libcublas.so.11") == {"cublasCreate_v2", "cublasSasum"}
    assert functions.named(path, "libcublasLt.so.11") == {"cublasLtMatmul"}
    assert functions.named(path, "libcufft.so.10") == set()
