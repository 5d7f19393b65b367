"""The simple indexes this host uses, asked for pages and files; standard library only, CPython 3.6 and later.

    indexes.find(name, filename) -> address of a file
    indexes.download(address, path, sha256, size=None)

Why not a package tool: pip and uv both run a source distribution's own code to "download" it, so that a failing
`setup.py` could not be told from a failing network. An index's user and password travel as a header, to its own origin
(scheme, host and port) alone, and are in no address and no message of this module.
"""

import base64
import contextlib
import hashlib
import http.client
import json
import os
import re
import socket
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin, urlsplit, urlunsplit

DEFAULTS = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
VARIABLES = ("UV_INDEX", *DEFAULTS, "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL")
ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
PAUSES = (1, 2, 4)
"""Seconds between attempts, where the network or the server failed."""
FINAL = frozenset((400, 401, 403, 404, 405, 410, 416))
"""Answers that will not be others in a second."""
PAGE_BYTES = 64 * 1024 * 1024
FILE_BYTES = 4 * 1024 * 1024 * 1024
SILENT_SECONDS = 60
HEAD_SECONDS = 90
"""After which an answer must have begun."""
SLOWEST = 20 * 1024
"""Bytes a second below which, after the first minute, a server is one that trickles."""
_CHUNK = 1 << 16
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,198}[A-Za-z0-9])?")
_FILENAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+!-]{0,253}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Trouble(OSError):
    """An index or a file's server did not answer properly; `code` is its HTTP status, None where it gave none."""

    def __init__(self, message, code=None):
        OSError.__init__(self, message)
        self.code = code


class Indexes:
    """Which indexes an environment names, and what they are asked with.

    `roots` are their addresses, each once, without credentials; `named` is variable -> numbers of its roots.
    """

    def __init__(self, environment):
        self.roots, self.named, self._logins = [], {}, []
        for variable in VARIABLES:
            for word in environment.get(variable, "").split():
                self._add(variable, word, environment)
        words = "%s %s" % (environment.get("UV_INSECURE_HOST", ""), environment.get("PIP_TRUSTED_HOST", ""))
        self.insecure = frozenset(words.lower().replace(",", " ").split())
        bundles = [environment.get(name) for name in ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")]
        self._checked = ssl.create_default_context(cafile=next(filter(None, bundles), None))
        self._unchecked = ssl.create_default_context()
        self._unchecked.check_hostname = False
        self._unchecked.verify_mode = ssl.CERT_NONE
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler(_proxies()), _Plain(), _Encrypted(self), _Redirects(self)
        )

    def login(self, url):
        """The header that belongs to an address: of the index whose path it is below, else of its origin; or ''."""
        parts = urlsplit(url)
        here = [(path, header) for origin, path, header in self._logins if origin == _origin(parts)]
        below = [pair for pair in here if parts.path.startswith(pair[0])]
        return max(below)[1] if below else here[0][1] if here else ""

    def context(self, host):
        """What decides whether a server's certificate is good."""
        host = host.lower()
        trusted = host in self.insecure or re.sub(r":\d+$", "", host) in self.insecure
        return self._unchecked if trusted else self._checked

    def strip(self, url):
        """An address without credentials; those of a link count for its origin where no others are known."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Trouble("an address that is not http")
        stripped = urlunsplit((parts.scheme, _host(parts), parts.path, parts.query, ""))
        if parts.username and not self.login(stripped):
            self._logins.append((_origin(parts), parts.path, _basic(parts.username, parts.password)))
        return stripped

    def ask(self, url, headers=(), method="GET"):
        """An answer whose body is still to be read; raises Trouble."""
        request = urllib.request.Request(url, method=method)
        request.add_header("User-Agent", "compat-matrix")
        for name, value in dict(headers).items():
            request.add_header(name, value)
        if self.login(url):
            request.add_unredirected_header("Authorization", self.login(url))
        try:
            return self._opener.open(request, timeout=SILENT_SECONDS)
        except urllib.error.HTTPError as error:
            error.close()
            raise Trouble("%s: HTTP %d" % (shown(url), error.code), error.code) from None
        # HTTPException and ValueError: what is no HTTP, or no address. Their texts may hold the address.
        except (OSError, http.client.HTTPException, ValueError) as error:
            if isinstance(error, Trouble):
                raise
            reason = getattr(error, "reason", error)
            said = getattr(reason, "strerror", None) or type(reason).__name__
            raise Trouble("%s: %s" % (shown(url), said)) from None

    def page(self, number, name, accept=ACCEPT):
        """(media type, body, address) of a project's page; raises Trouble."""
        root = self.roots[number].rstrip("/")
        split = urlsplit(root)
        url = urlunsplit((split.scheme, split.netloc, "%s/%s/" % (split.path, normalised(name)), split.query, ""))
        with self.ask(url, {"Accept": accept}) as answer:
            kind = answer.headers.get("Content-Type") or "text/html"
            body = b"".join(chunks(answer, PAGE_BYTES, shown(url)))
            return kind.partition(";")[0].strip().lower(), body, answer.geturl()

    def _add(self, variable, word, environment):
        name, equals, rest = word.partition("=")
        name, word = (name, rest) if equals and "/" not in name else ("", word)
        parts = urlsplit(word)
        slug = re.sub(r"[^A-Z0-9]", "_", name.upper())
        user = parts.username or (name and environment.get("UV_INDEX_%s_USERNAME" % slug)) or ""
        password = parts.password or (name and environment.get("UV_INDEX_%s_PASSWORD" % slug)) or ""
        root = urlunsplit((parts.scheme, _host(parts), parts.path.rstrip("/"), parts.query, ""))
        if user or password:
            self._logins.append((_origin(parts), parts.path.rstrip("/"), _basic(user, password)))
        if root not in self.roots:
            self.roots.append(root)
        number = self.roots.index(root)
        if number not in self.named.setdefault(variable, []):
            self.named[variable].append(number)


class _Watched:
    """A connection that is cut when its answer does not begin in time: bytes may come, and never a head."""

    def getresponse(self):
        timer = threading.Timer(HEAD_SECONDS, self._cut)
        timer.daemon = True
        timer.start()
        try:
            return super().getresponse()
        finally:
            timer.cancel()

    def _cut(self):
        with contextlib.suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)


_PLAIN = type("_PLAIN", (_Watched, http.client.HTTPConnection), {})
_ENCRYPTED = type("_ENCRYPTED", (_Watched, http.client.HTTPSConnection), {})


class _Plain(urllib.request.HTTPHandler):
    def http_open(self, req):
        return self.do_open(_PLAIN, req)


class _Encrypted(urllib.request.HTTPSHandler):
    def __init__(self, known):
        urllib.request.HTTPSHandler.__init__(self)
        self._known = known

    def https_open(self, req):
        # through a proxy `host` is the proxy's
        wanted = getattr(req, "_tunnel_host", None) or req.host
        return self.do_open(_ENCRYPTED, req, context=self._known.context(wanted))


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Goes on with what the new address may know: urllib would copy every header, to any host."""

    def __init__(self, known):
        self._known = known

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # noqa: ARG002 - the signature is urllib's
        if req.get_method() not in ("GET", "HEAD"):
            raise Trouble("%s: a redirect of what is no question" % shown(req.full_url))
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise Trouble("%s: a redirect from https to something else" % shown(req.full_url))
        url = self._known.strip(newurl)
        request = urllib.request.Request(url, method=req.get_method())
        for name in ("User-agent", "Accept", "Range"):
            if req.has_header(name):
                request.add_header(name, req.get_header(name))
        if self._known.login(url):
            request.add_unredirected_header("Authorization", self._known.login(url))
        return request

    http_error_308 = urllib.request.HTTPRedirectHandler.http_error_302  # CPython 3.11 and later have it


class _Links(HTMLParser):
    """The anchors of a page, and where it says its links start from."""

    def __init__(self):
        HTMLParser.__init__(self)
        self.found, self.base = [], ""

    def handle_starttag(self, tag, attrs):
        values = {name: value or "" for name, value in attrs}
        if tag == "base" and not self.base:
            self.base = values.get("href", "")
        elif tag == "a" and values.get("href"):
            self.found.append(values)


def chunks(answer, most, what):
    """The body of an answer in pieces; raises Trouble where it is too large, too slow or cut off."""
    began, total = time.monotonic(), 0
    announced = answer.headers.get("Content-Length", "")
    while True:
        try:
            chunk = answer.read1(_CHUNK)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Trouble("%s: cut off (%s)" % (what, type(error).__name__)) from None
        if not chunk:
            break
        total += len(chunk)
        if total > most:
            raise ValueError("%s: more than %d bytes" % (what, most))
        if time.monotonic() - began > SILENT_SECONDS + total / SLOWEST:
            raise Trouble("%s: slower than %d bytes a second" % (what, SLOWEST))
        yield chunk
    if announced.isdigit() and total < int(announced):
        raise Trouble("%s: cut off after %d of %s bytes" % (what, total, announced))


def files(kind, body, address, known):
    """The files a page lists, as PEP 691 has them: dictionaries with `filename`, an absolute `url`, `hashes`, ...

    Raises ValueError for a page that can't be read. Files with names or addresses that can't be are left out.
    """
    if kind.endswith("json"):
        try:
            listed = [dict(entry) for entry in json.loads(body.decode("utf-8"))["files"]]
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError("a page that can't be read: %s" % type(error).__name__) from None
        base = address
    else:
        links = _Links()
        links.feed(body.decode("utf-8", "replace"))
        listed = [_from_link(values) for values in links.found]
        base = urljoin(address, links.base)
    found = []
    for entry in listed:
        try:
            entry["url"] = known.strip(urldefrag(urljoin(base, str(entry["url"])))[0])
        except (KeyError, ValueError, OSError):
            continue
        if isinstance(entry.get("filename"), str) and _FILENAME.fullmatch(entry["filename"]):
            found.append(entry)
    return found


def _from_link(values):
    url, fragment = urldefrag(values["href"])
    entry = {"filename": unquote(urlsplit(url).path.rsplit("/", 1)[-1]), "url": url, "hashes": _hashes(fragment)}
    if "data-requires-python" in values:
        entry["requires-python"] = values["data-requires-python"]
    if "data-yanked" in values:
        entry["yanked"] = values["data-yanked"] or True
    metadata = values.get("data-core-metadata", values.get("data-dist-info-metadata"))
    if metadata is not None:
        entry["core-metadata"] = _hashes(metadata) or True
    return entry


def _hashes(text):
    name, _, value = text.partition("=")
    return {name: value.lower()} if value and name.isalnum() else {}


def sha256_of(entry):
    """The sha256 a page gives for a file, '' for none."""
    hashes = entry.get("hashes")
    value = str(hashes.get("sha256", "")).lower() if isinstance(hashes, dict) else ""
    return value if _SHA256.fullmatch(value) else ""


def named(name):
    """Whether this can be the name of a project."""
    return _NAME.fullmatch(name) is not None


def normalised(name):
    """A project's name as indexes write it (PEP 503); raises ValueError for what is none."""
    if not named(name):
        raise ValueError("no name of a project: %r" % name[:80])
    return re.sub(r"[-_.]+", "-", name).lower()


def patiently(attempt, pause=time.sleep):
    """What `attempt` gives, tried again where the network or the server failed."""
    for seconds in PAUSES:
        try:
            return attempt()
        except Trouble as error:
            if error.code in FINAL:
                raise
            print("again after: %s" % error, file=sys.stderr, flush=True)
            pause(seconds)
    return attempt()


def save(answer, path, sha256, most, what):
    """Writes an answer's body to a file, whole and with that sha256, or leaves nothing; raises OSError, ValueError."""
    total, part = hashlib.sha256(), "%s.part-%d-%d" % (path, os.getpid(), threading.get_ident())
    try:
        with open(part, "wb") as target:
            for chunk in chunks(answer, most, what):
                total.update(chunk)
                target.write(chunk)
        if total.hexdigest() != sha256:
            raise ValueError("%s has sha256 %s, expected was %s" % (what, total.hexdigest(), sha256))
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.remove(part)


def shown(url):
    """What a message may say of an address: its host and file. What is between may hold a token."""
    parts = urlsplit(url)
    return "%s of %s" % (unquote(parts.path.rstrip("/").rpartition("/")[2])[:200], _host(parts)[:200])


def _basic(user, password):
    return "Basic " + base64.b64encode(("%s:%s" % (unquote(user), unquote(password or ""))).encode()).decode()


def _host(parts):
    host = parts.hostname or ""
    host = "[%s]" % host if ":" in host else host
    return "%s:%d" % (host, parts.port) if parts.port else host


def _origin(parts):
    return (parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme))


def _proxies():
    """urllib's own reading of the environment, which leaves ALL_PROXY out."""
    found = urllib.request.getproxies()
    return dict({scheme: found["all"] for scheme in ("http", "https") if "all" in found}, **found)


def host(_read=[]):  # noqa: B006 - read once
    """What this process's environment names."""
    if not _read:
        _read.append(Indexes(os.environ))
    return _read[0]


def find(name, filename):
    """The address of a file, from the first index that lists it; raises OSError, ValueError or LookupError."""
    known, trouble = host(), None
    for number in range(len(known.roots)):
        try:
            kind, body, address = patiently(lambda n=number: known.page(n, name))
            listed = files(kind, body, address, known)
        except (OSError, ValueError) as error:
            trouble = trouble if getattr(error, "code", None) == 404 and trouble else error
            continue
        for entry in listed:
            if entry["filename"] == filename:
                return entry["url"]
    if not known.roots:
        raise LookupError("no index is named: set %s" % DEFAULTS[0])
    raise LookupError("no index lists %s%s" % (filename[:200], " (%s)" % trouble if trouble else ""))


def download(url, path, sha256, size=None):
    """Writes a file where its sha256 is the one given; raises OSError or ValueError and leaves nothing behind."""
    url = host().strip(url)

    def attempt():
        with host().ask(url) as answer:
            save(answer, path, sha256, FILE_BYTES if size is None else size, shown(url))

    patiently(attempt)
