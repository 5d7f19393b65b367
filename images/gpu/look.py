"""Looks into the environment of the Python that runs it: does TensorFlow find its GPU libraries, and if not, why not?

    python look.py REQUEST.json

REQUEST: {"stand_in": path of the compiled stand_in.c, or "" for the machine's own driver; "folders": [further folders
in which libraries may lie, beside those that everybody has]; "seconds": for everything together; "fixes",
"oldest_driver", "kernels": whether to go into these; "work": a folder to write in}.

Prints one line of JSON, the last on stdout: the fields of orchestrator.model.cuda.Sighting. What it could not do within
its time is said in `trouble`. Ends with 0 whatever it saw, with 2 for a request it can't read. Standard library only,
CPython 3.6 to 3.14.
"""

import collections
import json
import os
import platform
import sys

import bounded
import built
import drivers
import fatbin
import fixes
import libraries
import owners
import places
import search

DEFAULTS = {
    "stand_in": "",
    "folders": [],
    "seconds": 120,
    "fixes": True,
    "oldest_driver": True,
    "kernels": True,
    "work": "",
}


def main(arguments):
    """Reads the request, looks, prints. Returns the exit status."""
    try:
        request = read_request(arguments[0])
    except (IndexError, OSError, ValueError, TypeError) as error:
        print("usage: python look.py REQUEST.json (%s)" % error, file=sys.stderr)
        return 2
    print(json.dumps(look(request)))
    return 0


def read_request(path):
    """The request with its defaults. Raises ValueError for what is not one, with the key."""
    with open(path) as file:
        given = json.load(file)
    if not isinstance(given, dict):
        raise ValueError("the request is no object")
    for key, value in given.items():
        if key not in DEFAULTS:
            raise ValueError("unknown key %r" % key)
        if not isinstance(value, (int, float) if key == "seconds" else type(DEFAULTS[key])):
            raise ValueError("%r should be like %r and is %r" % (key, DEFAULTS[key], value))
    request = dict(DEFAULTS, **given)
    if not os.path.isdir(request["work"]):
        raise ValueError("'work' is no folder: %r" % request["work"])
    if request["stand_in"] and not os.path.isfile(request["stand_in"]):
        raise ValueError("'stand_in' is no file: %r" % request["stand_in"])
    return request


def look(request):
    """Everything there is to see, as the fields of a Sighting."""
    deadline = bounded.Deadline(request["seconds"])
    terms = search.Terms(request["stand_in"], request["work"], deadline)
    environment = libraries.Environment(places.folders(request["folders"]), owners.Owners(places.sites()))
    package = built.package_folder()
    owner = environment.owners.of(os.path.join(package, "__init__.py")) if package else None
    answer = search.search(terms)
    asked = libraries.libraries(terms, answer, environment)
    kernels = fatbin.sets_below(package, deadline) if request["kernels"] and package else collections.Counter()
    seen = {
        "built": built.built(package, owner, answer),
        "python": platform.python_version(),
        "driver": "stand-in" if request["stand_in"] else "host",
        "registered": answer.registered,
        "libraries": asked,
        "kernels": fatbin.in_order({name for names in kernels for name in names}),
        "kernel_sets": fatbin.counted(kernels),
        "tools": places.tools(),
        "said": answer.said,
        "oldest_driver": oldest_driver(request, terms, asked),
        "fixes": tried(request, terms, environment, answer, asked),
    }
    seen["trouble"] = "; ".join(troubles(request, answer, asked, deadline))
    return seen


def tried(request, terms, environment, answer, asked):
    """What was tried where TensorFlow answered, registered nothing and libraries are missing; [] elsewhere."""
    missing = libraries.missing(asked)
    if not request["fixes"] or answer.registered in ("registered", "unknown") or not missing:
        return []
    return fixes.Tries(terms, environment).all(missing)


def oldest_driver(request, terms, asked):
    """The CUDA version of the oldest driver that this environment's CUDA runtime accepts, "" where there is none."""
    runtimes = [one for one in asked if one["soname"].startswith("libcudart.")]
    files = [path for one in runtimes for path in [one["path"]] + one["elsewhere"] if path]
    if not request["oldest_driver"] or not request["stand_in"] or not files:
        return ""
    return drivers.text(drivers.oldest(drivers.accepting(terms, files[0])))


def troubles(request, answer, asked, deadline):
    """What makes this look worth less, or explains it, and is said nowhere else."""
    if answer.trouble:
        yield answer.trouble
    if answer.registered != "unknown" and not answer.trace.searches:
        yield "the loader left no trace: nothing is known of single libraries"
    drivers_seen = [one for one in asked if one["soname"] == search.DRIVER and one["loading"] == libraries.LOADED]
    if request["stand_in"] and any(one["package"] != "stand-in" for one in drivers_seen):
        yield "another driver than the stand-in answered: %s" % drivers_seen[0]["path"]
    if search.HIDES in os.environ:
        yield "%s is %r in this environment, which may hide GPUs" % (search.HIDES, os.environ[search.HIDES])
    if deadline.passed():
        yield "the time was up before everything was looked at"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
