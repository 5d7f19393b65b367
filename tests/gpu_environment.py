"""An environment with a TensorFlow made here, for looks into it: real shared objects, and this machine's own loader.

That TensorFlow opens the libraries it is told to and prints as the real one does. It stands in for what the audit looks
at, to test the audit: no evidence comes of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
from elf_files import SharedObject

from orchestrator import paths
from orchestrator.gpu.audit import GpuAudit, Library

GPU = paths.data("images") / "gpu"
TENSORFLOW = '''\
"""Opens libraries as TensorFlow does. What it opens, and what happens then, is written beside it."""
import ctypes, json, os, signal, subprocess, sys, time
__version__ = "2.99.0"
PLAN = json.load(open(os.path.join(os.path.dirname(__file__), "plan.json")))
if PLAN.get("raises"):
    raise TypeError(PLAN["raises"])
if PLAN.get("imports"):
    __version__ = __import__(PLAN["imports"]).__file__
class sysconfig:
    @staticmethod
    def get_build_info():
        return {"cuda_version": "12.3", "cudnn_version": "8", "cuda_compute_capabilities": ["sm_60", "compute_90"]}
class Device:
    name = "/physical_device:GPU:0"
class config:
    @staticmethod
    def list_physical_devices(kind):
        ctypes.CDLL("libcuda.so.1")
        missing = False
        for soname in PLAN["opens"]:
            try:
                ctypes.CDLL(soname)
            except OSError as error:
                missing = True
                if PLAN.get("names"):
                    where = "2024-01-01 00:00:00.000000: W tensorflow/stream_executor/dso_loader.cc:60]"
                    what = "Could not load dynamic library '%s'; dlerror: %s; LD_LIBRARY_PATH: %s"
                    print(where, what % (soname, error, os.environ.get("LD_LIBRARY_PATH")), file=sys.stderr)
        if PLAN.get("hangs"):
            sleeper = subprocess.Popen(["sleep", "300"])
            open(PLAN["hangs"], "w").write("%d %d" % (os.getpid(), sleeper.pid))
            time.sleep(300)
        if PLAN.get("dies"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if missing:
            print("2024-01-01 00:00:00.000000: W tensorflow/core/gpu_device.cc:1] Cannot dlopen some", file=sys.stderr)
        if os.environ.get("CUDA_VISIBLE_DEVICES") == "-1":
            return []
        return [] if missing else [Device()]
'''


def record(site: Path, name: str, version: str, files: list[str]) -> None:
    """The record of a wheel that brought these files."""
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: no\n")
    (folder / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in [*files, f"{folder.name}/RECORD"]))


class Environment:
    """A folder of distributions with that TensorFlow, and libraries of the major versions 98 and 99."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.site = root / "site-packages"
        self.library("libcuda.so.1", "../../driver", SharedObject(soname="libcuda.so.1"))
        (self.site / "tensorflow").mkdir(parents=True)
        (self.site / "tensorflow" / "__init__.py").write_text(TENSORFLOW)
        record(self.site, "tensorflow", "2.99.0", ["tensorflow/__init__.py"])

    def plan(self, *opens: str, **more: object) -> None:
        (self.site / "tensorflow" / "plan.json").write_text(json.dumps({"opens": opens, **more}))

    def library(self, soname: str, part: str, made: SharedObject | bytes) -> Path:
        """Puts a library where the wheel of that part would."""
        path = self.site / "nvidia" / part / "lib" / soname
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(made if isinstance(made, bytes) else made.content())
        return path

    def look(
        self,
        python: str = sys.executable,
        on_path: tuple[Path, ...] = (),
        variables: Mapping[str, str] | None = None,
        **request: object,
    ) -> GpuAudit:
        """Runs the program with a Python, folders on the loader's path, variables, and this as its request."""
        work = self.root / "work"
        work.mkdir(exist_ok=True)
        stand_in = self.site / "nvidia" / "../../driver" / "lib" / "libcuda.so.1"
        asked = {"work": str(work), "stand_in": str(stand_in), "oldest_driver": False, **request}
        (self.root / "request.json").write_text(json.dumps(asked))
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(self.site),
            "PYTHONDONTWRITEBYTECODE": "1",
            **(variables or {}),
        }
        if on_path:
            env["LD_LIBRARY_PATH"] = ":".join(map(str, on_path))
        command = [python, str(GPU / "look.py"), str(self.root / "request.json")]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return msgspec.json.decode(done.stdout.splitlines()[-1], type=GpuAudit)


def of(sighting: GpuAudit, soname: str) -> Library:
    """What was seen of one library."""
    return next(library for library in sighting.libraries if library.soname == soname)
