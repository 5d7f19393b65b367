"""Which packages a probe needs, and whether the cell was ever meant to have them.

Standard library only, CPython 3.6 to 3.14.
"""

import importlib.util

DISTRIBUTIONS = {
    "PIL": ("pillow",),
    "cv2": ("opencv-python", "opencv-python-headless"),
    "google": ("protobuf",),
    "pkg_resources": ("setuptools",),
    "sklearn": ("scikit-learn",),
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tf-nightly", "tf-nightly-cpu"),
    "tensorflow_datasets": ("tensorflow-datasets",),
    "tensorflow_probability": ("tensorflow-probability",),
    "tf_keras": ("tf-keras",),
    "yaml": ("pyyaml",),
}
"""Import name → names of the distributions that bring it, where they differ."""


def missing(needs, expected):
    """The first of `needs` that the cell was never meant to have: not among its pins and not to be found; or ""."""
    pinned = {name.lower().replace("_", "-").replace(".", "-") for name in expected}
    for need in needs:
        top = need.split(".")[0]
        names = DISTRIBUTIONS.get(top, (top.lower().replace("_", "-"),))
        if pinned.intersection(names):
            continue
        try:
            found = importlib.util.find_spec(top) is not None
        except (ImportError, ValueError):
            found = True  # something is there, and broken: importing it tells how
        if not found:
            return top
    return ""
