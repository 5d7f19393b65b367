"""Reads what glibc's loader writes with LD_DEBUG=libs,files: who asked for which library, where it was looked for.

Standard library only, CPython 3.6 to 3.14. The form is that of `man 8 ld.so` and was read off glibc 2.36; a line that
is not understood is passed over.
"""

import collections
import os
import re

ERROR = re.compile(r"^(?P<file>.+?): error: (?P<kind>[^:]+): (?P<text>.*) \((?:fatal|continued)\)$")
FILE = re.compile(
    r"^(?:file|find library|trying file|calling init)[=:] ?(?P<name>.*?)(?: \[\d+\])?(?:;\s*(?P<what>.*))?$"
)
ASKED = re.compile(r"^(?P<how>dynamically loaded by|needed by) (?P<by>.*?)(?: \[\d+\])?$")
PATHS = re.compile(r"^search path=(?P<paths>.*?)\t+\(.*\)$")
VARIANT = re.compile(r"^(?:glibc-hwcaps|x86-64-v\d|tls|haswell|xeon_phi|avx512_1|x86_64|i[3-6]86|sse2|nptl)$")
"""Subfolders for kinds of processors, which the loader adds to every folder that it was given."""


class Search:
    """One library that was asked for.

    `name` is a soname, or a path where it was asked for by path; `asked_by` the file that did, which `needs` it, or
    else opened it at run time and may live without; `places` are folders and the cache, in the order
    they were looked at; `tried` the files; `mapped` the file that was opened, "" where none was.
    """

    def __init__(self, name, asked_by, needs):
        self.name = name
        self.asked_by = asked_by
        self.needs = needs
        self.places = []
        self.tried = []
        self.mapped = ""


Trace = collections.namedtuple("Trace", "searches started errors")
"""`searches` [Search] in order; `started` the files whose code was run; `errors` {file: the loader's words}."""


def parse(lines):
    """What the lines of one process's trace say, as a `Trace`."""
    reader = _Reader()
    for line in lines:
        reader.line(line.split(":", 1)[-1].strip())
    return Trace(reader.searches, reader.started, reader.errors)


def folders(paths):
    """The folders of a "search path=" line, without the loader's own variants of each for kinds of processors.

    An empty one, as a stray colon in LD_LIBRARY_PATH makes it, is the current folder: ".".
    """
    given = paths.split(":")
    return [path or "." for path in given if not _is_variant(path, given)]


def _is_variant(path, given):
    while VARIANT.match(os.path.basename(path)):
        path = os.path.dirname(path)
        if path in given:
            return True
    return False


class _Reader:
    """Goes through a trace line by line; what a line means depends on the search that it follows."""

    def __init__(self):
        self.searches = []
        self.started = set()
        self.errors = {}
        self.asked_by = {}
        self.open = None

    def line(self, text):
        if text.startswith("search path="):
            self._places(text)
        elif text.startswith("search cache=") and self.open:
            self._place(text.split("=", 1)[1])
        elif ": error: " in text:
            self._error(text)
        else:
            self._file(text)

    def _file(self, text):
        found = FILE.match(text)
        if not found:
            return
        name, what = found.group("name"), found.group("what") or ""
        if text.startswith("find library="):
            self._begin(name)
        elif text.startswith("trying file=") and self.open:
            self.open.tried.append(name)
        elif text.startswith("calling init:"):
            self.started.add(name)
        elif text.startswith("file="):
            self._event(name, what)

    def _event(self, name, what):
        """A "file=" line: somebody asks for it, or it was found and is being mapped."""
        asked = ASKED.match(what)
        if asked:
            self.asked_by[name] = asked.group("by"), asked.group("how") == "needed by"
            if "/" in name:
                self._begin(name)
                self.open.tried.append(name)
        elif what == "generating link map" and self.open and self.open.name == name and self.open.tried:
            self.open.mapped = self.open.tried[-1]

    def _begin(self, name):
        self.open = Search(name, *self.asked_by.get(name, ("", False)))
        self.searches.append(self.open)

    def _places(self, text):
        found = PATHS.match(text)
        if found and self.open:
            for folder in folders(found.group("paths")):
                self._place(folder)

    def _place(self, place):
        if place not in self.open.places:
            self.open.places.append(place)

    def _error(self, text):
        found = ERROR.match(text)
        if found:
            self.errors.setdefault(found.group("file"), found.group("text"))
