from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest

from orchestrator.errors import CellError, CellStatus
from orchestrator.lock import uv

NO_WHEEL = """\
warning: The requested Python version 3.7 is not available; 3.11.7 will be used to build dependencies instead.
error: No solution found when resolving dependencies
  cause: Because termcolor==1.1.0 has no usable wheels and only the following versions of termcolor are available:
             termcolor<=1.1.0
             termcolor>1.2.dev0
         we can conclude that termcolor>=1.1.0,<1.2.dev0 cannot be used.
         And because tensorflow==2.4.1 depends on termcolor>=1.1.0,<1.2.dev0 and you require tensorflow==2.4.1, we can \
conclude that your requirements are unsatisfiable.

hint: Wheels are required for `termcolor` because building from source is disabled for all packages (`--no-build`)
"""
OLDER = """\
  × No solution found when resolving dependencies:
  ╰─▶ Because tensorflow==2.16.2 depends on keras>=3.0.0 and kerassurgeon>=0.2.0 depends on
      keras[standalone-keras]>=2.4.3,<3.0.0, we can conclude that kerassurgeon>=0.2.0 and tensorflow==2.16.2 are
      incompatible.

      hint: Pre-releases are available for `keras` in the requested range
"""
PYLOCK = """\
lock-version = "1.0"
created-by = "uv"
requires-python = ">=3.7"

[[packages]]
name = "Typing_Extensions"
version = "3.7.4.3"
sdist = { url = "https://x.example/t/typing_extensions-3.7.4.3.tar.gz", upload-time = 2020-08-27T00:00:00Z, \
hashes = { sha256 = "aa" } }
wheels = [{ url = "https://x.example/t/typing_extensions-3.7.4.3%2Blocal-py3-none-any.whl?x=1", hashes = \
{ sha256 = "bb" }, size = 9 }]
"""


def test_an_explanation_keeps_the_clash_and_drops_warnings_advice_and_drawing():
    assert uv.explanation(NO_WHEEL) == (
        "Because termcolor==1.1.0 has no usable wheels and only the following versions of termcolor are available: "
        "termcolor<=1.1.0, termcolor>1.2.dev0 we can conclude that termcolor>=1.1.0,<1.2.dev0 cannot be used. "
        "And because tensorflow==2.4.1 depends on termcolor>=1.1.0,<1.2.dev0 and you require tensorflow==2.4.1, "
        "we can conclude that your requirements are unsatisfiable."
    )


def test_the_older_drawn_form_and_colours_read_the_same():
    expected = (
        "Because tensorflow==2.16.2 depends on keras>=3.0.0 and kerassurgeon>=0.2.0 depends on "
        "keras[standalone-keras]>=2.4.3,<3.0.0, we can conclude that kerassurgeon>=0.2.0 and tensorflow==2.16.2 are "
        "incompatible."
    )
    assert uv.explanation(OLDER) == expected
    assert uv.explanation(OLDER.replace("×", "\x1b[31m×\x1b[0m")) == expected


def test_a_long_proof_is_cut_to_its_first_and_last_step_and_a_long_column_to_its_ends():
    steps = " And because ".join(f"step {n} {'x' * 150}" for n in range(20))
    cut = uv.explanation(f"error: No solution found\n  cause: Because {steps}")
    assert len(cut) <= 720
    assert "step 0 " in cut
    assert "step 19 " in cut
    column = "\n".join(f"  a=={n}" for n in range(30))
    text = (
        f"Because only the following versions of a are available:\n{column}\n  we can conclude that a cannot be used."
    )
    assert "a==0, …, a==29 we can conclude" in uv.explanation(text)


def test_packages_an_explanation_names_come_with_their_ranges_but_not_with_what_there_is():
    found = {name: sorted(map(str, ranges)) for name, ranges in uv.mentions(NO_WHEEL).items()}
    assert found == {"termcolor": ["<1.2.dev0,>=1.1.0", "==1.1.0"], "tensorflow": ["==2.4.1"]}
    older = {name: sorted(map(str, ranges)) for name, ranges in uv.mentions(OLDER).items()}
    assert older == {
        "keras": ["<3.0.0,>=2.4.3", ">=3.0.0"],
        "kerassurgeon": [">=0.2.0"],
        "tensorflow": ["==2.16.2"],
    }


def test_a_package_named_without_a_range_is_found_and_python_is_none():
    text = "Because no-such was not found in the package registry and a==1 depends on no-such, Python>=3.9 is needed"
    assert set(uv.mentions(text)) == {"no-such", "a"}


def test_a_pylock_gives_its_files_with_plain_names():
    (package,) = uv.parse(PYLOCK)
    assert (package.name, package.version) == ("typing-extensions", "3.7.4.3")
    wheel, sdist = package.files
    assert (wheel.filename, wheel.sha256, wheel.size) == (
        "typing_extensions-3.7.4.3+local-py3-none-any.whl",
        "bb",
        9,
    )
    assert (sdist.filename, sdist.uploaded) == ("typing_extensions-3.7.4.3.tar.gz", datetime(2020, 8, 27, tzinfo=UTC))


@pytest.mark.parametrize("text", ["<html>", "a = 1", '[[packages]]\nname = "a"', "packages = [1]"])
def test_what_is_no_pylock_is_our_trouble(text):
    with pytest.raises(CellError) as caught:
        uv.parse(text)
    assert caught.value.status is CellStatus.INFRA


def test_the_host_never_builds_and_gives_uv_a_full_utc_moment():
    moment = datetime(2021, 1, 28, 20, 41, 31, 999, tzinfo=timezone(timedelta(hours=1)))
    args = uv.host_arguments("3.7.9", "manylinux_2_36_x86_64", moment)
    assert "--no-build" in args
    assert args[args.index("--exclude-newer") + 1] == "2021-01-28T19:41:31Z"
    assert args[args.index("--python-platform") + 1] == "x86_64-manylinux_2_36"


def test_the_builder_gets_requirements_as_arguments_that_no_shell_reads():
    command = uv.builder_command("/opt/venv/bin/python", datetime(2021, 1, 1, tzinfo=UTC), ["a==1; rm -rf /", "b"])
    assert command[:2] == ("sh", "-c")
    assert "rm -rf" not in command[2]
    assert "--no-build" not in command[2]
    assert command[3:] == ("/opt/venv/bin/python", "a==1; rm -rf /", "b")


def test_uv_s_version_is_read_from_its_own_words():
    assert uv.version_in("uv 0.13.8 (x86_64-unknown-linux-gnu)\n") == "uv 0.13.8"
    assert uv.version_in("# uv 0.9.1\nlock-version = 1") == "uv 0.9.1"


def test_the_host_s_uv_runs_in_exactly_the_given_environment(monkeypatch):
    monkeypatch.setenv("UV_OFFLINE", "nonsense that uv would refuse")
    done = uv.run_host(("--version",), "", environment={"PATH": "/usr/bin:/bin"})
    assert (done.code, done.timed_out) == (0, False)
    assert done.stdout.startswith("uv ")


def test_uv_that_takes_too_long_is_ended_and_uv_that_is_not_there_is_our_trouble(monkeypatch):
    monkeypatch.setattr(uv.uv_package, "find_uv_bin", lambda: sys.executable)
    started = datetime.now(tz=UTC)
    assert uv.run_host(("-c", "import time; time.sleep(60)"), "", environment={}, seconds=0.2).timed_out
    assert datetime.now(tz=UTC) - started < timedelta(seconds=20)
    monkeypatch.setattr(uv.uv_package, "find_uv_bin", lambda: "/nowhere/uv")
    with pytest.raises(CellError) as caught:
        uv.run_host(("--version",), "", environment={})
    assert caught.value.status is CellStatus.INFRA


def test_uv_is_ended_when_the_run_is_stopped_and_reads_all_of_a_long_input(monkeypatch):
    monkeypatch.setattr(uv.uv_package, "find_uv_bin", lambda: sys.executable)
    slow = "import sys, time; time.sleep(1); print(len(sys.stdin.read()))"
    assert uv.run_host(("-c", slow), "x" * 1_000_000, environment={}).stdout == "1000000\n"
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    started = datetime.now(tz=UTC)
    with pytest.raises(CellError) as caught:
        uv.run_host(("-c", "import time; time.sleep(60)"), "", environment={}, stop=stop)
    assert (caught.value.status, caught.value.reason) == (CellStatus.INFRA, "stopped")
    assert datetime.now(tz=UTC) - started < timedelta(seconds=20)
