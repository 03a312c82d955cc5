# SPDX-License-Identifier: Apache-2.0
"""What files of one room may know of each other: private headers and circles."""
import os
import re

import tidy_rules as rules
from tidy_names import is_private, owner_of


def included(source):
    """(line, path) of the headers of src that a file includes."""
    for line, quote, name in source.includes:
        if quote == '"':
            yield line, "src/" + name


def check_private(source):
    """A private header is called internal.h, is short, and is read in its own folder alone; that of a room, in all of the room."""
    name = os.path.basename(source.path)
    if "internal" in name and name.endswith(".h") and not is_private(source.path):
        yield source.path, 1, "private", "a private header is called internal.h"
    if is_private(source.path) and len(source.lines) > rules.PRIVATE_LINES:
        yield source.path, len(source.lines), "private", "%d lines, budget %d" % (len(source.lines), rules.PRIVATE_LINES)
    for line, path in included(source):
        if "internal" in os.path.basename(path) and (source.path, path) not in rules.PRIVATE_READERS:
            home = os.path.dirname(path) + "/"
            if not source.path.startswith(home):
                yield source.path, line, "private", "%s belongs inside %s" % (path[len("src/"):], home)


def units(sources):
    """room -> unit -> {unit it includes: (path, line)}; a unit is x.c and x.h together."""
    rooms = {}
    for source in sources:
        room = owner_of(source.path)
        if room is None or not source.path.startswith("src/"):
            continue
        edges = rooms.setdefault(room, {}).setdefault(os.path.splitext(source.path)[0], {})
        for line, path in included(source):
            other = os.path.splitext(path)[0]
            if owner_of(path) == room and other != os.path.splitext(source.path)[0]:
                edges.setdefault(other, (source.path, line))
    return {room: through_private(edges) for room, edges in rooms.items()}


def through_private(edges):
    """A private header is a part of those that include it: what it includes, they include."""
    kept = {}
    for unit, others in edges.items():
        if os.path.basename(unit) == "internal":
            continue
        reached, todo = {}, sorted(others.items())
        while todo:
            other, where = todo.pop()
            if os.path.basename(other) == "internal" and other not in reached:
                todo.extend((further, where) for further in edges.get(other, ()))
            reached.setdefault(other, where)
        kept[unit] = {other: where for other, where in reached.items() if other != unit and os.path.basename(other) != "internal"}
    return kept


def folders(room, edges):
    """The same between the sub-folders of a room; what stands in the room itself is above and below them."""
    between = {}
    for unit, others in edges.items():
        folder = os.path.dirname(unit)
        if folder == "src/" + room:
            continue
        for other, where in others.items():
            if os.path.dirname(other) not in (folder, "src/" + room):
                between.setdefault(folder, {}).setdefault(os.path.dirname(other), where)
    return between


def circles(edges):
    """Sets of two and more that reach each other (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(unit):
        index[unit] = low[unit] = len(index)
        stack.append(unit)
        for other in sorted(edges.get(unit, ())):
            if other not in index:
                visit(other)
                low[unit] = min(low[unit], low[other])
            elif other in stack:
                low[unit] = min(low[unit], index[other])
        if low[unit] == index[unit]:
            at = stack.index(unit)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for unit in sorted(edges):
        if unit not in index:
            visit(unit)
    return found


def all_circles(sources):
    """The names of each circle -> (path, line, kind) of one of its includes."""
    found = {}
    for room, edges in sorted(units(sources).items()):
        for graph, kind in ((edges, "files"), (folders(room, edges), "folders")):
            for circle in circles(graph):
                where = next(where for other, where in sorted(graph[circle[0]].items()) if other in circle)
                found[tuple(unit[len("src/"):] for unit in circle)] = (*where, kind)
    return found


def check_circles(sources):
    for names, (path, line, kind) in all_circles(sources).items():
        if names not in rules.CIRCLES_ALLOWED:
            yield path, line, "circles", "%s in a circle: %s" % (kind, ", ".join(names))
