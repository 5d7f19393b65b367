"""How public names look from outside: their parameters, their presence, and what an argument does to a call.

Standard library only. Used by the probes of `signatures`, `homes` and `reporting`.
"""

import importlib
import inspect


def _default(value):
    """A default as text that is the same in every process: addresses and temporary objects are left out."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        inner = ", ".join(_default(item) for item in value)
        return "[%s]" % inner if isinstance(value, list) else "(%s)" % inner
    return getattr(value, "__name__", "<%s>" % type(value).__name__)


def parameters(function):
    """The parameters of a function or a class's constructor, in order: "name", "name=default", "*args", "**kwargs"."""
    if isinstance(function, type):
        function = function.__init__
    found = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name == "self" and not found:
            continue
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        if parameter.kind == parameter.KEYWORD_ONLY and not any(text.startswith("*") for text in found):
            found.append("*")
        text = stars + parameter.name
        if parameter.default is not parameter.empty:
            text += "=" + _default(parameter.default)
        found.append(text)
    return found


def reach(root, path):
    """The attribute `path` ("layers.experimental.preprocessing") of `root`; raises AttributeError."""
    for name in path.split("."):
        root = getattr(root, name)
    return root


def signatures(root, names):
    """Name → `parameters` of each attribute of `root`, "absent" for one that is not there."""
    found = {}
    for name in names:
        try:
            found[name] = parameters(reach(root, name))
        except AttributeError:
            found[name] = "absent"
    return found


def presence(root, names):
    """{"present": […], "absent": […]}: which dotted names can be reached from `root`; others by what they raise."""
    found = {"present": [], "absent": []}
    for name in names:
        try:
            reach(root, name)
        except AttributeError:
            found["absent"].append(name)
        except Exception as error:
            found.setdefault("raises " + type(error).__name__, []).append(name)
        else:
            found["present"].append(name)
    return found


def imports(names):
    """{"imports": […], "raises ModuleNotFoundError": […], …}: what comes of importing each module."""
    found = {"imports": []}
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:
            found.setdefault("raises " + type(error).__name__, []).append(name)
        else:
            found["imports"].append(name)
    return found


def refusal(error, argument):
    """How an argument was refused: the exception's type, and whether its message names the argument."""
    return {"what": "refused", "error": type(error).__name__, "names_argument": argument in str(error)}


def attempt(argument, call):
    """What becomes of an argument.

    `call()` passes it and returns whether it had its effect (a bool); anything else where that can't be seen.
    Returns {"what": "honoured" | "ignored" | "accepted"} or a `refusal`.
    """
    try:
        effect = call()
    except Exception as error:
        return refusal(error, argument)
    if type(effect).__name__ not in ("bool", "bool_"):
        return {"what": "accepted"}
    return {"what": "honoured" if effect else "ignored"}
