from __future__ import annotations

import hashlib
import http.server
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from credentialed_index import EXPECTED, PASSWORD, USER, index
from listening import listening

from orchestrator.errors import CellError, CellStatus
from orchestrator.lock import credentials
from orchestrator.lock.index import PAUSES, PackageIndex, session_for

AS_OF = datetime(2024, 1, 1, 12, tzinfo=UTC)
JSON = "application/vnd.pypi.simple.v1+json"
METADATA = b"Metadata-Version: 2.1\nName: a\nVersion: 1\nRequires-Dist: six\n"


class Server:
    """An index on this machine: path → (status, content type, body), 404 for the rest; `seen` are the paths asked."""

    def __init__(self) -> None:
        self.routes: dict[str, tuple[int, str, bytes]] = {}
        self.seen: list[str] = []
        self.everything: tuple[int, str, bytes] | None = None
        self.url = ""
        self.pause = list.append

    def page(self, name, *files):
        """A PEP 691 page; a file is (name, uploaded or None, further keys)."""
        entries = [
            {"filename": n, "url": f"/f/{n}", "hashes": {"sha256": "a" * 64}, "upload-time": t, "size": 1, **more}
            if t
            else {"filename": n, "url": f"/f/{n}", "hashes": {"sha256": "a" * 64}, **more}
            for n, t, more in files
        ]
        body = {"meta": {"api-version": "1.1"}, "name": name, "files": entries, "versions": []}
        self.routes[f"/simple/{name}/"] = (200, JSON, json.dumps(body).encode())

    def html(self, name, *filenames):
        links = "".join(f'<a href="/f/{n}#sha256={"a" * 64}">{n}</a>' for n in filenames)
        self.routes[f"/simple/{name}/"] = (200, "text/html", f"<html><body>{links}</body></html>".encode())


@contextmanager
def serving():
    state = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            state.seen.append(self.path)
            status, kind, body = state.everything or state.routes.get(self.path, (404, "text/plain", b""))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with listening(Handler) as state.url:
        yield state


@pytest.fixture
def server(monkeypatch):
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    with serving() as state:
        yield state


@pytest.fixture
def make(server, tmp_path):
    """PackageIndex over the server; waits are collected, not slept."""
    sessions = []

    def build(as_of=AS_OF, url=None):
        session = session_for(None)
        sessions.append(session)
        index = PackageIndex(
            as_of, f"{url or server.url}/simple", tmp_path, session, sleep=lambda s: server.pause(pauses, s)
        )
        index.pauses = pauses
        return index

    pauses: list[float] = []
    yield build
    for session in sessions:
        session.close()


WHEEL, SDIST = "a-1-py3-none-any.whl", "a-1.tar.gz"


def test_a_json_page_with_times_needs_no_second_question(server, make):
    server.page("a", (WHEEL, "2023-05-01T00:00:00Z", {"requires-python": ">=3.8", "yanked": "broken"}))
    (file,) = make().files("A")
    assert (file.filename, file.version, file.sha256, file.size) == (WHEEL, "1", "a" * 64, 1)
    assert (file.uploaded, file.requires_python, file.yanked) == (datetime(2023, 5, 1, tzinfo=UTC), ">=3.8", True)
    assert server.seen == ["/simple/a/"]


def test_an_html_page_takes_times_and_sizes_from_the_document_beside_it(server, make):
    server.html("a", WHEEL, SDIST)
    entries = [
        {"filename": WHEEL, "upload_time_iso_8601": "2023-05-01T01:02:03.000004Z", "size": 77, "yanked": True},
        {"filename": SDIST, "upload_time_iso_8601": "2025-05-01T00:00:00Z", "size": 78, "yanked": False},
    ]
    server.routes["/pypi/a/json"] = (200, "application/json", json.dumps({"releases": {"1": entries}}).encode())
    (file,) = make().files("a")
    assert (file.filename, file.size, file.yanked) == (WHEEL, 77, True)
    assert file.uploaded == datetime(2023, 5, 1, 1, 2, 3, 4, tzinfo=UTC)


def test_files_after_as_of_and_files_without_a_time_among_timed_ones_are_left_out(server, make):
    server.page("a", (WHEEL, "2024-01-01T12:00:00Z", {}), (SDIST, None, {}), ("a-2.tar.gz", "2024-01-01T12:00:01Z", {}))
    assert [f.filename for f in make().files("a")] == [WHEEL]


def test_where_nothing_has_a_time_everything_is_kept(server, make):
    server.html("a", WHEEL, SDIST)
    index = make()
    assert len(index.files("a")) == 2


def test_an_unknown_package_is_no_package_only_while_a_known_one_answers(server, make):
    with pytest.raises(CellError) as caught:
        make().files("nosuch")
    assert caught.value.status is CellStatus.INFRA
    server.html("pip", "pip-24.0.tar.gz")
    assert make().files("nosuch") == ()


@pytest.mark.parametrize(
    "answer",
    [
        (403, "text/html", b"<html>forbidden</html>"),
        (401, "text/html", b""),
        (500, "text/plain", b"oops"),
        (503, "text/plain", b""),
        (200, "text/html", b"<html><body><h1>Please log in</h1><a href='/login'>here</a></body></html>"),
        (200, "text/html", b""),
        (200, JSON, b'{"meta": {"api-version": "1.0"}, "name": "a", "fil'),
        (200, JSON, b"[]"),
        (200, JSON, b"[" * 200_000),
        (200, "image/png", b"\x89PNG"),
    ],
    ids=lambda answer: f"{answer[0]}-{len(answer[2])}",
)
def test_refusals_errors_and_garbage_are_our_trouble_after_bounded_attempts(server, make, answer):
    server.everything = answer
    index = make()
    with pytest.raises(CellError) as caught:
        index.files("a")
    assert (caught.value.status, caught.value.reason) == (CellStatus.INFRA, "index")
    assert index.pauses == list(PAUSES)
    assert not index.healthy(["a"])


def test_a_time_without_a_zone_is_in_utc(server, make):
    server.page("a", ("a-1.tar.gz", "2024-01-01T00:00:00", {}), ("a-2.tar.gz", "2999-01-01T00:00:00", {}))
    assert [(f.filename, f.uploaded) for f in make().files("a")] == [("a-1.tar.gz", datetime(2024, 1, 1, tzinfo=UTC))]


def test_signed_addresses_are_not_kept(server, make, tmp_path):
    server.page("a", ("a-1.tar.gz", "2024-01-01T00:00:00Z", {"url": "/f/a-1.tar.gz?sig=s3cret"}))
    assert "sig=s3cret" in make().files("a")[0].url
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and "s3cret" in p.read_text()]


def test_a_closed_port_is_our_trouble_and_its_address_is_not_told(server, make):
    index = make(url="http://user:secret@127.0.0.1:9")
    with pytest.raises(CellError) as caught:
        index.files("a")
    assert caught.value.status is CellStatus.INFRA
    assert "secret" not in str(caught.value)


def test_a_broken_document_is_our_trouble_though_the_page_was_fine(server, make):
    server.html("a", WHEEL)
    server.routes["/pypi/a/json"] = (200, "application/json", b"{}")
    with pytest.raises(CellError) as caught:
        make().files("a")
    assert caught.value.status is CellStatus.INFRA


def test_an_index_that_recovers_is_believed(server, make):
    server.page("a", (WHEEL, "2023-05-01T00:00:00Z", {}))
    good, server.everything = server.routes["/simple/a/"], (503, "text/plain", b"")
    index = make()
    server.pause = lambda *_: setattr(server, "everything", good)
    assert len(index.files("a")) == 1


def test_a_project_without_files_is_an_answer_when_its_document_says_so(server, make):
    server.html("a")
    server.routes["/pypi/a/json"] = (200, "application/json", b'{"releases": {}}')
    index = make()
    assert index.files("a") == ()
    assert index.healthy(["a"])


def test_a_reading_is_kept_for_the_day_and_made_anew_for_another(server, make):
    server.page("a", (WHEEL, "2023-05-01T00:00:00Z", {}))
    first = make().files("a")
    server.page("a", (WHEEL, "2023-05-01T00:00:00Z", {}), (SDIST, "2023-05-01T00:00:00Z", {}))
    assert make().files("a") == first
    assert make(AS_OF.replace(hour=20)).files("a") == first
    assert len(make(AS_OF.replace(day=2)).files("a")) == 2
    assert len(server.seen) == 2


def test_a_kept_reading_that_can_t_be_read_is_replaced(server, make, tmp_path):
    server.page("a", (WHEEL, "2023-05-01T00:00:00Z", {}))
    first = make().files("a")
    (kept,) = tmp_path.rglob("a.json")
    kept.write_text('{"schema": 1, "files": [{"nonsense')
    assert make().files("a") == first
    assert json.loads(kept.read_text())["schema"] == 1
    assert [p.name for p in kept.parent.iterdir()] == ["a.json"]


def test_a_kept_reading_does_not_pass_for_health_in_this_run(server, make):
    server.page("a", (WHEEL, "2023-05-01T00:00:00Z", {}))
    make().files("a")
    later = make()
    assert later.files("a")
    server.everything = (503, "text/plain", b"")
    assert not later.healthy(["a"])
    server.everything = None
    assert later.healthy(["a"])


def test_two_threads_ask_for_a_package_once(server, make):
    server.page("a", (WHEEL, "2023-05-01T00:00:00Z", {}))
    index = make()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: index.files("a"), range(32)))
    assert set(answers) == {index.files("a")}
    assert server.seen.count("/simple/a/") == 1


def test_metadata_are_read_beside_the_file_without_fetching_it(server, make):
    server.page("a", (WHEEL, "2023-05-01T00:00:00Z", {}))
    server.routes[f"/f/{WHEEL}.metadata"] = (200, "text/plain", METADATA)
    index = make()
    assert index.requires(index.files("a")[0]) == ("six",)
    assert f"/f/{WHEEL}" not in server.seen


def test_metadata_come_from_the_file_itself_only_when_its_hash_is_right(server, make, tmp_path):
    import io
    import zipfile

    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a-1.dist-info/METADATA", METADATA)
    wheel = content.getvalue()
    server.routes[f"/f/{WHEEL}"] = (200, "application/zip", wheel)
    server.page("a", (WHEEL, "2023-05-01T00:00:00Z", {"hashes": {"sha256": hashlib.sha256(wheel).hexdigest()}}))
    index = make()
    assert index.requires(index.files("a")[0]) == ("six",)
    server.page("b", (WHEEL, "2023-05-01T00:00:00Z", {}))
    with pytest.raises(CellError) as caught:
        index.requires(index.files("b")[0])
    assert caught.value.status is CellStatus.INFRA


def test_as_of_must_say_its_time_zone(tmp_path):
    with session_for(None) as session, pytest.raises(ValueError, match="time zone"):
        PackageIndex(datetime(2024, 1, 1), "http://x", tmp_path, session)


# ------------------------------------------------------------ credentials


def test_a_user_and_password_are_sent_to_the_index_alone_and_kept_nowhere(tmp_path):
    with index(secret=True) as served, index("localhost") as other, session_for(None) as session:
        served.add("a", SDIST, b"x")
        other.add("a", WHEEL, b"y")
        served.add("a", WHEEL, b"y", at=f"{other.url}/files/{WHEEL}")
        made = PackageIndex(AS_OF, served.root, tmp_path, session, sleep=lambda _: None)
        found = {f.filename: f for f in made.files("a")}
        assert [PASSWORD in f.url for f in found.values()] == [False, False]
        for file in found.values():
            assert made.size(file) == 1
        assert {said for _, said in other.authorized} == {None}
        assert (f"/files/{SDIST}", EXPECTED) in served.authorized
        kept = "".join(p.read_text() for p in tmp_path.rglob("*.json"))
        assert SDIST in kept
        assert PASSWORD not in kept
        assert USER not in kept


def test_what_was_kept_with_a_password_once_is_removed_and_the_rest_stays(tmp_path):
    day = tmp_path / "2026-11-01"
    day.mkdir()
    (day / "a.json").write_text(f'{{"files": [{{"url": "https://{USER}:{PASSWORD}@index.example/a.whl"}}]}}')
    (day / "b.json").write_text('{"files": [{"url": "https://index.example/b@1.whl"}]}')
    credentials.forget(tmp_path)
    assert [path.name for path in day.iterdir()] == ["b.json"]
    credentials.forget(tmp_path / "nowhere")


def test_a_file_is_looked_up_in_every_index_that_resolvers_are_told_of(tmp_path):
    with index(secret=True) as served, index("localhost") as other, session_for(None) as session:
        served.add("pip", "pip-1.tar.gz", b"p")
        sha256 = other.add("a", SDIST, b"x")
        made = PackageIndex(AS_OF, served.root, tmp_path, session, sleep=lambda _: None)
        assert made.listed("a", SDIST) is None
        assert made.beside((other.root,)).listed("a", SDIST).sha256 == sha256
        assert made.listed("a", "b-1.tar.gz") is None
