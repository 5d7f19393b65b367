"""Programs that a test makes up: shell scripts in a folder that is all of PATH."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from orchestrator.engine import bounded_process, nvidia

TWO = """\
echo "NVIDIA A100-SXM4-80GB, 81920 MiB, 8.0, 535.104.05"
echo "Tesla T4, 15360 MiB, 7.5, 535.104.05"
"""


@dataclass(frozen=True)
class Tools:
    """Writes scripts into `folder`, which is all of PATH; `environment` is what programs are looked for in."""

    folder: Path
    environment: dict[str, str]

    def __call__(self, name: str, script: str, shebang: str = "#!/bin/sh") -> Path:
        path = self.folder / name
        path.write_text(f"{shebang}\n{script}")
        path.chmod(0o755)
        return path


def tools_in(home: Path) -> Tools:
    """A folder with what the scripts themselves need, and nothing else."""
    folder = home / "bin"
    folder.mkdir()
    for name in ("sleep", "yes", "head", "rm"):
        (folder / name).symlink_to(shutil.which(name))
    return Tools(folder=folder, environment={"PATH": str(folder), "HOME": str(home)})


def smi(tools, root):
    """What is found of NVIDIA's with these tools, and how long that took."""
    began = time.monotonic()
    found = nvidia.look(root, tools.environment, lambda c, s: bounded_process.run(c, s, tools.environment))
    return found, time.monotonic() - began
