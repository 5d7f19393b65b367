"""Source distributions of the tests' own, whose build does what the test says; they need nothing of an index."""

from __future__ import annotations

import hashlib
import io
import tarfile
import textwrap

from orchestrator.model import Distribution

_BACKEND = """
import json, os, socket, sys, time, zipfile

NAME = "{module}-{version}-py3-none-any.whl"

def wheel(folder, name=NAME, module="{module}"):
    info = module + "-{version}.dist-info/"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as made:
        made.writestr(module + ".py", "here = True\\n")
        said = "Metadata-Version: 2.1\\nName: " + module + "\\nVersion: {version}\\n{requires}"
        made.writestr(info + "METADATA", said)
        said = "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        made.writestr(info + "WHEEL", said)
        made.writestr(info + "RECORD", "")
    return name

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    folder = wheel_directory
{code}
    return wheel(folder)
"""


def source(name: str, code: str = "", *, version: str = "1.0", requires: str = "") -> tuple[Distribution, bytes]:
    """A source and its bytes. `code` runs when a wheel is to be built into `folder`; it may return its name."""
    module = name.replace("-", "_")
    needs = f"Requires-Dist: {requires}\\n" if requires else ""
    backend = _BACKEND.format(
        module=module, version=version, requires=needs, code=textwrap.indent(textwrap.dedent(code) or "pass", "    ")
    )
    members = {
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": backend,
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for path, text in members.items():
            entry = tarfile.TarInfo(f"{module}-{version}/{path}")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    content = buffer.getvalue()
    filename = f"{module}-{version}.tar.gz"
    sha256 = hashlib.sha256(content).hexdigest()
    return Distribution(name=name, version=version, filename=filename, sha256=sha256), content


PRYING = """
    def tried(do):
        try:
            return repr(do())[:200]
        except BaseException as error:
            return type(error).__name__

    def names(place):
        return [n for n in os.listdir(place) if "docker" in n or place != "/var/run"] if os.path.isdir(place) else []

    def secrets():
        found = []
        places = ["/probes", "/run", "/cache", "/root", "/etc", "/tmp", "/var/cache", "/proc"]
        for place in places:
            for top, folders, names in os.walk(place):
                folders[:] = [f for f in folders if top != "/proc" or f.isdigit()]
                for name in names:
                    path = os.path.join(top, name)
                    if top.startswith("/proc") and name not in ("environ", "cmdline", "mountinfo"):
                        continue
                    try:
                        with open(path, "rb") as file:
                            if WORD in file.read(1 << 20):
                                found.append(path)
                    except OSError:
                        pass
        return found

    def asked(text):
        with socket.socket(socket.AF_UNIX) as proxy:
            proxy.settimeout(5)
            proxy.connect("/run/compat-index/door/socket")
            proxy.sendall(text)
            proxy.shutdown(socket.SHUT_WR)
            return proxy.makefile("rb").read().split(b"\\r\\n")[0].decode()

    WORD = b"s3cr3t-" + b"w0rd"
    door = "/run/compat-index/door/"
    print("PRIED " + json.dumps({
        "user": os.getuid(),
        "tcp": tried(lambda: socket.create_connection(("1.1.1.1", 443), 3)),
        "gateway": tried(lambda: socket.create_connection(("172.17.0.1", 80), 3)),
        "metadata": tried(lambda: socket.create_connection(("169.254.169.254", 80), 3)),
        "dns": tried(lambda: socket.getaddrinfo("example.org", 443)),
        "links": sorted(os.listdir("/sys/class/net")),
        "environment": [k for k, v in os.environ.items() if WORD.decode() in v or "@" in v],
        "secrets": secrets(),
        "root": tried(lambda: open("/opt/venv/x", "w")),
        "door": tried(lambda: open(door + "x", "w")),
        "unlink": tried(lambda: os.unlink(door + "socket")),
        "rename": tried(lambda: os.rename(door + "socket", door + "other")),
        "bind": tried(lambda: socket.socket(socket.AF_UNIX).bind(door + "mine")),
        "volumes": [n for p in ("/cache", "/var/cache/uv", "/run/secrets", "/var/run") for n in names(p)],
        "open proxy": asked(b"GET http://169.254.169.254/latest/meta-data/ HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"),
        "connect": asked(b"CONNECT 169.254.169.254:80 HTTP/1.1\\r\\n\\r\\n"),
        "file": asked(b"GET file:///etc/passwd HTTP/1.1\\r\\n\\r\\n"),
        "dots": asked(b"GET /" + b"0" * 32 + b"/0/file/../../etc/passwd HTTP/1.1\\r\\n\\r\\n"),
        "post": asked(b"POST /" + b"0" * 32 + b"/0/simple/a/ HTTP/1.1\\r\\n\\r\\n"),
    }), file=sys.stderr, flush=True)
"""
