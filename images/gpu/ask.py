"""Imports TensorFlow, asks it for GPUs, and writes what it answered: run as a process of its own by `search.py`.

    python ask.py ANSWER.json

No operation is ever run: under the stand-in driver there is nothing that could carry one out. Standard library and the
TensorFlow that is asked, CPython 3.6 to 3.14.
"""

import json
import os
import sys


def main(path):
    """Writes the answer so far after every step, for the next step may end the process."""
    leave_own_folder()
    answer = {}
    try:
        import tensorflow

        answer["release"] = getattr(tensorflow, "__version__", "")
        answer["build"] = build_info(tensorflow)
        write(path, answer)
        answer["devices"] = [device.name for device in listing(tensorflow)("GPU")]
    except BaseException as error:  # whatever it raises, SystemExit too, is its answer
        answer["error"] = "%s: %s" % (type(error).__name__, error)
    answer["mapped"] = mapped()
    write(path, answer)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # what its destructors do is not asked


def leave_own_folder():
    """Takes this file's folder off the path: TensorFlow must see the environment's modules, not the audit's."""
    own = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder or os.curdir) != own]


def listing(tensorflow):
    """The function that lists physical devices: experimental before TensorFlow 2.1."""
    config = tensorflow.config
    return getattr(config, "list_physical_devices", None) or config.experimental.list_physical_devices


def build_info(tensorflow):
    """What `tf.sysconfig.get_build_info()` says (since 2.3), as plain text; empty where it is absent."""
    told = getattr(tensorflow.sysconfig, "get_build_info", dict)()
    return {str(key): value if isinstance(value, (str, bool)) else str(value) for key, value in told.items()}


def mapped():
    """Shared objects that are in this process's memory now: real paths."""
    with open("/proc/self/maps") as lines:
        files = {line.split(None, 5)[5].strip() for line in lines if line.count("/") and ".so" in line}
    return sorted(files)


def write(path, answer):
    """Writes the answer whole or not at all."""
    with open(path + ".part", "w") as file:
        json.dump(answer, file)
    os.rename(path + ".part", path)


if __name__ == "__main__":
    main(sys.argv[1])
