"""A base in the docker engine: remembered by tag, else pulled, else bootstrapped; then verified from inside."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchestrator.engine import bootstrap
from orchestrator.engine.docker_daemon import DaemonConnection, troubles
from orchestrator.errors import CellError, Phase, infra
from orchestrator.model import Base, BaseSpec, BuildContext, Exit, Limits, Task, digest

LABEL = "compat.base"
PYTHON = "/opt/venv/bin/python"
TRUSTED = "/opt/compat/python"
"""The CPython below the environment, in a folder that is root's (`images/base.Dockerfile.j2`)."""
_PULL_SECONDS = 900
_ASK_SECONDS = 10

Run = Callable[[str, Task, Callable[[bytes], None]], Exit]


def obtain(daemon: DaemonConnection, spec: BaseSpec, log: Path, run: Run) -> Base:
    """The base of a spec, verified.

    Which source made it is decided once and remembered by its tag, so that later cells stand on the same base;
    a changed spec or template is another base. Raises CellError(start, unavailable) where it can't be had.
    """
    tag = f"compat-base:{spec.name}"
    wanted = digest([asdict(spec), daemon.renderer.base(spec, "", bootstrapped=True).dockerfile])
    known = remembered(daemon, tag)
    if known is not None and known.get("spec") == wanted:
        return parse(known)
    made, identity = make_base(daemon, spec, log)
    facts = {**verify(run, daemon, made, spec), "name": spec.name, "python": spec.python, "identity": identity}
    facts |= {"spec": wanted, "image": f"compat-base:{spec.name}-{identity[:12]}", "builder": spec.builder_packages}
    context = BuildContext(dockerfile=f"FROM {made}\n")
    labels = ((LABEL, json.dumps(facts, sort_keys=True)),)
    daemon.build(context, (tag, facts["image"]), log, labels=labels)
    with suppress(*troubles()):
        daemon.client.images.remove(made, noprune=True)
    return parse(facts)


def remembered(daemon: DaemonConnection, reference: str) -> dict[str, Any] | None:
    """What an image's label says of the base it is; None where there is no such image or label."""
    image = daemon.image(reference)
    text = (image.labels or {}).get(LABEL) if image is not None else None
    return json.loads(text) if text else None


def parse(facts: Mapping[str, Any]) -> Base:
    return Base(
        name=facts["name"],
        python=facts["python"],
        full_version=facts["full_version"],
        glibc=facts["glibc"],
        image=facts["image"],
        identity=facts["identity"],
        interpreter=PYTHON,
        lacks=tuple(facts["lacks"]),
        cpu_flags=tuple(facts["cpu_flags"]),
        trusted=TRUSTED,
    )


def make_base(daemon: DaemonConnection, spec: BaseSpec, log: Path) -> tuple[str, str]:
    """Builds the unverified base; its reference and its identity."""
    made = f"compat-base:{spec.name}-unverified"
    with tempfile.TemporaryDirectory(prefix="compat-base-") as name:
        folder = Path(name)
        start, source, bootstrapped = _start(daemon, spec, folder, log)
        if bootstrapped and spec.artifact:
            source = [*source, bootstrap.artifact(spec, folder, log, daemon.stopping)]
        context = daemon.renderer.base(spec, start, bootstrapped=bootstrapped)
        daemon.build(context, (made,), log, folder=folder)
        plain = daemon.renderer.base(spec, "", bootstrapped=bootstrapped).dockerfile
        return made, digest([source, plain])


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """What identifies an image that is here, or why it could not be had."""

    identity: tuple[str, ...] = ()
    refused: str = ""


def fetch(daemon: DaemonConnection, reference: str) -> Fetched:
    """An image, pulled where it is not here."""
    image = daemon.image(reference)
    if image is None:
        refused = _pull(daemon, reference)
        image = None if refused else daemon.image(reference)
        if image is None:
            return Fetched(refused=refused or "it was pulled, but the daemon no longer has it")
    digests = sorted(d.rpartition("@")[2] for d in image.attrs.get("RepoDigests") or ())
    return Fetched(identity=tuple(digests) or (str(image.id),))


def _start(daemon: DaemonConnection, spec: BaseSpec, folder: Path, log: Path) -> tuple[str, list[str], bool]:
    """The root filesystem to start from: its reference, what identifies it, whether it was bootstrapped."""
    refused = "no image given"
    if spec.reference:
        found = fetch(daemon, spec.reference)
        if found.identity:
            return spec.reference, list(found.identity), False
        refused = found.refused
    if not spec.suite:
        raise bootstrap.unavailable(
            f"no CPython {spec.python} here: {spec.reference} can't be pulled ({refused}) and no Debian suite has it"
        )
    return (*_rootfs(daemon, spec, folder, log), True)


def _rootfs(daemon: DaemonConnection, spec: BaseSpec, folder: Path, log: Path) -> tuple[str, list[str]]:
    """Imports a bootstrapped root filesystem, or takes the one that specs with the same packages made."""
    reference = f"compat-rootfs:{spec.suite}-{digest([spec.suite, sorted(spec.packages)])[:12]}"
    image = daemon.image(reference)
    label = "compat.packages"
    if image is None or label not in (image.labels or {}):
        made = bootstrap.rootfs(spec, folder, log, daemon.stopping)
        repository, _, tag = reference.partition(":")
        listed = digest(made.packages)
        with daemon.guarded(Phase.START), daemon.patient(_PULL_SECONDS):
            daemon.client.api.import_image_from_file(
                str(made.tar), repository=repository, tag=tag, changes=[f"LABEL {label}={listed}"]
            )
        made.tar.unlink()
        return reference, [listed]
    return reference, [image.labels[label]]


def _pull(daemon: DaemonConnection, reference: str) -> str:
    """Pulls an image; "" when it came, else why it did not. The registry must answer within seconds first."""
    api = daemon.client.api
    try:
        with daemon.patient(_ASK_SECONDS):
            api.inspect_distribution(reference)
        with daemon.patient(_PULL_SECONDS):
            daemon.client.images.pull(reference, platform="linux/amd64")
    except troubles() as error:
        return str(getattr(error, "explanation", None) or error).strip().splitlines()[0][:200]
    return ""


def verify(run: Run, daemon: DaemonConnection, image: str, spec: BaseSpec) -> dict[str, Any]:
    """Runs `verify.py` inside; raises CellError(start, infra) where the base is not what its spec says."""
    lines: list[bytes] = []
    task = Task(
        command=(PYTHON, "/probes/verify.py"),
        files=(("verify.py", daemon.renderer.verify),),
        limits=Limits(cell_seconds=120, silence_seconds=120, memory=1024**3),
    )
    ended = run(image, task, lines.append)
    if ended.code != 0 or not lines:
        raise infra(Phase.START, "base", f"{spec.name} can't be verified: {ended.lost or ended.stderr[-1000:]}")
    facts: dict[str, Any] = json.loads(lines[-1])
    trouble = _wrong(facts, spec)
    if trouble:
        raise CellError(Phase.START, bootstrap.unavailable("").status, "base", f"{spec.name}: {trouble}")
    return facts


def _wrong(facts: Mapping[str, Any], spec: BaseSpec) -> str:
    if not str(facts["full_version"]).startswith(f"{spec.python}."):
        return f"has CPython {facts['full_version']}, not {spec.python}"
    if facts["implementation"] != "CPython" or facts["machine"] != "x86_64":
        return f"is {facts['implementation']} on {facts['machine']}, not CPython on x86_64"
    if not facts["certificates"]:
        return "has no trusted certificates"
    return ""
