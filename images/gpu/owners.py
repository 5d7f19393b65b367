"""Which distribution or package a file came with, and which version that makes it.

Standard library only, CPython 3.6 to 3.14. Read are RECORD files of installed wheels (the core packaging standard
"Recording installed projects"), conda's conda-meta/*.json, and dpkg's lists.
"""

import collections
import glob
import json
import os
import re
import sys

Owner = collections.namedtuple("Owner", "name version")

DPKG = "/var/lib/dpkg"
DPKG_LISTS = re.compile(r"^(?:lib)?(?:cu|nv|nccl|tensorrt)")


class Owners:
    """Owners of the files below `sites` and of the system's. Reads each source once, when it is first asked for."""

    def __init__(self, sites, prefix=sys.prefix, dpkg=DPKG):
        self.sites = sites
        self.prefix = prefix
        self.dpkg = dpkg
        self.known = None

    def of(self, path):
        """The `Owner` of a file, None where nobody lists it."""
        if self.known is None:
            self.known = dict(self._dpkg())
            self.known.update(self._conda())
            self.known.update(self._wheels())
        for name in (os.path.abspath(path), os.path.realpath(path)):
            if _key(name) in self.known:
                return self.known[_key(name)]
        return None

    def describe(self, path):
        """(version, package) of a library: ("12.3.4.1", "nvidia-cublas-cu12 12.3.4.1"); "" for what can't be said.

        Without an owner the version is the one in the real file's name: libcudnn.so.8.9.7.
        """
        owner = self.of(path)
        if owner is not None:
            return owner.version, "%s %s" % owner
        found = re.search(r"\.so\.(\d+(?:\.\d+)+)$", os.path.realpath(path))
        return (found.group(1) if found else ""), ""

    def _wheels(self):
        for place in self.sites:
            for record in glob.glob(os.path.join(glob.escape(place), "*.dist-info", "RECORD")):
                owner = _of_wheel(os.path.dirname(record))
                for line in _lines(record):
                    path = line.split(",", 1)[0].strip('"')
                    if ".so" in path or path.endswith("tensorflow/__init__.py"):
                        yield _key(os.path.normpath(os.path.join(place, path))), owner

    def _conda(self):
        for meta in glob.glob(os.path.join(glob.escape(self.prefix), "conda-meta", "*.json")):
            try:
                with open(meta) as file:
                    told = json.load(file)
            except (OSError, ValueError):  # another program's file; without it the owner is not known
                continue
            owner = Owner(told.get("name", ""), told.get("version", ""))
            for path in told.get("files", ()):
                if ".so" in path:
                    yield _key(os.path.join(self.prefix, path)), owner

    def _dpkg(self):
        versions = None
        for path in sorted(glob.glob(os.path.join(self.dpkg, "info", "*.list"))):
            package = os.path.basename(path)[: -len(".list")].split(":")[0]
            if not DPKG_LISTS.match(package):
                continue
            versions = _dpkg_versions(os.path.join(self.dpkg, "status")) if versions is None else versions
            for line in _lines(path):
                if ".so" in line:
                    yield _key(line), Owner(package, versions.get(package, ""))


def _key(path):
    """A file by its folder's real place and its own name: a link is a file of its own, a linked folder is not."""
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def _of_wheel(folder):
    """The distribution of a .dist-info folder, by its METADATA, else by the folder's name."""
    told = {}
    for line in _lines(os.path.join(folder, "METADATA")):
        if not line:
            break
        key, _, value = line.partition(": ")
        told.setdefault(key, value)
    named = os.path.basename(folder)[: -len(".dist-info")].rsplit("-", 1)
    return Owner(told.get("Name") or named[0].replace("_", "-"), told.get("Version") or named[-1])


def _dpkg_versions(path):
    found, package = {}, ""
    for line in _lines(path):
        if line.startswith("Package: "):
            package = line[9:]
        elif line.startswith("Version: "):
            found[package] = line[9:]
    return found


def _lines(path):
    """The lines of a text file; none where it can't be read."""
    try:
        with open(path, errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []
