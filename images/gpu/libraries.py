"""Makes of a search what is known about each library: loaded, not found or refused, and why; versions; symbols.

Standard library only, CPython 3.6 to 3.14.
"""

import json
import os
import re
import sys

import bounded
import elf
import places

HERE = os.path.dirname(os.path.abspath(__file__))
LOADED, NOT_FOUND, REFUSED = "loaded", "not found", "refused"
DLERROR = re.compile(r"Could not load dynamic library '(?P<soname>[^']+)'; dlerror: (?P<words>[^;]+)")
"""TensorFlow's own words up to 2.14; later ones do not name the library."""


class Environment:
    """What is on disk: folders in which libraries may lie, who owns a file, and each file's ELF object, read once."""

    def __init__(self, folders, owners):
        self.folders = folders
        self.owners = owners
        self.objects = {}

    def object(self, path):
        """The `elf.Object` at a path, or the words on why there is none."""
        real = os.path.realpath(path)
        if real not in self.objects:
            try:
                self.objects[real] = elf.read(real)
            except (elf.Damaged, OSError) as error:
                self.objects[real] = str(error)
        return self.objects[real]

    def elsewhere(self, soname):
        return places.files_of(soname, self.folders)


def libraries(terms, answer, environment):
    """[dict], one per library of CUDA's that was asked for, in the order asked; the fields of model.cuda.Library."""
    found = {}
    for search in answer.trace.searches:
        name = os.path.basename(search.name)
        if places.is_ours(name):
            one = _sort(search, answer)
            if name not in found or (found[name]["loading"] != LOADED and one["loading"] == LOADED):
                found[name] = one
    asked = list(found.values())
    for one in asked:
        _complete(one, environment, terms.driver_folder)
    _give_reasons(terms, answer, environment, asked)
    for one in asked:
        one["unresolved"] = _unresolved(one, answer, environment)
    return asked


def missing(asked):
    """Sonames without which no device is registered, that did not load, in order."""
    return [one["soname"] for one in asked if one["loading"] != LOADED and not one["optional"]]


def _sort(search, answer):
    """The fields that the search itself tells."""
    there = [path for path in search.tried if os.path.isfile(path)]
    path = search.mapped or (there[0] if there else "")
    loading = REFUSED if path else NOT_FOUND
    if search.mapped and is_loaded(search.mapped, answer):
        loading = LOADED
    return {
        "soname": os.path.basename(search.name),
        "loading": loading,
        "asked_by": _tidy(search.asked_by),
        "optional": _is_optional(search),
        "searched": list(dict.fromkeys(_tidy(place) for place in search.places)),
        "path": _tidy(path),
        "why": "",
    }


def _is_optional(search):
    """Whether nobody must have it: by its name, or because another library of CUDA's only looks whether it is there."""
    if not places.is_needed(os.path.basename(search.name)):
        return True
    return places.is_ours(search.asked_by) and not search.needs


def _tidy(path):
    """A path without its "..", where that is the same place."""
    short = os.path.normpath(path) if path else ""
    return short if os.path.realpath(short) == os.path.realpath(path) else path


def is_loaded(path, answer):
    """Whether a file was taken: its code was started, or it is in memory at the end."""
    return path in answer.trace.started or os.path.realpath(path) in answer.mapped


def _complete(one, environment, driver_folder):
    """Adds what the files tell: version, package, and files of that name that the search did not reach."""
    one["searched"] = [place for place in one["searched"] if place != driver_folder]
    taken = os.path.realpath(one["path"]) if one["path"] else ""
    others = [path for path in environment.elsewhere(one["soname"]) if os.path.realpath(path) != taken]
    one["elsewhere"] = others if one["loading"] != LOADED else []
    one["version"], one["package"] = environment.owners.describe(one["path"]) if one["path"] else ("", "")
    if driver_folder and os.path.dirname(one["path"]) == driver_folder:
        one["package"], one["version"] = "stand-in", ""


def _give_reasons(terms, answer, environment, asked):
    """Fills in `why`: the loader's words on what it refused, and what is wrong with a file, even one that loads."""
    refused = [one for one in asked if one["loading"] == REFUSED]
    words = _words_of_tensorflow(answer.said)
    errors = {_tidy(path): text for path, text in answer.trace.errors.items()}
    loaded = [search.mapped for search in answer.trace.searches if search.mapped and is_loaded(search.mapped, answer)]
    before = [path for path in loaded if places.is_ours(path)]
    for one in asked:
        if one["loading"] == LOADED and isinstance(environment.object(one["path"]), str):
            one["why"] = environment.object(one["path"])
    for one in refused:
        said = words.get(one["soname"]) or errors.get(one["path"])
        said = said or load(terms, before, one["path"]) or _died(answer)
        read = environment.object(one["path"])
        damage = read if isinstance(read, str) else _foreign(read)
        one["why"] = "; ".join(part for part in (said, damage) if part)


def _words_of_tensorflow(said):
    found = (DLERROR.search(line) for line in said)
    return {match.group("soname"): match.group("words").strip() for match in found if match}


def _died(answer):
    return "the process ended while it was loaded" if answer.registered == "crashed" else ""


def _foreign(read):
    """What makes an intact object one for another machine, "" where it is for this one."""
    own = elf.read(os.path.realpath(sys.executable))
    if (read.bits, read.machine) == (own.bits, own.machine):
        return ""
    return "it is made for %s, %d bit; this Python is %s, %d bit" % (read.machine, read.bits, own.machine, own.bits)


def load(terms, before, path):
    """The loader's words on a file, loaded after those `before` it; "" for one that loads or can't be tried."""
    log = os.path.join(terms.work, "try-load.log")
    command = [sys.executable, os.path.join(HERE, "try_load.py"), *before, path]
    ended = bounded.run(command, terms.environment(), log, terms.deadline)
    last = None
    for line in ended.output.splitlines():
        try:
            tried, words = json.loads(line)
        except ValueError:  # a line that a library itself printed
            continue
        last = words if tried == path else last
    if last is None and not ended.timed_out:
        return "loading it ends the process with %s" % bounded.describe(ended.code)
    return last or ""


def _unresolved(one, answer, environment):
    """Symbols that no file it loads defines, by reading the ELF files; [] where one of those files is not there."""
    path = one["path"] or next(iter(one["elsewhere"]), "")
    read = environment.object(path) if path else ""
    if isinstance(read, str):
        return []
    scope = closure(read, answer, environment)
    interpreter = environment.object(sys.executable)
    base = closure(interpreter, answer, environment) if not isinstance(interpreter, str) else None
    return elf.lacking(read, scope + (base or [])) if scope is not None else []


def closure(read, answer, environment):
    """The object and everything it needs, directly or not; None where something of it is nowhere or unreadable."""
    mapped = {os.path.basename(path): path for path in answer.mapped}
    mapped.update((search.name, search.mapped) for search in answer.trace.searches if search.mapped)
    found, waiting, seen = [], [read], set()
    while waiting:
        one = waiting.pop(0)
        found.append(one)
        for soname in one.needed:
            if soname in seen:
                continue
            seen.add(soname)
            path = mapped.get(soname) or next(iter(environment.elsewhere(soname)), "")
            needed = environment.object(path) if path else ""
            if isinstance(needed, str):
                return None
            waiting.append(needed)
    return found
