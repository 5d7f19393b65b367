"""Tries what may help where no device was registered: folders on the loader's path, links to another version.

Nothing in the environment is changed: folders are given to one process, links lie in the audit's own folder. Standard
library only, CPython 3.6 to 3.14.
"""

import os

import functions
import libraries
import places
import search

PATH, LINK = "path", "link"
ROUNDS = 4
"""How often a try may show further libraries missing, behind those it was made for."""


class Tries:
    """What was tried so far in one environment, and what is missing after it."""

    def __init__(self, terms, environment):
        self.terms = terms
        self.environment = environment
        self.folders = []
        self.links = []
        self.done = []

    def all(self, missing):
        """Tries until a device is registered or nothing more can be thought of. [dict], fields of model.cuda.Fix."""
        for _ in range(ROUNDS):
            fix = None if self.terms.deadline.passed() else self._next(missing)
            if fix is None:
                break
            self.done.append(fix)
            if fix["registered"] == "registered":
                break
            missing = fix["missing"]
        return self.done

    def _next(self, missing):
        """One further try: folders that hold what is missing, else links. None where neither is to be had."""
        folders = self._folders_of(missing)
        if folders:
            self.folders += folders
            return self._try(PATH)
        links = self._links_for(missing)
        if links:
            self.links += links
            return self._try(LINK)
        return None

    def _folders_of(self, missing):
        found = [os.path.dirname(path) for name in missing for path in self.environment.elsewhere(name)[:1]]
        return [folder for folder in _once(found) if folder not in self.folders]

    def _links_for(self, missing):
        """(name, target) for each missing library of which there is another version, its newest."""
        known = dict(self.links)
        found = []
        for name in missing:
            others = places.of_other_versions(name, self.environment.folders)
            if others and name not in known:
                found.append((name, others[0]))
        return found

    def _try(self, kind):
        """Lets TensorFlow search once more with everything so far."""
        fix = {"kind": kind, "folders": list(self.folders), "links": [list(link) for link in self.links]}
        answer = search.search(self.terms, folders_of(self.terms, fix))
        asked = libraries.libraries(self.terms, answer, self.environment)
        fix.update(registered=answer.registered, missing=libraries.missing(asked))
        return dict(fix, **self._compared(asked))

    def _compared(self, asked):
        """What TensorFlow would call in the libraries that were linked, and not find there."""
        asking = {one["soname"]: one["asked_by"] for one in asked}
        pairs = [functions.compare(asking.get(name, ""), name, target, self.environment) for name, target in self.links]
        lacking = sorted(name for _, some in pairs for name in some)
        return {"named": sum(count for count, _ in pairs), "lacking": lacking}


def folders_of(terms, fix):
    """The folders a process needs on the loader's path to have a fix: those it names, and one with its links."""
    if not fix["links"]:
        return fix["folders"]
    place = os.path.join(terms.work, "links")
    os.makedirs(place, exist_ok=True)
    for name, target in fix["links"]:
        if not os.path.lexists(os.path.join(place, name)):
            os.symlink(target, os.path.join(place, name))
    return [place] + fix["folders"]


def _once(items):
    return list(dict.fromkeys(items))
