"""Fetches one file of a simple index by its name and sha256; standard library only, CPython 3.6 and later.

    sdist.py fetch NAME FILENAME SHA256 FOLDER
    sdist.py answers NAME

Why not a package tool: pip and uv both run a source distribution's own code to "download" it, so that a failing
`setup.py` could not be told from a failing network. Exit status 1: not fetched, or not the bytes that were locked.
"""

import base64
import hashlib
import os
import ssl
import sys
import time
from html.parser import HTMLParser
from urllib.error import HTTPError
from urllib.parse import unquote, urldefrag, urljoin, urlsplit, urlunsplit
from urllib.request import Request, urlopen

INDEXES = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")


class Links(HTMLParser):
    """Collects the addresses a page links to."""

    def __init__(self):
        HTMLParser.__init__(self)
        self.found = []

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.found.extend(value for name, value in attrs if name == "href" and value)


def default_index():
    """The index that pip asks where nothing else is said."""
    from pip._internal.models.index import PyPI

    return PyPI.simple_url


def indexes():
    """Addresses of the simple indexes this host uses; the public one where it says nothing."""
    named = [
        part.split("=", 1)[-1] if part.split("://")[0].count("=") else part
        for name in INDEXES
        for part in os.environ.get(name, "").split()
    ]
    if not any(os.environ.get(name) for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")):
        named.append(default_index())
    return list(dict.fromkeys(url.rstrip("/") for url in named))


def read(url):
    """The bytes at an address and where they came from; credentials in the address are sent as a header."""
    parts = urlsplit(url)
    headers = {"User-Agent": "compat-matrix", "Accept": "text/html, */*;q=0.5"}
    if parts.username:
        login = "%s:%s" % (unquote(parts.username), unquote(parts.password or ""))
        headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
        host = parts.hostname + (":%d" % parts.port if parts.port else "")
        url = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
    context = ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE"))
    with urlopen(Request(url, headers=headers), timeout=60, context=context) as answer:
        return answer.read(), answer.geturl()


def patiently(url):
    """`read`, again after 1, 2 and 4 seconds where the network or the server failed."""
    for pause in (1, 2, 4):
        try:
            return read(url)
        except OSError as error:
            if isinstance(error, HTTPError) and error.code in (401, 403, 404):
                raise
            print("again after: %s" % error, flush=True)
            time.sleep(pause)
    return read(url)


def find(name, filename):
    """The address of a file, from the first index that lists it; raises LookupError."""
    trouble = []
    for index in indexes():
        try:
            page, address = patiently("%s/%s/" % (index, name))
        except OSError as error:
            trouble.append(str(error))
            continue
        links = Links()
        links.feed(page.decode("utf-8", "replace"))
        for link in links.found:
            url = urldefrag(urljoin(address, link))[0]
            if unquote(urlsplit(url).path.rsplit("/", 1)[-1]) == filename:
                return url
    raise LookupError("no index lists %s %s" % (filename, trouble or ""))


def fetch(name, filename, sha256, folder):
    """Writes folder/filename when its sha256 is the one given, else raises ValueError."""
    content = patiently(find(name, filename))[0]
    actual = hashlib.sha256(content).hexdigest()
    if actual != sha256:
        raise ValueError("%s has sha256 %s, locked was %s" % (filename, actual, sha256))
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, filename), "wb") as target:
        target.write(content)


def main(arguments):
    try:
        if arguments[0] == "fetch":
            fetch(*arguments[1:])
        else:
            for index in indexes():
                patiently("%s/%s/" % (index, arguments[1]))
    except (OSError, LookupError, ValueError) as error:
        print("sdist.py: %s" % error, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
