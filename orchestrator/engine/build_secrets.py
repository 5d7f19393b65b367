"""What a build or a builder task must know of the host's network: indexes, proxies, trusted certificates.

They travel as secrets and environment, never as a layer, an argument or part of a cache key: where a file came
from does not change what it is, its hash does.
"""

from __future__ import annotations

import configparser
import os
import shlex
import ssl
from collections.abc import Mapping
from pathlib import Path

from orchestrator.model import public_index

_PASSED = (
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "PIP_EXTRA_INDEX_URL",
    "PIP_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_INDEX",
    "UV_INDEX_STRATEGY",
    "UV_INDEX_URL",
    "UV_INSECURE_HOST",
)
_BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE")
_SECRET_BYTES = 500 * 1024
"""BuildKit refuses a larger secret (moby/buildkit, session/secrets: MaxSecretSize)."""


def network(environment: Mapping[str, str]) -> dict[str, str]:
    """Index and proxy variables for pip and uv, each told what only the other was; the public index where none is."""
    found = {name: environment[name] for name in _PASSED if environment.get(name)}
    found |= {n.lower(): environment[n.lower()] for n in _PASSED[:4] if environment.get(n.lower())}
    found |= {
        n: v for n, v in environment.items() if n.startswith("UV_INDEX_") and n.endswith(("USERNAME", "PASSWORD"))
    }
    for key, value in pip_configuration(environment).items():
        found.setdefault(key, value)
    default = found.get("UV_DEFAULT_INDEX") or found.get("UV_INDEX_URL") or found.get("PIP_INDEX_URL") or public_index()
    found.setdefault("UV_DEFAULT_INDEX", default)
    found.setdefault("PIP_INDEX_URL", default.rpartition("=")[2] if "=" in default.split("://")[0] else default)
    if "PIP_EXTRA_INDEX_URL" in found and not found.keys() & {"UV_INDEX", "UV_EXTRA_INDEX_URL"}:
        found["UV_INDEX"] = found["PIP_EXTRA_INDEX_URL"]
    return dict(sorted(found.items()))


def script(settings: Mapping[str, str]) -> str:
    """The settings as lines a POSIX shell reads."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in settings.items())


def certificates(environment: Mapping[str, str]) -> Path | None:
    """The bundle of certificates this host trusts; None where it names none that can be read."""
    named = [environment[name] for name in _BUNDLES if environment.get(name)]
    default = ssl.get_default_verify_paths().cafile
    for path in [Path(p) for p in [*named, *([default] if default else [])]]:
        if path.is_file() and os.access(path, os.R_OK):
            return path
    return None


def write(folder: Path, environment: Mapping[str, str]) -> dict[str, Path]:
    """Writes the secrets into a private folder; secret id → its file."""
    host = folder / "host"
    host.touch(mode=0o600)
    host.write_text(script(network(environment)), encoding="utf-8")
    secrets = {"host": host}
    bundle = certificates(environment)
    if bundle is not None and bundle.stat().st_size <= _SECRET_BYTES:
        secrets["ca"] = bundle
    return secrets


def pip_configuration(environment: Mapping[str, str]) -> dict[str, str]:
    """`index-url` and `extra-index-url` of pip's configuration files, the later file winning as with pip itself."""
    home = Path(environment.get("HOME", "~")).expanduser()
    files = [Path("/etc/pip.conf"), home / ".pip/pip.conf", home / ".config/pip/pip.conf"]
    if environment.get("PIP_CONFIG_FILE"):
        files.append(Path(environment["PIP_CONFIG_FILE"]))
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read([f for f in files if f.is_file()], encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return {}
    names = {"index-url": "PIP_INDEX_URL", "extra-index-url": "PIP_EXTRA_INDEX_URL"}
    found: dict[str, str] = {}
    for section in ("install", "global"):
        for key, name in names.items():
            if parser.has_option(section, key):
                found.setdefault(name, " ".join(parser.get(section, key).split()))
    return found
