"""Results made plain for JSON: rounded numbers, and what a call gave or which exception it raised."""

import math


def rounded(value, digits=6):
    """`value` as JSON: tensors and arrays as lists, floats rounded, what is not finite as "nan", "inf" or "-inf"."""
    if hasattr(value, "numpy") and not isinstance(value, type):
        value = value.numpy()
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return dict((str(key), rounded(part, digits)) for key, part in value.items())
    if isinstance(value, (list, tuple)):
        return [rounded(part, digits) for part in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float):
        if math.isnan(value):
            return "nan"
        if math.isinf(value):
            return "inf" if value > 0 else "-inf"
        return round(value, digits) + 0.0
    return value


def outcome(call, *args, **kwargs):
    """What `call` returns, or {"raised": "TypeName"}."""
    try:
        return call(*args, **kwargs)
    except Exception as error:
        return {"raised": type(error).__name__}


def outcomes(cases, digits=6):
    """{name: what its call returns, rounded, or {"raised": "TypeName"}} for (name, call) pairs."""
    return dict((name, outcome(lambda: rounded(call(), digits))) for name, call in cases)


def named(value):
    """The name of a function, class or object's class."""
    return getattr(value, "__name__", None) or type(value).__name__
