#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Only countersign-hsm links the algorithms and the keys."""
import os
import re
import subprocess
import sys

from sandbox import BUILD, COUNTERSIGN, Checks, fail_without_build

ROOMS = re.compile(r"^(cvv|keys)_\w+$")


def symbols(path):
    listed = subprocess.run(["nm", "--defined-only", path], capture_output=True, text=True, check=True).stdout
    names = [line.split()[-1] for line in listed.splitlines() if len(line.split()) == 3]
    return [name for name in names if ROOMS.match(name)]


def main():
    fail_without_build()
    checks = Checks()
    inside = symbols(os.path.join(BUILD, "countersign-hsm"))
    outside = symbols(COUNTERSIGN)
    checks.check(len(inside) > 5, "countersign-hsm has cvv_ and keys_ symbols (%d): the check sees them" % len(inside))
    checks.check(not outside, "countersign has none (%s)" % ", ".join(outside[:5]))
    return checks.end()


sys.exit(main())
