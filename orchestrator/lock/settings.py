"""Which index and which certificates this host is set up for; the environment is passed in."""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from orchestrator.errors import UserError
from orchestrator.model import public_index

_INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
_MORE_VARIABLES = ("UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL", *_INDEX_VARIABLES)
_CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE")

_KEPT = frozenset((
    "HOME", "PATH", "LANG", "LC_ALL", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_DIRS", "NETRC",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "SSL_CLIENT_CERT", "UV_CACHE_DIR", "UV_CONFIG_FILE", "UV_DEFAULT_INDEX",
    "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_INDEX_STRATEGY", "UV_INSECURE_HOST", "UV_KEYRING_PROVIDER",
    "UV_HTTP_TIMEOUT", "UV_HTTP_RETRIES", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS", "UV_CONCURRENT_DOWNLOADS",
))  # fmt: skip
"""What uv keeps of the host's environment: where the index is and how to reach it, nothing that changes an answer."""


def host_index(environment: Mapping[str, str]) -> str:
    """The root of the simple index, ending in "/": what uv is set to, else pip, else the libraries' default."""
    named = next((environment[v] for v in _INDEX_VARIABLES if environment.get(v)), "")
    url = _address(named) or _from_uv(uv_files(environment)) or _from_pip(pip_files(environment)) or public_index()
    return _checked(url).rstrip("/") + "/"


def other_indexes(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The indexes that uv or pip is told of beside the default."""
    words = [word for name in _MORE_VARIABLES for word in environment.get(name, "").split()]
    return tuple(dict.fromkeys(_checked(_address(word)) for word in words))


def _checked(url: str) -> str:
    """The address of an index. Raises UserError for what is none, without repeating it: it may hold a password."""
    try:
        parts = urlsplit(url)
        host, port, good = parts.hostname, parts.port, parts.scheme in ("http", "https")
    except ValueError:
        host, port, good = None, None, False
    # a "/", "#" or "?" in a password ends the part of an address that it belongs to
    if not good or not host or port == 0 or "@" in parts.path + parts.query + parts.fragment:
        raise UserError(
            "the configured package index address can't be parsed",
            hint=f"{', '.join((*_INDEX_VARIABLES, *_MORE_VARIABLES))} and the configuration of uv and pip take "
            "https://HOST/simple/ or https://USER:PASSWORD@HOST/simple/; in a password write / as %2F, # as %23, "
            "? as %3F and @ as %40",
        )
    return url


def _address(word: str) -> str:
    """What uv takes is an address, or "name=address"."""
    name, equals, rest = word.partition("=")
    return rest if equals and "/" not in name else word


def certificates(environment: Mapping[str, str]) -> str | None:
    """The CA bundle the host names in any of the usual variables, or None for the libraries' own."""
    return next((environment[v] for v in _CERTIFICATE_VARIABLES if environment.get(v)), None)


def uv_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """A complete environment for the host's uv: the same index as `host_index`, never a downloaded Python."""
    kept = {k: v for k, v in environment.items() if k in _KEPT or k.lower().endswith("_proxy")}
    kept |= {k: v for k, v in environment.items() if k.startswith("UV_INDEX_") and k.endswith(("USERNAME", "PASSWORD"))}
    root = host_index(environment)
    if root != public_index() and not any(kept.get(v) for v in ("UV_DEFAULT_INDEX", "UV_INDEX_URL")):
        kept["UV_DEFAULT_INDEX"] = root
    if (bundle := certificates(environment)) is not None:
        kept.setdefault("SSL_CERT_FILE", bundle)
    return kept | {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "NO_COLOR": "1"}


def _home(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("HOME") or "/")


def _config_home(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("XDG_CONFIG_HOME") or _home(environment) / ".config")


def uv_files(environment: Mapping[str, str]) -> tuple[Path, ...]:
    if environment.get("UV_CONFIG_FILE"):
        return (Path(environment["UV_CONFIG_FILE"]),)
    return (_config_home(environment) / "uv" / "uv.toml", Path("/etc/uv/uv.toml"))


def pip_files(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """pip's configuration files, the deciding one first."""
    own = (Path(environment["PIP_CONFIG_FILE"]),) if environment.get("PIP_CONFIG_FILE") else ()
    home = _home(environment)
    return (*own, _config_home(environment) / "pip" / "pip.conf", home / ".pip" / "pip.conf", Path("/etc/pip.conf"))


def _from_uv(paths: Iterable[Path]) -> str:
    for path in paths:
        if not path.is_file():
            continue
        options = tomllib.loads(path.read_text(encoding="utf-8"))
        options |= options.get("pip", {})
        default = next((i.get("url") for i in options.get("index", ()) if i.get("default")), None)
        if url := default or options.get("index-url"):
            return str(url)
    return ""


def _from_pip(paths: Iterable[Path]) -> str:
    for path in paths:
        if not path.is_file():
            continue
        parser = configparser.RawConfigParser()
        parser.read_string(path.read_text(encoding="utf-8"))
        for section in ("install", "global"):
            if parser.has_option(section, "index-url"):
                return parser.get(section, "index-url").strip()
    return ""
