"""Directories of processes of probes: held by descriptors, so that what becomes of their names leads nobody astray.

Standard library only, CPython 3.6 to 3.14.
"""

import binascii
import os
import stat

import processes
import results


class Place(object):
    """A new directory of a process's own, with the named pipe `output` that takes what is printed, and further `pipes`.

    All are open for reading and writing, so that neither end waits for the other, or reads as closed.
    """

    def __init__(self, path, pipes=()):
        os.mkdir(path, 0o700)
        self.path = path
        self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        self.pipes = {}
        try:
            for name in ("output",) + tuple(pipes):
                self.pipes[name] = _pipe(name, self.fd)
        except OSError:
            for fd in [self.fd] + list(self.pipes.values()):
                os.close(fd)
            raise
        self.output = processes.Output(self.pipes["output"])

    def read(self, name, limit, folder="", end=False):
        """As `results.read`, in this directory or a folder of it, wherever that is by now and whatever its mode."""
        os.chmod(self.fd, 0o700)
        if not folder:
            return results.read(name, self.fd, limit, end)
        inside = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.fd)
        try:
            return results.read(name, inside, limit, end)
        finally:
            os.close(inside)

    def close(self, beat):
        """Removes the directory with what is in it. Returns the end of what was printed."""
        printed = self.output.close()
        os.close(self.fd)
        remove(self.path, beat)
        return printed


def _pipe(name, directory):
    """A descriptor of a new named pipe. Raises OSError, also where it is something else by the time it is opened."""
    os.mkfifo(name, 0o600, dir_fd=directory)
    flags = os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
    fd = os.open(name, flags, dir_fd=directory)
    if not stat.S_ISFIFO(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError("%s was replaced" % name)
    return fd


def remove(path, beat):
    """Removes a directory and all below it, as far as that can be done, calling `beat` now and then.

    What lies deep is lifted up first: no path gets long, and nothing here calls itself.
    """
    mark, count = binascii.hexlify(os.urandom(8)).decode("ascii"), 0
    waiting = [path] if _is_directory(path) else []
    while waiting:
        directory = waiting.pop()
        _quietly(os.chmod, directory, 0o700)
        for entry in _entries(directory):
            count += 1
            if count % 256 == 0:
                beat()
            if not _is_directory(entry):
                _quietly(os.unlink, entry)
            elif not _quietly(os.rmdir, entry):
                _quietly(os.chmod, entry, 0o700)  # a directory moves only where it may be written
                lifted = os.path.join(path, "%s-%d" % (mark, count))
                waiting.append(lifted if directory != path and _quietly(os.rename, entry, lifted) else entry)
        if directory != path:
            _quietly(os.rmdir, directory)
    if not _quietly(os.rmdir, path):
        _quietly(os.unlink, path)


def _entries(directory):
    """The paths in a directory, one by one: there may be millions."""
    try:
        with os.scandir(directory) as found:
            for entry in found:
                yield entry.path
    except OSError:
        return


def _is_directory(path):
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _quietly(do, *arguments):
    try:
        do(*arguments)
    except OSError:
        return False
    return True
