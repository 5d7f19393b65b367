"""Runs one probe by hand, without limits and with an ordinary traceback, and prints what it returns.

    python -B alone.py PROBE FOLDER [FOLDER...]

The folders are suites. Their files are put beside each other in a new folder, as they are in a container.

Standard library only, CPython 3.6 to 3.14.
"""

import ast
import os
import shutil
import sys
import tempfile
import traceback

_HERE = os.path.dirname(os.path.abspath(__file__))


def _rooms(folder):
    """A suite's folder and those in it that may hold probe files."""
    inside = [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if not name.startswith((".", "__"))]
    return [folder] + [path for path in inside if os.path.isdir(path)]


def _reads(path):
    """Data files that a probe file names in `READS`."""
    with open(path, "rb") as file:
        tree = ast.parse(file.read(), path)
    named = [n.value for n in tree.body if isinstance(n, ast.Assign) and getattr(n.targets[0], "id", "") == "READS"]
    return [name for value in named for name in ast.literal_eval(value)]


def gather(folders, flat):
    """Copies what the suites in `folders` and the harness consist of into the folder `flat`."""
    for room in [_HERE] + [room for folder in folders for room in _rooms(folder)]:
        for name in [name for name in os.listdir(room) if name.endswith(".py")]:
            shutil.copy(os.path.join(room, name), flat)
            for data in _reads(os.path.join(room, name)):
                os.makedirs(os.path.dirname(os.path.join(flat, data)), exist_ok=True)
                shutil.copy(os.path.join(room, data), os.path.join(flat, data))


def main(arguments):
    if len(arguments) < 2:
        sys.stderr.write(__doc__)
        return 2
    flat = tempfile.mkdtemp()
    try:
        gather(arguments[1:], flat)
        sys.path[:] = [flat] + [path for path in sys.path if os.path.abspath(path or ".") != _HERE]
        import catalogue
        import harness

        wrong = catalogue.load(flat)
        if arguments[0] not in harness.REGISTRY:
            sys.stderr.write("".join(wrong[name] for name in sorted(wrong)))
            sys.stderr.write("no probe is called %s\n" % arguments[0])
            return 2
        print(harness.call(harness.REGISTRY[arguments[0]]))
        return 0
    except Exception:
        traceback.print_exc()  # while the files are there, so that it shows their lines
        return 1
    finally:
        shutil.rmtree(flat, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
