"""Sabotage for the checks of `frames`: each must fail once this is in place, or its passing means nothing."""


def zeros(original):
    """The call's result, times zero."""
    return lambda *args, **kwargs: original(*args, **kwargs) * 0


MUTATIONS = {
    "frames.arithmetic": ("pandas.Series.__add__", zeros),
    "frames.csv": ("pandas.read_csv", zeros),
}
