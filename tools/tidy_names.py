# SPDX-License-Identifier: Apache-2.0
"""Names that leave a room begin with the room: functions, tags, enum constants, macros and objects of its public headers."""
import os
import re

import tidy_rules as rules

TAG = re.compile(r"\b(?:struct|union|enum)\s+(\w+)\s*\{")
DECLARED = re.compile(r"(?:^|[;}])\s*(?:struct|union|enum)\s+(\w+)\s*;", re.M)
ENUM = re.compile(r"\benum\b[^{};()]*\{([^{}]*)\}")
CONSTANT = re.compile(r"(?:^|,)\s*([A-Za-z_]\w*)\s*(?==|,|$)")
MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.M)
UNDEF = re.compile(r"^[ \t]*#[ \t]*undef[ \t]+(\w+)", re.M)
EXTERN = re.compile(r"\bextern\b([^;()=]*);")


def owner_of(path):
    part = path.split("/")
    if len(part) > 2 and part[0] == "src":
        return part[1]
    return "lib" if path.startswith("include/") else None


def is_private(path):
    return os.path.basename(path) == "internal.h"


def check_functions(source):
    """Functions that are not static: by the room, or in the rooms that are named so, by the file."""
    room = owner_of(source.path)
    if room is None or not source.path.endswith(".c"):
        return
    stem = os.path.basename(source.path)[:-2]
    prefixes = rules.prefixes(room, stem)
    for function in source.functions:
        if not function.static and function.name not in rules.FREE_NAMES and not function.name.startswith(prefixes):
            yield source.path, function.line, "prefixes", "%s should start with %s" % (function.name, " or ".join(prefixes))


def of_room(name, prefixes):
    """room_x, ROOM_X, and the room's own word."""
    lower = name.lower()
    return any(lower.startswith(prefix) or lower == prefix[:-1] for prefix in prefixes)


def public_names(source):
    """(offset, kind, name) of what a header gives to others, functions with a body included."""
    for match in TAG.finditer(source.bare):
        yield match.start(1), "tag", match.group(1)
    for match in ENUM.finditer(source.bare):
        for constant in CONSTANT.finditer(match.group(1)):
            yield match.start(1) + constant.start(1), "constant", constant.group(1)
    dropped = set(UNDEF.findall(source.code))
    for match in MACRO.finditer(source.code):
        if match.group(1) not in dropped and not match.group(1).endswith("_H"):
            yield match.start(1), "macro", match.group(1)
    for match in EXTERN.finditer(source.bare):
        names = re.findall(r"[A-Za-z_]\w*", re.sub(r"\[[^\]]*\]", "", match.group(1)))
        if names:
            yield match.start(1), "object", names[-1]


def check_headers(source):
    room = owner_of(source.path)
    if room is None or room in rules.FREE_WORDS:
        return
    if not source.path.endswith(".h") or is_private(source.path) or source.path in rules.INCLUDED_BODIES:
        return
    prefixes = rules.PREFIXES.get(room, (room + "_",))
    for at, kind, name in public_names(source):
        if not of_room(name, prefixes):
            yield (source.path, source.line_of(source.code, at), "prefixes",
                   "the %s %s should start with %s" % (kind, name, " or ".join(prefixes)))
    for function in source.functions:
        if not of_room(function.name, prefixes):
            yield source.path, function.line, "prefixes", "%s should start with %s" % (function.name, " or ".join(prefixes))


def check_opaque(sources):
    """Tags that a public header only declares and its own room defines."""
    declared, defined = {}, {}
    for source in sources:
        room = owner_of(source.path)
        if room is None or room in rules.FREE_WORDS:
            continue
        if source.path.endswith(".h") and not is_private(source.path):
            for match in DECLARED.finditer(source.bare):
                declared.setdefault((room, match.group(1)), (source.path, source.line_of(source.bare, match.start(1))))
        else:
            defined.setdefault(room, set()).update(TAG.findall(source.bare))
    for (room, name), (path, line) in sorted(declared.items()):
        prefixes = rules.PREFIXES.get(room, (room + "_",))
        if name in defined.get(room, ()) and not of_room(name, prefixes):
            yield path, line, "prefixes", "the tag %s should start with %s" % (name, " or ".join(prefixes))
