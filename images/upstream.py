"""What the host's indexes have, as containers may see it: pages without addresses, files by their sha256.

Beside `proxy.py`; CPython 3.6 and later, standard library only.
"""

import contextlib
import hashlib
import html
import json
import os
import re
import threading
import time
from collections import OrderedDict
from urllib.parse import quote

import indexes

PAGE_SECONDS = 180
"""How long a page is kept, in memory only: a resolver asks for one several times."""
PAGES_BYTES = 128 * 1024 * 1024
CACHE_BYTES = 20 * 1024**3
TRIM_BYTES = 1024**3
"""After so many more it is looked whether there are too many."""
STALE_SECONDS = 24 * 3600
TOKENS = 4096
"""Of so many is trouble remembered."""
JSON = "application/vnd.pypi.simple.v1+json"
_VERSION = re.compile(r"1\.[0-9]{1,2}")


class Refused(Exception):
    """An answer other than 200: status, and a reason that is fit to show."""

    def __init__(self, status, reason):
        Exception.__init__(self, reason)
        self.status = status


class Index:
    """What the host's indexes have, as it may be shown: pages in memory for minutes, files on disk by their sha256."""

    def __init__(self, known, folder):
        self.known = known
        self.folder = folder
        self._pages = OrderedDict()
        self._turns = {}
        self._lock = threading.Lock()
        self._trouble = OrderedDict()
        self._everyones = (0, "")
        self._before = OrderedDict()
        self._added = 0

    def begin(self, token):
        """From here on what goes wrong for everyone counts for this token too; what did before is none of its."""
        with self._lock:
            self._before.setdefault(token, self._everyones[0])
            while len(self._before) > TOKENS:
                self._before.popitem(last=False)

    def note(self, token, error):
        """Remembers what an index did wrong, for a token or (without one) for everyone who is at it, and says it.

        A refusal (401, 403) may be an index's way to say "not here".
        """
        text = "".join(c if c.isprintable() else "?" for c in str(error))[:300]
        refusal = getattr(error, "code", None) in (401, 403)
        with self._lock:
            if not token:
                self._everyones = (self._everyones[0] + 1, text)
                return
            count, refused, _ = self._trouble.pop(token, (0, 0, ""))
            self._trouble[token] = (count + (not refusal), refused + refusal, text)
            while len(self._trouble) > TOKENS:
                self._trouble.popitem(last=False)
        print("trouble: %s" % text, flush=True)

    def trouble(self, token):
        """How often something went wrong for a token or for all, how often it was refused, and the last of it."""
        with self._lock:
            count, refused, last = self._trouble.get(token, (0, 0, ""))
            everyones, of_all = self._everyones
            meanwhile = everyones - self._before.get(token, everyones)
        return {"count": count + meanwhile, "refused": refused, "last": last or (of_all if meanwhile else "")}

    def page(self, number, project, as_json):
        """(media type, body, filename -> entry with the file's true address)."""
        key = (number, indexes.normalised(project), as_json)
        with self._turn(key):
            with self._lock:
                kept = self._pages.get(key)
            if kept and time.monotonic() - kept[0] < PAGE_SECONDS:
                return kept[1:]
            made = self._read(*key)
            with self._lock:
                self._pages[key] = (time.monotonic(), *made)
                self._pages.move_to_end(key)
                while sum(len(page[2]) for page in self._pages.values()) > PAGES_BYTES and len(self._pages) > 1:
                    self._pages.popitem(last=False)
            return made

    def entry(self, number, project, filename):
        """The entry of a file, in any index where `number` is None; raises Refused(404)."""
        trouble = None
        for each in range(len(self.known.roots)) if number is None else [number]:
            try:
                found = self.page(each, project, True)[2].get(filename)
            except OSError as error:
                trouble = error if getattr(error, "code", None) != 404 else trouble
                continue
            if found:
                return found
        if trouble:
            raise trouble
        raise Refused(404, "no index lists it")

    def stored(self, sha256):
        """An open file of that sha256 with its size, verified just now; None where there is none."""
        path = self.path(sha256)
        try:
            source = open(path, "rb")  # noqa: SIM115 - given to the caller
        except FileNotFoundError:
            return None
        total = hashlib.sha256()
        for chunk in iter(lambda: source.read(1 << 20), b""):
            total.update(chunk)
        if total.hexdigest() == sha256:
            os.utime(path)
            return source
        source.close()
        print("dropped: %s does not have that sha256" % sha256, flush=True)
        os.remove(path)
        return None

    def fetched(self, url, sha256, most):
        """The same, fetched first where it is not there; raises OSError, ValueError."""
        with self._turn(sha256):
            found = self.stored(sha256)
            if found is not None:
                return found
            path = self.path(sha256)
            os.makedirs(os.path.dirname(path), exist_ok=True)

            def attempt():
                with self.known.ask(url) as answer:
                    indexes.save(answer, path, sha256, most, indexes.shown(url))

            indexes.patiently(attempt)
            found = open(path, "rb")  # noqa: SIM115 - given to the caller
            self._added += os.fstat(found.fileno()).st_size
        if self._added > TRIM_BYTES:
            self._added = 0
            self.trim()
        return found

    def path(self, sha256):
        return os.path.join(self.folder, sha256[:2], sha256)

    def trim(self, most=CACHE_BYTES):
        """Forgets what was longest not asked for, down to `most`, and what a killed process left half written."""
        found = []
        for folder, _, names in os.walk(self.folder):
            for path in (os.path.join(folder, name) for name in names):
                with contextlib.suppress(FileNotFoundError):
                    stat = os.stat(path)
                    half = ".part-" in path
                    if not half or time.time() - stat.st_mtime > STALE_SECONDS:
                        found.append((0 if half else stat.st_mtime, stat.st_size, path))
        total = sum(size for _, size, _ in found)
        for used, size, path in sorted(found):
            if used and total <= most:
                break
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)
            total -= size

    def _turn(self, key):
        """One at a time asks for the same thing. Kept for ever, and small."""
        with self._lock:
            if len(self._turns) > 100000:
                self._turns.clear()
            return self._turns.setdefault(key, threading.Lock())

    def _read(self, number, project, as_json):
        accept = indexes.ACCEPT if as_json else "text/html"
        answer = indexes.patiently(lambda: self.known.page(number, project, accept))
        entries = OrderedDict()
        for entry in indexes.files(*answer, self.known):
            entries.setdefault(entry["filename"], entry)
        if answer[0].endswith("json"):
            return JSON, _as_json(project, answer[1], entries), entries
        return "text/html; charset=utf-8", _as_html(project, entries), entries


def _as_json(project, body, entries):
    said = json.loads(body.decode("utf-8"))
    meta = said.get("meta") if isinstance(said.get("meta"), dict) else {}
    version = str(meta.get("api-version", "1.0"))
    document = {
        "meta": {"api-version": version if _VERSION.fullmatch(version) else "1.0"},
        "name": project,
        "files": [_shown(project, entry) for entry in entries.values()],
    }
    if isinstance(said.get("versions"), list):
        document["versions"] = [v for v in said["versions"] if isinstance(v, str)]
    return json.dumps(document).encode()


def _shown(project, entry):
    """An entry of a page as it is given out: known keys alone, and an address below this proxy's own."""
    shown = {"filename": entry["filename"], "url": _place(project, entry["filename"])}
    shown["hashes"] = {"sha256": indexes.sha256_of(entry)} if indexes.sha256_of(entry) else {}
    for key, kind in (("size", int), ("upload-time", str), ("requires-python", str), ("yanked", (bool, str))):
        if isinstance(entry.get(key), kind):
            shown[key] = entry[key]
    metadata = entry.get("core-metadata") or entry.get("dist-info-metadata")
    if metadata:
        shown["core-metadata"] = shown["dist-info-metadata"] = metadata_hash(entry) or True
    return shown


def metadata_hash(entry):
    """What a page says of a file's metadata, to be checked: {"sha256": ...} or {}."""
    metadata = entry.get("core-metadata") or entry.get("dist-info-metadata")
    sha256 = indexes.sha256_of({"hashes": metadata}) if isinstance(metadata, dict) else ""
    return {"sha256": sha256} if sha256 else {}


def _as_html(project, entries):
    lines = ["<!DOCTYPE html><html><head><title>%s</title></head><body>" % html.escape(project)]
    for entry in entries.values():
        sha256 = indexes.sha256_of(entry)
        href = _place(project, entry["filename"]) + ("#sha256=" + sha256 if sha256 else "")
        more = ""
        if isinstance(entry.get("requires-python"), str):
            more += ' data-requires-python="%s"' % html.escape(entry["requires-python"])
        if entry.get("yanked"):
            more += ' data-yanked="%s"' % html.escape(entry["yanked"] if isinstance(entry["yanked"], str) else "")
        if entry.get("core-metadata"):
            digest = metadata_hash(entry).get("sha256")
            more += ' data-core-metadata="%s"' % ("sha256=" + digest if digest else "true")
        lines.append('<a href="%s"%s>%s</a><br>' % (html.escape(href), more, html.escape(entry["filename"])))
    return "\n".join([*lines, "</body></html>"]).encode()


def _place(project, filename):
    """Where a file is, seen from its page."""
    return "../../file/%s/%s" % (project, quote(filename))
