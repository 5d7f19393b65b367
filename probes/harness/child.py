"""The process that runs probes, or forks those that do: the environment's interpreter with all that it has installed.

    python child.py DIR    started by the supervisor only; what it is to do comes through the pipe DIR/requests

Standard library only, CPython 3.6 to 3.14.
"""

import _frozen_importlib
import _frozen_importlib_external
import sys

_HERE = __file__.rpartition("/")[0]
_OURS = ("harness", "events", "processes", "warm")
"""What a process of a probe needs of the harness, each after those it imports."""


def _load(name):
    """A module of this directory, whatever a start-up file of a package has put in its place or in the way."""
    spec = _frozen_importlib_external.spec_from_file_location(name, "%s/%s.py" % (_HERE, name))
    module = sys.modules[name] = _frozen_importlib.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(directory):
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    if _HERE not in sys.path:
        sys.path.insert(0, _HERE)
    own = _load("own")
    # What a package's start-up file imported under the name of a probe file is not that file.
    for name in own.names(_HERE):
        if name != "own.py" and name.endswith(".py"):
            sys.modules.pop(name[:-3], None)
    for name in _OURS:
        module = _load(name)
    sys.dont_write_bytecode = before
    module.main(directory)


if __name__ == "__main__":
    main(sys.argv[1])
