#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Only countersign-hsm links the algorithms and the keys."""
import glob
import os
import subprocess
import sys

from sandbox import BUILD, COUNTERSIGN, Checks, fail_without_build


def symbols(path, *options):
    listed = subprocess.run(["nm", "--defined-only", *options, path], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in listed.splitlines() if len(line.split()) == 3}


def external(room):
    return symbols(os.path.join(BUILD, "lib", "lib%s.a" % room), "--extern-only")


def unlisted(binary):
    """Rooms that the binary links, but whose errors it does not list: their rows would read as an internal error."""
    has = symbols(binary)
    table = {path.split("/")[-2]: path.split("/")[-2] + "_errors" for path in glob.glob("src/*/error.h")}
    return sorted(room for room, name in table.items() if (external(room) - {name}) & has and name not in has)


def main():
    fail_without_build()
    checks = Checks()
    secret = set()
    for room in ("cvv", "keys"):
        secret |= external(room)
    secret.discard("keys_errors")  # the names of what an HSM answers; its clients read them
    inside = secret & symbols(os.path.join(BUILD, "countersign-hsm"))
    outside = secret & symbols(COUNTERSIGN)
    checks.check(len(inside) > 20, "countersign-hsm links the symbols of cvv and keys (%d of %d)" % (len(inside), len(secret)))
    checks.check(not outside, "countersign links none %s" % sorted(outside)[:5])
    for binary in (COUNTERSIGN, os.path.join(BUILD, "countersign-hsm")):
        checks.check(not unlisted(binary), "%s lists the errors of its rooms %s" % (os.path.basename(binary), unlisted(binary)))
    return checks.end()


sys.exit(main())
