"""What is known of packages beyond what their metadata say: words of theirs that no code decides by.

It is a table in a module, not a key of a matrix: signatures are made of it, which are pure functions and must be equal
for every matrix, and a matrix is found by the digest of what it says. A package that is not here is only known less of.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Ecosystem:
    """What one package is known for.

    `sites` are hosts of its documentation, which its own messages name; `wraps` are patterns of what it puts before the
    message of an exception that it passes on, `appends` of what it puts behind; `variables` make its processes alike
    and quiet; `processor` are (flag, what needs it) of instructions without which its wheels don't run.
    """

    sites: tuple[str, ...] = ()
    wraps: tuple[str, ...] = ()
    appends: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    processor: tuple[tuple[str, str], ...] = ()


ECOSYSTEMS = {
    "keras": Ecosystem(
        sites=("keras.io",),
        # the layer's name in front and its arguments behind say nothing about the cause
        wraps=(r"^Exception encountered when calling .{1,120}?\)?\.\s+(?=\S)",),
        appends=(r"\s+(?:Call arguments|Arguments) received by .*$",),
    ),
    "numpy": Ecosystem(sites=("numpy.org",)),
    "pandas": Ecosystem(sites=("pandas.pydata.org",)),
    "protobuf": Ecosystem(sites=("developers.google.com",)),
    "scipy": Ecosystem(sites=("scipy.org",)),
    "tensorflow": Ecosystem(
        sites=("www.tensorflow.org", "tensorflow.org"),
        variables=(
            ("TF_CPP_MIN_LOG_LEVEL", "1"),
            ("TF_NUM_INTEROP_THREADS", "1"),
            ("TF_NUM_INTRAOP_THREADS", "1"),
        ),
        # its release notes; AVX2 and FMA are used where they are there
        processor=(("avx", "TensorFlow's wheels need since 1.6"),),
    ),
}
"""Package → what is known of it."""
