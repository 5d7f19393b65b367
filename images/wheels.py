"""What a wheel holds, and where each file of it goes. Standard library only, CPython 3.6 and later.

A wheel is foreign data: one that would write outside its environment, or is no wheel, raises Unfit, which says why.
Follows PyPA's specifications: binary distribution format, entry points, recording installed projects.
"""

import base64
import configparser
import csv
import hashlib
import io
import os
import re
import stat
import sys
import zipfile
import zlib

MOST_FILES = 200000
MOST_TEXT = 64 * 1024**2
"""Bytes that a text below .dist-info, or a script, may have."""
INSTALLER = b"compat-matrix\n"
_FILENAME = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)(-\d[^-]*)?-[^-]+-[^-]+-[^-]+\.whl")
_ENTRY = re.compile(r"(?P<module>[\w.]+)\s*:\s*(?P<attribute>[\w.]+)\s*(\[.*\])?")
_COMMAND = re.compile(r"[^\s/\\=\[\0][^/\\\r\n\0]{0,199}")
_SCRIPT = """#!%s
# -*- coding: utf-8 -*-
import sys
from %s import %s
if __name__ == "__main__":
    sys.exit(%s())
"""


class Unfit(Exception):
    """A wheel that can't be installed, by its own fault."""


class Wheel(object):
    """A wheel that is to be installed into `environment`.

    `files` are (member of the archive, absolute path of the file it becomes).
    """

    def __init__(self, path, environment):
        self.path = path
        self.name = os.path.basename(path)
        self.environment = environment
        self.site = site_packages(environment)
        match = _FILENAME.fullmatch(self.name)
        if not match:
            raise Unfit("%s is no name of a wheel" % self.name)
        self.project, self.version = match.group("name"), match.group("version")
        try:
            with zipfile.ZipFile(path) as archive:
                self._read(archive)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError, ValueError) as error:
            raise Unfit("%s can't be read: %s" % (self.name, error)) from error

    def _read(self, archive):
        members = archive.infolist()
        if len(members) > MOST_FILES:
            raise Unfit("%s has %d files, more than %d" % (self.name, len(members), MOST_FILES))
        size = os.path.getsize(self.path)
        for member in members:
            wrong = _wrong(member)
            if not 0 <= member.header_offset < size or not 0 <= member.compress_size <= size - member.header_offset:
                wrong = "is not in the archive"
            if wrong:
                raise Unfit("%s: %s %s" % (self.name, ascii(member.filename[:200]), wrong))
        known = {m.filename: m for m in members if not m.filename.endswith("/")}
        self.info = self._dist_info({name.split("/")[0] for name in known})

        def text(name):
            member = known.get("%s/%s" % (self.info, name))
            return "" if member is None else self._content(archive, member).decode("utf-8", "replace")

        own = "%s/RECORD" % self.info
        for name in ("INSTALLER", "RECORD", "REQUESTED"):
            if any(entry.startswith("%s/%s/" % (self.info, name)) for entry in known):
                raise Unfit("%s: its %s is a folder" % (self.name, name))
        if not text("WHEEL").lstrip().startswith("Wheel-Version: 1.") or own not in known:
            raise Unfit("%s is no wheel of version 1" % self.name)
        self.rows = _rows(text("RECORD"))
        self.commands = _commands(text("entry_points.txt"), self.name)
        self.files = [(m, self._place(name)) for name, m in known.items() if name != own]
        scripts = self.info[: -len(".dist-info")] + ".data/scripts/"
        self.scripts = {m.filename: self._content(archive, m) for m, _ in self.files if m.filename.startswith(scripts)}

    def _content(self, archive, member):
        if member.file_size > MOST_TEXT:
            raise Unfit("%s: %s has %d bytes" % (self.name, ascii(member.filename), member.file_size))
        return archive.read(member)

    def _dist_info(self, tops):
        """The one .dist-info folder, which is named as the wheel is."""
        found = sorted(top for top in tops if top.endswith(".dist-info"))
        if len(found) != 1:
            raise Unfit("%s has %d .dist-info folders" % (self.name, len(found)))
        name, _, version = found[0][: -len(".dist-info")].rpartition("-")
        if (_normal(name), version.lower()) != (_normal(self.project), self.version.lower()):
            raise Unfit("%s calls itself %s" % (self.name, ascii(found[0])))
        return found[0]

    def _place(self, name):
        """Where a member goes, by the install scheme of a virtual environment."""
        top, _, rest = name.partition("/")
        if top != self.info[: -len(".dist-info")] + ".data":
            return os.path.join(self.site, name)
        key, _, rest = rest.partition("/")
        headers = "include/site/python%d.%d/%s" % (*sys.version_info[:2], self.project)
        scheme = {"purelib": self.site, "platlib": self.site, "scripts": "bin", "headers": headers, "data": ""}
        if key not in scheme or not rest:
            raise Unfit("%s: %s is in no install scheme" % (self.name, ascii(name)))
        return os.path.join(self.environment, scheme[key], rest)

    def finish(self):
        """Writes what installing adds: scripts that start the environment's interpreter, and the record of it all."""
        interpreter = os.path.join(self.environment, "bin", "python")
        places = {member.filename: place for member, place in self.files}
        rows = [(place, *self.rows.get(name, ("", ""))) for name, place in places.items()]
        made = {}
        for name, content in self.scripts.items():
            if content.startswith(b"#!python"):
                first, _, rest = content.partition(b"\n")
                made[places[name]] = b"#!" + interpreter.encode() + first[len(b"#!python") :] + b"\n" + rest
            os.chmod(places[name], 0o755)
        for command, (module, attribute) in self.commands.items():
            script = _SCRIPT % (interpreter, module, attribute.split(".")[0], attribute)
            made[os.path.join(self.environment, "bin", command)] = script.encode()
        for place, content in made.items():
            write(place, content, 0o755)
        folder = os.path.join(self.site, self.info)
        for name, content in (("INSTALLER", INSTALLER), ("REQUESTED", b"")):
            made[os.path.join(folder, name)] = content
            write(os.path.join(folder, name), content, 0o644)
        rows = [row for row in rows if row[0] not in made]
        rows += [(place, _hash(content), str(len(content))) for place, content in made.items()]
        record = io.StringIO()
        lines = [(os.path.relpath(place, self.site), *said) for place, *said in rows]
        csv.writer(record, lineterminator="\n").writerows([*sorted(lines), ("%s/RECORD" % self.info, "", "")])
        write(os.path.join(folder, "RECORD"), record.getvalue().encode("utf-8"), 0o644)


def site_packages(environment):
    """Where an environment of this interpreter's version has its packages."""
    return os.path.join(environment, "lib", "python%d.%d" % sys.version_info[:2], "site-packages")


def write(path, content, mode):
    """Writes a small file, and the folder it is in."""
    try:
        file = anew(path, mode)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        file = anew(path, mode)
    with file:
        file.write(content)


def anew(path, mode):
    """A new file, open for writing: never through a link, never into a file that is there."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        return open(os.open(path, flags, mode), "wb")
    except FileExistsError:
        os.unlink(path)
        return open(os.open(path, flags, mode), "wb")


def _wrong(member):
    """Why a member can't be a wheel's, by its name or its kind; "" for one that can."""
    name = member.filename
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is neither a file nor a folder"
    if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is encrypted, or compressed in a way that wheels are not"
    parts = name.rstrip("/").split("/")
    if name.startswith("/") or "\\" in name or any(part in ("", ".", "..") for part in parts):
        return "leads out of it"
    if any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in member.orig_filename):
        return "is no name for a file"
    if len(name) > 1000 or any(len(part.encode("utf-8")) > 255 for part in parts):
        return "is too long a name"
    return ""


def _rows(text):
    """Member → (hash, size) as RECORD has them; what is malformed is left out."""
    try:
        rows = list(csv.reader(io.StringIO(text)))
    except csv.Error:
        return {}
    return {row[0]: (row[1], row[2]) for row in rows if len(row) == 3}


def _commands(text, wheel):
    """Command → (module, attribute) of the console and GUI scripts."""
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    parser.optionxform = str
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise Unfit("%s: its entry points can't be read: %s" % (wheel, ascii(str(error)))) from error
    found = {}
    for section in ("console_scripts", "gui_scripts"):
        for command, target in parser.items(section) if parser.has_section(section) else ():
            match = _ENTRY.fullmatch(target or "")
            if not _COMMAND.fullmatch(command) or command in (".", "..") or not match:
                raise Unfit("%s: %s is no entry point" % (wheel, ascii("%s = %s" % (command, target))))
            found[command] = (match.group("module"), match.group("attribute"))
    return found


def _normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def _hash(content):
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
