from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.errors import Attribution, CellError, CellStatus, infra
from orchestrator.lock.strategies import lock, requirements
from orchestrator.lock.tools import Result, Tools
from orchestrator.model import Axis, Base, Cell, Choice, IndexFile

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
OLD = datetime(2021, 1, 21, 19, 41, 31, tzinfo=UTC)
AXES = {
    "tf": Axis(name="tf", kind="package", package="tensorflow"),
    "surgeon": Axis(name="surgeon", kind="package", package="KerasSurgeon", subject=True),
    "python": Axis(name="python", kind="python"),
    "device": Axis(name="device", kind="device"),
    "env": Axis(name="env", kind="env"),
    "resolve": Axis(name="resolve", kind="resolve"),
}
STAND_IN = (("tensorflow", "tensorflow-cpu"),)


def cell(resolve="uv-today", tf="2.4.1", surgeon="none", substitutes=(), constraints=(), requires=()):
    return Cell(
        choices=(
            Choice(axis=AXES["tf"], name=tf),
            Choice(axis=AXES["surgeon"], name=surgeon),
            Choice(axis=AXES["python"], name="3.7"),
            Choice(axis=AXES["device"], name="cpu", substitutes=substitutes),
            Choice(axis=AXES["env"], name="plain", requires=requires),
            Choice(axis=AXES["resolve"], name=resolve),
        ),
        constraints=constraints,
    )


BASE = Base(
    name="b", python="3.7", full_version="3.7.9", glibc="2.36", image="i", identity="x", interpreter="/usr/bin/python3"
)


def file(name, version, tags="py3-none-any", uploaded=OLD, **more):
    filename = f"{name}-{version}.tar.gz" if tags == "sdist" else f"{name}-{version}-{tags}.whl"
    sha256 = more.pop("sha256", f"{abs(hash(filename)):064x}"[:64])
    return IndexFile(filename=filename, version=version, sha256=sha256, size=10, uploaded=uploaded, **more)


class FakeIndex:
    """What an index might say; `ill` packages do not answer in this run."""

    as_of = AS_OF

    def __init__(self, **packages):
        self.packages = {k.replace("_", "-"): v for k, v in packages.items()}
        self.ill: set[str] = set()
        self.requirements = ("tensorflow (>=2.0)", "keras[x] (>=2.4.3,<3)", "pandas; extra == 'y'", "six<2")

    def files(self, package):
        return tuple(self.packages.get(package, ()))

    def healthy(self, packages):
        return not self.ill & set(packages)

    def listed(self, package, filename):
        return next((f for f in self.packages.get(package, ()) if f.filename == filename), None)

    def requires(self, file):
        return self.requirements


def pylock(*files):
    """What uv prints for these files."""
    text = 'lock-version = "1.0"\n'
    for f in files:
        name = f.filename.split("-")[0]
        text += f'[[packages]]\nname = "{name}"\nversion = "{f.version}"\n'
        entry = f'{{ url = "https://x.example/{f.filename}", hashes = {{ sha256 = "{f.sha256}" }} }}'
        text += f"wheels = [{entry}]\n" if f.filename.endswith(".whl") else f"sdist = {entry}\n"
    return text


def clash(text):
    return Result(code=1, stderr=f"error: No solution found when resolving dependencies\n  cause: {text}\n")


CLASH = clash("Because tensorflow==2.4.1 depends on keras>=3.0.0 and kerassurgeon==0.2.0 depends on keras<3, no.")


class Calls:
    """Stands in for uv on the host and for the builder; answers in turn, the last one again and again."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.seen = []

    def __call__(self, command, second):
        self.seen.append((command, second))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Host(Calls):
    """uv on the host: `--version` and the canary (`--no-deps`) have answers of their own."""

    canary = 0

    def __call__(self, args, stdin):
        if args == ("--version",):
            return Result(code=0, stdout="uv 0.9.1\n")
        if "--no-deps" in args:
            return Result(code=self.canary)
        return super().__call__(args, stdin)


def never(command, files):
    raise AssertionError(f"no builder is needed for this: {command}")


def tools(host, builder=never, slept=None):
    return Tools(uv_host=host, in_builder=builder, sleep=(slept if slept is not None else []).append)


TF = file("tensorflow", "2.4.1", "cp37-cp37m-manylinux2010_x86_64")
CPU = file("tensorflow_cpu", "2.4.1", "cp37-cp37m-manylinux2010_x86_64")
SURGEON = file("kerassurgeon", "0.2.0", uploaded=OLD - timedelta(days=100))
SIX, KERAS = file("six", "1.15.0"), file("keras", "3.0.0")
TERMCOLOR = file("termcolor", "1.1.0", "sdist")


@pytest.fixture
def index():
    return FakeIndex(
        tensorflow=[TF], tensorflow_cpu=[CPU], kerassurgeon=[SURGEON], six=[SIX], keras=[KERAS], termcolor=[TERMCOLOR]
    )


def failed(index, host, builder=never, which=None, slept=None):
    with pytest.raises(CellError) as caught:
        lock(which or cell(), BASE, index, tools(host, builder, slept))
    return caught.value


# ---------------------------------------------------------------- what is asked


def test_a_cell_asks_for_exact_choices_what_its_env_needs_and_its_extra_pins():
    asked = requirements(cell(surgeon="0.2.0", requires=("tf-keras",), constraints=("numpy==1.19.5",)))
    assert asked == ("tensorflow==2.4.1", "KerasSurgeon==0.2.0", "tf-keras", "numpy==1.19.5")


def test_none_and_unpinned_ask_for_nothing():
    assert requirements(cell(tf="unpinned")) == ()


def test_a_version_that_is_not_there_is_found_before_any_resolver_runs(index):
    error = failed(index, never, which=cell(tf="2.4.9"))
    assert (error.status, error.reason, error.detail) == (
        CellStatus.UNRESOLVABLE,
        "no-release",
        "tensorflow 2.4.9 does not exist as of 2026-11-01",
    )


def test_a_release_without_a_file_for_this_python_is_found_before_any_resolver_runs(index):
    index.packages["tensorflow"] = [file("tensorflow", "2.4.1", "cp36-cp36m-manylinux2010_x86_64")]
    error = failed(index, never)
    assert (error.reason, error.detail) == ("no-wheel", "tensorflow 2.4.1 has no wheel for Python 3.7")
    assert error.attribution is Attribution.ENVIRONMENT


def test_why_no_file_fits_is_told_apart(index):
    index.packages["tensorflow"] = [file("tensorflow", "2.4.1", requires_python=">=3.8")]
    assert failed(index, never).detail == "tensorflow 2.4.1 has nothing for Python 3.7: it requires Python >=3.8"
    index.packages["tensorflow"] = [file("tensorflow", "2.4.1", "cp37-cp37m-manylinux_2_40_x86_64")]
    assert failed(index, never).detail == "tensorflow 2.4.1 has no wheel for Python 3.7 on glibc 2.36"


def test_nothing_is_concluded_about_a_release_from_an_index_that_is_ill(index):
    index.ill = {"tensorflow"}
    assert failed(index, never, which=cell(tf="2.4.9")).status is CellStatus.INFRA


# ---------------------------------------------------------------- uv


def test_a_lock_holds_one_file_each_sorted_with_sizes_of_the_index(index):
    host = Host(Result(code=0, stdout=pylock(TF, SIX)))
    found = lock(cell(), BASE, index, tools(host))
    assert [(d.name, d.size) for d in found.distributions] == [("six", 10), ("tensorflow", 10)]
    assert (found.resolver, found.cutoff, found.platform) == ("uv 0.9.1", AS_OF, "manylinux_2_36_x86_64")
    args, stdin = host.seen[0]
    assert stdin == "tensorflow==2.4.1\n"
    assert args[args.index("--python-version") + 1] == "3.7.9"


def test_released_takes_dependencies_of_a_week_after_the_newest_chosen_release(index):
    host = Host(Result(code=0, stdout=pylock(TF)))
    found = lock(cell("released", surgeon="0.2.0"), BASE, index, tools(host))
    assert found.cutoff == OLD + timedelta(days=7)
    index.as_of = OLD + timedelta(days=1)
    assert lock(cell("released"), BASE, index, tools(host)).cutoff == index.as_of


def test_a_hash_that_differs_from_the_index_is_our_trouble(index):
    index.packages["six"] = [file("six", "1.15.0", sha256="f" * 64)]
    error = failed(index, Host(Result(code=0, stdout=pylock(TF, SIX))))
    assert (error.status, error.reason) == (CellStatus.INFRA, "index-mismatch")


def test_a_package_that_only_exists_as_source_sends_the_resolution_to_the_builder(index):
    why = "Because termcolor==1.1.0 has no usable wheels and tensorflow==2.4.1 depends on termcolor>=1.1.0, no."
    builder = Calls(Result(code=0, stdout="# uv 0.9.2\n" + pylock(TF, TERMCOLOR)))
    found = lock(cell(), BASE, index, tools(Host(clash(why)), builder))
    assert found.compiled == ("termcolor",)
    assert found.resolver == "uv 0.9.2"
    assert builder.seen[0][0][-1] == "tensorflow==2.4.1"


def test_a_clash_among_wheels_needs_no_builder_and_is_the_subject_s_when_the_rest_resolves(index):
    host = Host(CLASH, CLASH, Result(code=0, stdout=pylock(TF)))
    error = failed(index, host, which=cell(surgeon="0.2.0"))
    assert (error.status, error.reason, error.attribution) == (
        CellStatus.UNRESOLVABLE,
        "pins-clash",
        Attribution.SUBJECT,
    )
    assert error.detail.startswith("Because tensorflow==2.4.1 depends on keras>=3.0.0")


def test_a_clash_without_a_subject_is_the_environment_s(index):
    assert failed(index, Host(CLASH)).attribution is Attribution.ENVIRONMENT


def test_a_clash_named_by_an_index_that_is_ill_is_no_finding(index):
    index.ill = {"keras"}
    slept: list[float] = []
    error = failed(index, Host(CLASH), slept=slept)
    assert error.status is CellStatus.INFRA
    assert len(slept) == 2


def test_a_uv_that_does_not_see_known_releases_is_no_judge(index):
    host = Host(CLASH)
    host.canary = 1
    assert failed(index, host).status is CellStatus.INFRA


@pytest.mark.parametrize(
    "result", [Result(code=2, stderr="error: 503"), Result(code=-9), Result(code=0, timed_out=True)]
)
def test_a_uv_that_ends_otherwise_is_our_trouble(index, result):
    assert failed(index, Host(result)).status is CellStatus.INFRA


def test_a_uv_that_recovers_is_believed(index):
    host = Host(Result(code=2), Result(code=0, stdout=pylock(TF)))
    assert lock(cell(), BASE, index, tools(host)).pins == ("tensorflow==2.4.1",)


def test_a_builder_whose_uv_can_t_be_started_is_our_trouble(index):
    why = "Because termcolor==1.1.0 has no usable wheels and you require termcolor==1.1.0, no."
    for code in (2, 125, 127, 137):
        assert failed(index, Host(clash(why)), Calls(Result(code=code))).status is CellStatus.INFRA


def test_a_builder_that_finds_nothing_twice_is_a_finding_once_its_uv_sees_the_index(index):
    why = "Because termcolor==1.1.0 has no usable wheels and tensorflow==2.4.1 depends on termcolor>=1.1.0, no."
    builder = Calls(CLASH, CLASH, Result(code=0))
    assert failed(index, Host(clash(why)), builder).status is CellStatus.UNRESOLVABLE
    assert "--no-deps" in builder.seen[2][0][2]
    assert failed(index, Host(clash(why)), Calls(CLASH)).status is CellStatus.INFRA


# ---------------------------------------------------------------- pip


def report(*files):
    items = [
        {
            "download_info": {
                "url": f"https://x.example/{f.filename}",
                "archive_info": {"hashes": {"sha256": f.sha256}},
            },
            "metadata": {"name": f.filename.split("-")[0], "version": f.version},
        }
        for f in files
    ]
    return Result(code=0, stdout=json.dumps({"version": "1", "pip_version": "24.0", "install": items}))


def test_pip_today_is_what_pip_reports(index):
    builder = Calls(report(TF, SIX))
    found = lock(cell("pip-today"), BASE, index, tools(never, builder))
    assert (found.pins, found.resolver) == (("six==1.15.0", "tensorflow==2.4.1"), "pip 24.0")
    assert found.distributions[0].size == 10


def test_pip_that_fails_twice_on_a_healthy_index_is_a_finding(index):
    builder = Calls(Result(code=1, stderr="ERROR: clash"), Result(code=1, stderr="ERROR: clash"), Result(code=0))
    error = failed(index, Host(CLASH), builder, cell("pip-today"))
    assert (error.status, error.reason, error.detail) == (CellStatus.UNRESOLVABLE, "pins-clash", "clash")


def test_pip_that_fails_once_for_a_broken_download_is_believed_the_second_time(index):
    builder = Calls(Result(code=1), report(TF))
    assert lock(cell("pip-today"), BASE, index, tools(never, builder)).pins == ("tensorflow==2.4.1",)


def test_pip_that_reads_no_index_is_no_judge(index):
    assert failed(index, never, Calls(Result(code=1)), cell("pip-today")).status is CellStatus.INFRA


def test_pip_too_old_for_a_report_is_our_trouble(index):
    assert failed(index, never, Calls(Result(code=2, stderr="no such option")), cell("pip-today")).status is (
        CellStatus.INFRA
    )


def test_pip_that_runs_out_of_time_is_a_finding_of_its_own(index):
    error = failed(index, never, Calls(Result(code=124), Result(code=0)), cell("pip-today"))
    assert (error.status, error.reason) == (CellStatus.UNRESOLVABLE, "resolver-timeout")
    index.ill = {"tensorflow"}
    assert failed(index, never, Calls(Result(code=124)), cell("pip-today")).status is CellStatus.INFRA


# ---------------------------------------------------------------- forced


def test_forced_ignores_the_subject_s_bounds_adds_their_names_and_says_so(index):
    host = Host(CLASH, CLASH, Result(code=0, stdout=pylock(TF, SIX, KERAS)))
    found = lock(cell("forced", surgeon="0.2.0"), BASE, index, tools(host))
    assert found.pins == ("keras==3.0.0", "kerassurgeon==0.2.0", "six==1.15.0", "tensorflow==2.4.1")
    assert host.seen[-1][1] == "tensorflow==2.4.1\nkeras\nsix\n"
    assert found.cutoff == OLD + timedelta(days=7)
    assert found.notes == (
        "kerassurgeon 0.2.0 is installed ignoring its own requirements; "
        "their names were added without bounds: keras, six, tensorflow",
    )


def test_forced_is_left_out_where_the_requirements_can_be_met_or_nobody_has_any(index):
    met = failed(index, Host(Result(code=0, stdout=pylock(TF))), which=cell("forced", surgeon="0.2.0"))
    nobody = failed(index, never, which=cell("forced"))
    assert {(e.status, e.reason) for e in (met, nobody)} == {(CellStatus.EXCLUDED, "forced-not-needed")}


def test_forced_concludes_nothing_from_trouble(index):
    assert failed(index, Host(Result(code=2)), which=cell("forced", surgeon="0.2.0")).status is CellStatus.INFRA


# ---------------------------------------------------------------- the device


def test_a_stand_in_replaces_its_original_at_the_same_version(index):
    host = Host(Result(code=0, stdout=pylock(TF, SIX)))
    found = lock(cell(substitutes=STAND_IN), BASE, index, tools(host))
    assert found.pins == ("six==1.15.0", "tensorflow-cpu==2.4.1")
    assert found.distributions[1].sha256 == CPU.sha256
    assert found.notes == (
        "tensorflow-cpu 2.4.1 stands in for tensorflow 2.4.1 (same version, without the libraries of other devices)",
    )


@pytest.mark.parametrize(
    "there",
    [[], [file("tensorflow_cpu", "2.4.0")], [file("tensorflow_cpu", "2.4.1", "cp36-cp36m-manylinux1_x86_64")],
     [file("tensorflow_cpu", "2.4.1", "sdist")]],
)  # fmt: skip
def test_without_a_fitting_stand_in_the_original_stays_and_the_lock_says_so(index, there):
    index.packages["tensorflow-cpu"] = there
    host = Host(Result(code=0, stdout=pylock(TF)))
    found = lock(cell(substitutes=STAND_IN), BASE, index, tools(host))
    assert found.pins == ("tensorflow==2.4.1",)
    assert found.notes == ("no tensorflow-cpu 2.4.1 for Python 3.7: tensorflow itself is installed",)


def test_a_substitution_never_looks_for_what_is_not_in_the_lock(index):
    host = Host(Result(code=0, stdout=pylock(SIX)))
    found = lock(cell(tf="unpinned", substitutes=STAND_IN), BASE, index, tools(host))
    assert (found.pins, found.notes) == (("six==1.15.0",), ())


def test_trouble_while_reading_the_index_stays_trouble(index):
    def broken(package):
        raise infra("resolve", "index", "503")

    index.files = broken
    assert failed(index, never).status is CellStatus.INFRA


def test_files_without_upload_times_are_noted(index):
    index.packages["tensorflow"] = [file("tensorflow", "2.4.1", "cp37-cp37m-manylinux2010_x86_64", uploaded=None)]
    host = Host(Result(code=0, stdout=pylock(index.packages["tensorflow"][0])))
    found = lock(cell("released"), BASE, index, tools(host))
    assert found.cutoff == AS_OF
    assert found.notes == ("the index gives no upload time for tensorflow",)
