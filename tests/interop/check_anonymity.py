"""Measures k, l and t of anonymized tables again, with a program that we did not write.

    check_anonymity.py FOLDER

FOLDER holds pairs of NAME.csv (separated by `;`, with a header) and NAME.json, as the test
`outcomes_are_left_for_a_reader_of_others` leaves them: what was required, and what we measured. Every figure has to be
what pycanon measures, and satisfy what was required. Before that, a table that was broken on purpose has to be found
out. Prints one line and exits with 1 if anything is wrong. Needs pycanon and pandas.
"""

import json
import pathlib
import sys

import pandas
from pycanon import anonymity

# pycanon's entropy l is a whole number, cut off, of a figure whose last digits are uncertain.
SLACK = 1e-6


def measured(table, quasi, sensitive):
    """The figures of a table by pycanon."""
    figures = {"k": anonymity.k_anonymity(table, quasi)}
    for column in sensitive:
        figures[column, "distinct_l"] = anonymity.l_diversity(table, quasi, [column])
        figures[column, "entropy_l"] = anonymity.entropy_l_diversity(table, quasi, [column])
        figures[column, "t"] = anonymity.t_closeness(table, quasi, [column])
    return figures


def wrong(table, told):
    """What is not as we say, and what is not as was required."""
    quasi, required = told["quasi_identifiers"], told["required"]
    theirs = measured(table, quasi, [column["column"] for column in told["sensitive"]])
    if len(table) != told["rows"] or table.groupby(quasi).ngroups != told["groups"]:
        yield f"{len(table)} rows and {table.groupby(quasi).ngroups} groups"
    if theirs["k"] != told["k"] or theirs["k"] < required["k"]:
        yield f"k is {theirs['k']}, we say {told['k']}, required is {required['k']}"
    for ours in told["sensitive"]:
        column = ours["column"]
        distinct, entropy, far = (theirs[column, figure] for figure in ("distinct_l", "entropy_l", "t"))
        if distinct != ours["distinct_l"] or distinct < (required["distinct_l"] or 0):
            yield f"{column}: distinct l is {distinct}, we say {ours['distinct_l']}"
        if not int(ours["entropy_l"] - SLACK) <= entropy <= int(ours["entropy_l"] + SLACK):
            yield f"{column}: entropy l is {entropy}, we say {ours['entropy_l']}"
        if abs(far - ours["t"]) > SLACK or (required["t"] is not None and far > required["t"] + SLACK):
            yield f"{column}: t is {far}, we say {ours['t']}, required is {required['t']}"


def main(folder):
    names = sorted(path.stem for path in pathlib.Path(folder).glob("*.csv"))
    if not names:
        sys.exit(f"{folder}: no outcome of a search")
    errors, rows = [], 0
    for name in names:
        told = json.loads(pathlib.Path(folder, f"{name}.json").read_text(encoding="utf-8"))
        table = pandas.read_csv(pathlib.Path(folder, f"{name}.csv"), sep=";", keep_default_na=False)
        broken = table.copy()
        for column in told["quasi_identifiers"]:
            broken[column] = broken[column].astype(str)
        broken.loc[0, told["quasi_identifiers"][0]] = "alone"
        if not any(wrong(broken, told)):
            errors.append(f"{name}: a row that is alone was not found out")
        errors += [f"{name}: {error}" for error in wrong(table, told)]
        rows += len(table)
    if errors:
        sys.exit("\n".join(errors))
    print(f"pycanon measures k, l and t of {', '.join(names)} as we do: {rows} rows")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
