# SPDX-License-Identifier: Apache-2.0
"""Rows of the tables of exceptions that nothing needs any more: they are to go."""
import os
import re

import tidy_rules as rules
from tidy_rooms import all_circles, included

TABLES = "tools/tidy_rules.py"


def row(root, table, entry):
    """The line of a row, for whoever takes it out."""
    with open(os.path.join(root, TABLES), encoding="utf-8") as handle:
        lines = handle.read().split("\n")
    word = re.escape('"%s"' % entry[0])
    start = next(number for number, line in enumerate(lines, 1) if re.match(r"%s\b" % table, line))
    return next((number for number, line in enumerate(lines[start - 1:], start) if re.search(word, line)), start)


def unneeded(sources):
    read = {(source.path, path) for source in sources for _, path in included(source)}
    for pair in rules.PRIVATE_READERS:
        if pair not in read:
            yield "PRIVATE_READERS", pair
    circles = all_circles(sources)
    for circle in rules.CIRCLES_ALLOWED:
        if circle not in circles:
            yield "CIRCLES_ALLOWED", circle


def check_exceptions(root, sources):
    if os.path.exists(os.path.join(root, TABLES)):
        for table, entry in unneeded(sources):
            yield TABLES, row(root, table, entry), "exceptions", "nothing needs this row of %s any more: take it out" % table
