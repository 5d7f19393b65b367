"""What somebody who uses pandas on numpy relies on."""

from harness import assert_close, behaviour, check, expect, subject

NEEDS = ("numpy", "pandas")


@check(
    "frames.arithmetic",
    "Do columns of a DataFrame add up to the numbers that numpy gives?",
    source="pandas user guide, Intro to data structures",
    needs=NEEDS,
)
def arithmetic():
    import numpy as np
    import pandas as pd

    left, right = np.array([1.5, -2.0, 0.25]), np.array([10.0, 20.0, 30.0])
    frame = pd.DataFrame({"left": left, "right": right})
    with subject("Series.__add__"):
        total = frame["left"] + frame["right"]
        assert_close(total.to_numpy(), left + right, what="sum of two columns")


@check(
    "frames.csv",
    "Does a DataFrame come back from the CSV file it was written to?",
    source="pandas user guide, IO tools",
    needs=NEEDS,
)
def csv():
    import pandas as pd

    frame = pd.DataFrame({"number": [1, 2, 3], "fraction": [0.5, -1.25, 4.0]})
    with subject("DataFrame.to_csv, read_csv"):
        frame.to_csv("frame.csv", index=False)
        back = pd.read_csv("frame.csv")
        expect(list(back.columns) == ["number", "fraction"], "other columns: %r" % list(back.columns))
        assert_close(back.to_numpy(), frame.to_numpy(), what="values read back")


@behaviour(
    "frames.scalar",
    "How does a number taken from a DataFrame print?",
    source="numpy 2.0 release notes, NEP 51",
    needs=NEEDS,
)
def scalar():
    import pandas as pd

    with subject("repr"):
        return repr(pd.DataFrame({"x": [1.5]})["x"].iloc[0])
