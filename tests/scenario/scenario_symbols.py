#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Only countersign-hsm links the algorithms and the keys."""
import os
import subprocess
import sys

from sandbox import BUILD, COUNTERSIGN, Checks, fail_without_build


def symbols(path, *options):
    listed = subprocess.run(["nm", "--defined-only", *options, path], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in listed.splitlines() if len(line.split()) == 3}


def main():
    fail_without_build()
    checks = Checks()
    secret = set()
    for room in ("cvv", "keys"):
        secret |= symbols(os.path.join(BUILD, "lib", "lib%s.a" % room), "--extern-only")
    inside = secret & symbols(os.path.join(BUILD, "countersign-hsm"))
    outside = secret & symbols(COUNTERSIGN)
    checks.check(len(inside) > 20, "countersign-hsm links the symbols of cvv and keys (%d of %d)" % (len(inside), len(secret)))
    checks.check(not outside, "countersign links none %s" % sorted(outside)[:5])
    return checks.end()


sys.exit(main())
