"""Process 1 of a container that builds: a package index on 127.0.0.1 and nothing else, then a command as its child.

    sandbox.py SOCKET TOKEN COMMAND...

The container has no network. What is asked at 127.0.0.1 goes to the proxy's socket, as it is; the variables that pip
and uv read name that address, in the order in which the host's variables name its indexes. Exit status: the command's
own, 128 + N where signal N ended it, 125 where the proxy does not answer. CPython 3.6 and later, `-I -S`.
"""

import json
import os
import select
import socket
import socketserver
import subprocess
import sys
import threading
import time

NO_INDEX = 125
CONNECTIONS = 64
IDLE_SECONDS = 900
WAIT_SECONDS = 15
_CHUNK = 1 << 16
_ALWAYS = {
    "HOME": "/tmp",
    "NO_COLOR": "1",
    # The proxy tries again where that may help; it fetches and checks a file whole before its first byte comes.
    "PIP_DEFAULT_TIMEOUT": "600",
    "PIP_CACHE_DIR": "/tmp/.cache/pip",
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_RETRIES": "0",
    "UV_CACHE_DIR": "/tmp/.cache/uv",
    "UV_HTTP_RETRIES": "0",
    "UV_HTTP_TIMEOUT": "600",
    "UV_NO_CONFIG": "1",
    "UV_NO_PROGRESS": "1",
    "UV_PYTHON": "/opt/venv/bin/python",
    "UV_PYTHON_DOWNLOADS": "never",
}


class Relay(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Hands every connection on."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, path):
        self.path = path
        self._room = threading.BoundedSemaphore(CONNECTIONS)
        socketserver.TCPServer.__init__(self, ("127.0.0.1", 0), None)

    def finish_request(self, request, client_address):  # noqa: ARG002 - the signature is the library's
        with self._room, socket.socket(socket.AF_UNIX) as proxy:
            proxy.connect(self.path)
            pump(request, proxy)

    def handle_error(self, request, client_address):
        """Who asked, or who answered, has gone: the other side sees its connection end."""


def pump(one, other):
    """Carries bytes both ways until both sides have ended or nothing came for long."""
    to = {one: other, other: one}
    while to:
        ready = select.select(list(to), [], [], IDLE_SECONDS)[0]
        if not ready:
            return
        for source in ready:
            chunk = source.recv(_CHUNK)
            if chunk:
                to[source].sendall(chunk)
                continue
            to.pop(source).shutdown(socket.SHUT_WR)


def asked(path, token):
    """Variable -> numbers of indexes, as the proxy says; raises OSError or ValueError."""
    with socket.socket(socket.AF_UNIX) as proxy:
        proxy.settimeout(WAIT_SECONDS)
        proxy.connect(path)
        proxy.sendall(("GET /%s/settings HTTP/1.0\r\n\r\n" % token).encode())
        with proxy.makefile("rb") as answer:
            return json.loads(answer.read().partition(b"\r\n\r\n")[2].decode())["named"]


def patiently(path, token):
    """The same, of a proxy that may just be starting."""
    end = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return asked(path, token)
        except (OSError, ValueError):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def variables(named, root):
    """What pip and uv are told: each variable of the host, with this index in place of each of its own.

    Both are told a default: what only one of them was, or neither, must not send the other to an index out there.
    """
    default = next(named[name] for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL") if named.get(name))
    named = dict({"UV_DEFAULT_INDEX": default, "PIP_INDEX_URL": default}, **named)
    return {name: " ".join("%s/%d/simple/" % (root, n) for n in numbers) for name, numbers in named.items()}


def follow(child):
    """Waits for the child, and takes in every orphan meanwhile; its exit status, as a shell gives it."""
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def main(path, token, *command):
    try:
        named = patiently(path, token)
    except (OSError, ValueError, KeyError) as error:
        print("the index can't be reached: %s" % type(error).__name__, file=sys.stderr, flush=True)
        return NO_INDEX
    relay = Relay(path)
    threading.Thread(target=relay.serve_forever, kwargs={"poll_interval": 5}, daemon=True).start()
    root = "http://127.0.0.1:%d/%s" % (relay.server_address[1], token)
    environment = dict(_ALWAYS, **os.environ)
    environment.update(variables(named, root), COMPAT_INDEX=root)
    child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
    status = follow(child.pid)
    sys.stdout.flush()
    # As process 1: what is left ends with it.
    os._exit(status)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
