"""Asks a CUDA runtime library how many devices there are, and prints its answer: a process of its own.

    python ask_runtime.py LIBCUDART

Prints the number of its cudaError, 35 where the driver is too old for it (cudaErrorInsufficientDriver in the CUDA
Runtime API reference). A question, not an operation: nothing is allocated or launched. Standard library only, CPython
3.6 to 3.14.
"""

import ctypes
import os
import sys


def main(path):
    count = ctypes.c_int()
    print("cudaError %d" % ctypes.CDLL(path).cudaGetDeviceCount(ctypes.byref(count)))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
