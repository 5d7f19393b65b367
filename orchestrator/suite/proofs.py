"""`proofs.json` beside a suite's probes: where each check was seen to pass, and to fail."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec

from orchestrator.errors import UserError
from orchestrator.model import Probe
from orchestrator.model.suite import Proof
from orchestrator.suite.modules import SuiteFolder, read

FILE = "proofs.json"
_MOST_BYTES = 16 * 1024**2


def load(place: SuiteFolder) -> dict[str, Proof]:
    """The proofs kept beside the probes; empty where there are none yet. Raises UserError for a file that is none."""
    path = place.folder / FILE
    if not path.exists():
        return {}
    try:
        return msgspec.json.decode(read(path, place, _MOST_BYTES), type=dict[str, Proof])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path}: is not a valid proofs file: {error}", hint="Move it away; `compat prove` writes a new one."
        ) from error


def written(proofs: Mapping[str, Proof]) -> bytes:
    """The content of the file that keeps these proofs, without checks that were seen neither to pass nor to fail."""
    seen = {name: proof for name, proof in sorted(proofs.items()) if proof.passed or proof.failed}
    return (json.dumps(msgspec.to_builtins(seen), indent=1) + "\n").encode()


def proves(proof: Proof | None, probe: Probe) -> bool:
    """Whether a proof holds for a check as it stands now."""
    return proof is not None and proof.digest == probe.proof and bool(proof.passed and proof.failed)
