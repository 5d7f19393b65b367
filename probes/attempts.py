"""Trying several spellings in one probe: each one's value, or the name of what it raised."""


def attempt(function):
    """What `function` returns; where it raises, the type's name."""
    try:
        return function()
    except Exception as error:
        return type(error).__name__


def attempts(functions):
    """Label → `attempt` of the function, for a dictionary of functions."""
    return dict((label, attempt(function)) for label, function in functions.items())
