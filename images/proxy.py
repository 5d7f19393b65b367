"""A package index on a Unix socket for containers that may reach nothing else; CPython 3.6 and later, `-I -S`.

    proxy.py SOCKET CACHE [SETTINGS [-]]  serve; SETTINGS is a file of variables in JSON, read once and removed;
                                          with `-` until standard input ends
    proxy.py trouble SOCKET TOKEN         what the indexes did wrong towards who used that token
    proxy.py forget CACHE                 removes what was fetched

    /TOKEN/settings                       which numbers the host's variables stand for
    /TOKEN/N/simple/PROJECT/              a page, its links pointing here
    /TOKEN/N/file/PROJECT/FILENAME        a file of it, or its metadata (PEP 658)
    /TOKEN/any/file/PROJECT/FILENAME      from the first index that lists it
    /TOKEN/trouble

It fetches what an index lists under a project, and nothing else: no address comes from who asks. A file is given out
when its sha256 is the one its page gives, else 502. Every connection serves one question.
"""

import contextlib
import http.server
import json
import os
import re
import socket
import socketserver
import sys
import threading
from urllib.parse import unquote

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import indexes
from upstream import Index, Refused, metadata_hash

CONNECTIONS = 256
HEAD_SECONDS = 20
"""In which a question must have come whole."""
SEND_SECONDS = 60
METADATA_BYTES = 16 * 1024 * 1024
_ROUTE = re.compile(
    r"/(?P<token>[0-9a-f]{32})/(?:(?P<word>settings|trouble)|(?P<number>[0-9]{1,2}|any)/"
    r"(?:simple/(?P<page>[A-Za-z0-9._-]{1,200})/"
    r"|file/(?P<project>[A-Za-z0-9._-]{1,200})/(?P<file>[A-Za-z0-9_%.+!-]{1,300})))"
)
_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")
_SAID = re.compile(r"[A-Za-z0-9 /*-]{1,80}")
_CHUNK = 1 << 16


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one question per connection."""

    protocol_version = "HTTP/1.1"
    server_version = "compat-index"
    sys_version = ""
    timeout = HEAD_SECONDS
    _begun = False

    def setup(self):
        http.server.BaseHTTPRequestHandler.setup(self)
        self._late = threading.Timer(HEAD_SECONDS, self._cut)
        self._late.daemon = True
        self._late.start()

    def finish(self):
        self._late.cancel()
        http.server.BaseHTTPRequestHandler.finish(self)

    def do_GET(self):
        self._late.cancel()
        self.connection.settimeout(SEND_SECONDS)
        self.close_connection = True
        found = _ROUTE.fullmatch(self.path)
        token = found.group("token") if found else ""
        try:
            if found is None or "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
                raise Refused(404 if found is None else 400, "not a question this index answers")
            if found.group("word") is None and not indexes.named(found.group("page") or found.group("project")):
                raise Refused(404, "no name of a project")
            self._answer(found)
        except Refused as error:
            self._say(error.status, str(error).encode())
        except (indexes.Trouble, ValueError) as error:
            code = getattr(error, "code", None)
            missing = code == 416 or (code in (404, 410) and found.group("page"))
            if not missing:
                self.server.index.note(token, error)
            self._say(code if missing else 502, b"the index did not answer properly")
        # Who asked has gone, or reads too slowly.
        except (ConnectionError, socket.timeout):
            return
        except OSError as error:
            self.server.index.note(token, "of the proxy itself: %s" % error.strerror)
            self._say(500, b"the proxy is in trouble")

    do_HEAD = do_GET  # noqa: N815 - the name is the library's

    def do_POST(self):
        self.close_connection = True
        self._say(405, b"this index is only read")

    do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_CONNECT = do_TRACE = do_POST  # noqa: N815

    def _answer(self, found):
        index = self.server.index
        if found.group("word") == "settings":
            index.begin(found.group("token"))
            return self._say(200, json.dumps({"named": index.known.named}).encode(), "application/json")
        if found.group("word") == "trouble":
            return self._say(200, json.dumps(index.trouble(found.group("token"))).encode(), "application/json")
        number = None if found.group("number") == "any" else int(found.group("number"))
        if found.group("page") if number is None else number >= len(index.known.roots):
            raise Refused(404, "no such index")
        if found.group("page"):
            kind, body, _ = index.page(number, found.group("page"), "json" in self.headers.get("Accept", ""))
            return self._say(200, body, kind)
        return self._file(number, found.group("project"), unquote(found.group("file")))

    def _file(self, number, project, filename):
        index = self.server.index
        metadata = filename.endswith(".metadata")
        entry = index.entry(number, project, filename[: -len(".metadata")] if metadata else filename)
        url, sha256 = entry["url"], indexes.sha256_of(entry)
        most = entry["size"] if isinstance(entry.get("size"), int) else indexes.FILE_BYTES
        if metadata:
            url, sha256, most = url + ".metadata", metadata_hash(entry).get("sha256", ""), METADATA_BYTES
        source = index.stored(sha256) if sha256 else None
        passes = source is None and (not sha256 or self.command == "HEAD" or self.headers.get("Range"))
        if passes and self._passed(url, most, bool(sha256)):
            return
        with source or index.fetched(url, sha256, most) as content:
            self._send(content)

    def _passed(self, url, most, checkable):
        """Answers with what the file's own server says: its head, a part, or a file without a hash to check."""
        wanted = self.headers.get("Range", "")
        headers = {"Range": wanted} if _RANGE.fullmatch(wanted) else {}
        with self.server.index.known.ask(url, headers, self.command) as answer:
            if checkable and self.command == "GET" and answer.status != 206:
                return False
            if not answer.headers.get("Content-Length", "").isdigit():
                # Nobody could tell a part of it from the whole.
                raise indexes.Trouble("%s: an answer without a length" % indexes.shown(url))
            self.send_response(answer.status)
            for name in ("Content-Length", "Content-Range", "Accept-Ranges"):
                if _SAID.fullmatch(answer.headers.get(name, "")):
                    self.send_header(name, answer.headers[name])
            self._head("application/octet-stream")
            if self.command == "GET":
                for chunk in indexes.chunks(answer, most, indexes.shown(url)):
                    self.wfile.write(chunk)
            return True

    def _send(self, content):
        """An open file, or the part that was asked for."""
        size = os.fstat(content.fileno()).st_size
        found = _RANGE.fullmatch(self.headers.get("Range", ""))
        start, stop = 0, size
        if found and found.group(1):
            start, stop = int(found.group(1)), min(int(found.group(2) or size) + 1, size)
        elif found and found.group(2):
            start = max(0, size - int(found.group(2)))
        if found and start >= stop:
            raise Refused(416, "no such part")
        self.send_response(206 if found else 200)
        if found:
            self.send_header("Content-Range", "bytes %d-%d/%d" % (start, stop - 1, size))
        self.send_header("Content-Length", str(stop - start))
        self.send_header("Accept-Ranges", "bytes")
        self._head("application/octet-stream")
        content.seek(start)
        while start < stop and self.command == "GET":
            chunk = content.read(min(_CHUNK, stop - start))
            self.wfile.write(chunk)
            start += len(chunk)

    def _say(self, status, body, kind="text/plain"):
        """A short answer; nothing where another has begun, whose reader would take this for more of it."""
        if self._begun:
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self._head(kind)
        if self.command != "HEAD":
            self.wfile.write(body)

    def _head(self, kind):
        self._begun = True
        self.send_header("Content-Type", kind)
        self.send_header("Connection", "close")
        self.end_headers()

    def _cut(self):
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """A thread per connection, CONNECTIONS at most: who comes then is turned away, and that is trouble for all."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, path, index):
        self.index = index
        self._room = threading.BoundedSemaphore(CONNECTIONS)
        socketserver.UnixStreamServer.__init__(self, path, Handler)

    def process_request(self, request, client_address):
        if not self._room.acquire(blocking=False):
            self.index.note("", "more than %d connections" % CONNECTIONS)
            self.shutdown_request(request)
            return
        socketserver.ThreadingMixIn.process_request(self, request, client_address)

    def process_request_thread(self, request, client_address):
        try:
            socketserver.ThreadingMixIn.process_request_thread(self, request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request, client_address):  # noqa: ARG002 - the signature is the library's
        print("a question broke off: %s" % sys.exc_info()[0].__name__, flush=True)


def serve(path, folder, settings=None, until=None):
    """Listens for ever. What the settings say (credentials too) is in this process's memory and nowhere else."""
    if until:
        threading.Thread(target=_end_with_input, daemon=True).start()
    if settings:
        with open(settings, "rb") as source:
            said = json.loads(source.read().decode("utf-8"))
        os.remove(settings)
        os.environ.update(said["environment"])
        if said.get("certificates"):
            os.environ["SSL_CERT_FILE"] = "/tmp/certificates.pem"
            with open(os.environ["SSL_CERT_FILE"], "w", encoding="utf-8") as target:
                target.write(said["certificates"])
    index = Index(indexes.Indexes(os.environ), folder)
    index.trim()
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)
    with Server(path, index) as server:
        os.chmod(path, 0o666)
        print("ready", flush=True)
        server.serve_forever()


def _end_with_input():
    while os.read(0, 4096):
        pass
    os._exit(0)


def trouble(path, token):
    """Asks a proxy, and prints what it says."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(10)
        asking.connect(path)
        asking.sendall(("GET /%s/trouble HTTP/1.0\r\n\r\n" % token).encode())
        with asking.makefile("rb") as answer:
            print(answer.read().partition(b"\r\n\r\n")[2].decode())


if __name__ == "__main__":
    if sys.argv[1] == "trouble":
        trouble(*sys.argv[2:])
    elif sys.argv[1] == "forget":
        Index(None, sys.argv[2]).trim(0)
    else:
        serve(*sys.argv[1:])
