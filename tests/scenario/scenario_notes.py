#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the binaries say of themselves: control flow protection, position independence, a stack that is not executable."""
import glob
import os
import platform
import re
import subprocess
import sys

from sandbox import BUILD, COUNTERSIGN, Checks, fail_without_build

WANTED = {"x86_64": ("IBT", "SHSTK"), "aarch64": ("BTI", "PAC")}


def read(binary, option):
    return subprocess.run(["readelf", "--wide", option, binary], capture_output=True, text=True, check=True).stdout


def unmarked(feature):
    """Our own objects without the feature: the linker's mark says nothing of them."""
    shown = subprocess.run(["readelf", "--wide", "--notes", *glob.glob(os.path.join(BUILD, "lib", "*.a"))],
                           capture_output=True, text=True, check=True).stdout
    objects = re.split(r"^File: ", shown, flags=re.MULTILINE)[1:]
    return [o.split("\n")[0] for o in objects if not re.search(r"feature: .*\b%s\b" % feature, o)], len(objects)


def main():
    fail_without_build()
    checks = Checks()
    for feature in WANTED[platform.machine()]:
        without, count = unmarked(feature)
        checks.check(count > 100 and not without, "all %d objects have %s %s" % (count, feature, without[:3]))
    for binary in (COUNTERSIGN, os.path.join(BUILD, "countersign-hsm")):
        name = os.path.basename(binary)
        notes, segments, dynamic = read(binary, "--notes"), read(binary, "--segments"), read(binary, "--dynamic")
        for feature in WANTED[platform.machine()] if platform.machine() == "x86_64" else ():
            checks.check(bool(re.search(r"feature: .*\b%s\b" % feature, notes)), "%s: marked as %s" % (name, feature))
        checks.check("Type is DYN" in segments or "type is DYN" in segments, "%s stands at another address in each run" % name)
        checks.check(bool(re.search(r"GNU_STACK .* RW ", segments)), "%s has no executable stack" % name)
        checks.check("GNU_RELRO" in segments and "BIND_NOW" in dynamic, "%s has its table of functions read-only" % name)
        checks.check(not re.search(r"LOAD .* RWE ", segments), "%s has no page to write and run" % name)
    return checks.end()


sys.exit(main())
