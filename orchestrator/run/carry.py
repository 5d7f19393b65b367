"""Proofs into another way of keying them: `python -m orchestrator.run.carry OLD NEW`, two directories of probes.

A proof stands on what a check and its mutation say, not on how that is digested or on the harness that ran it. OLD
holds the probes and proofs as they were; where a check's files are the same to the byte in NEW, its proof is written
there under NEW's digest.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from orchestrator.run.suite import Proof, catalogued, load_proofs, save_proofs


def carried(old: Path, new: Path) -> dict[str, Proof]:
    """Check id → its proof under the digests of `new`, for each proof that holds in `old` and still holds in `new`."""
    proofs, there, now = load_proofs(old), _listed(old), _listed(new)
    as_now = _relisted(old, new)
    return {
        name: replace(proof, digest=str(now[name]["proof"]))
        for name, proof in sorted(proofs.items())
        if name in there
        and name in now
        # an OLD from before proofs had a digest of their own keyed them by `digest`
        and proof.digest == there[name].get("proof", there[name]["digest"])
        and as_now.get(name, {}).get("proof") == now[name]["proof"]
    }


def _listed(directory: Path) -> Mapping[str, Mapping[str, object]]:
    return {entry["id"]: entry for entry in catalogued(directory)["probes"]}


def _relisted(old: Path, new: Path) -> Mapping[str, Mapping[str, object]]:
    """The probes of `old` as the harness of `new` lists them."""
    with tempfile.TemporaryDirectory() as folder:
        both = Path(folder) / "probes"
        shutil.copytree(old, both)
        for name in catalogued(new)["harness"]:
            shutil.copyfile(new / name, both / name)
        return _listed(both)


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        sys.stderr.write(__doc__ or "")
        return 2
    old, new = (Path(a) for a in arguments)
    found = carried(old, new)
    save_proofs(new, found)
    sys.stdout.write(f"{len(found)} of {len(load_proofs(old))} proofs carried over\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
