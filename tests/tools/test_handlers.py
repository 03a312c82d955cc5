#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A host command without a handler must not build: a row is added to a copy of the list, and the linker must name the handler."""
import os
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
LIBRARIES = [os.path.join(ROOT, "build/lib/lib%s.a" % room)
             for room in ("hsm", "cvv", "keys", "hostcmd", "net", "wire", "card", "crypto", "base")]
SYSTEM = ["-luv", "-lssl", "-lcrypto", "-linih", "-lpthread"]
MAIN = """#include "hsm/commands/table.h"
const struct err_table *const err_tables[] = {&err_general, 0};
int main(void) { return !hsm_handler_of(HOSTCMD_%s); }
"""
LAST = "X_(J4, j4)"


def build(directory, row):
    """The handler table with one more row, or as it is, linked into a program; what the tools said."""
    os.makedirs(os.path.join(directory, "hostcmd"))
    with open(os.path.join(ROOT, "src/hostcmd/commands.h"), encoding="utf-8") as handle:
        text = handle.read()
    if LAST not in text:
        raise SystemExit("commands.h: the list does not end with %s any more" % LAST)
    with open(os.path.join(directory, "hostcmd/commands.h"), "w", encoding="utf-8") as handle:
        handle.write(text.replace(LAST, "%s X_(%s, %s)" % (LAST, row, row.lower()) if row else LAST))
    with open(os.path.join(directory, "main.c"), "w", encoding="ascii") as handle:
        handle.write(MAIN % (row or "J4"))
    command = os.environ.get("CC", "gcc").split()
    command += ["-std=gnu17", "-D_GNU_SOURCE", "-I", directory, "-I", os.path.join(ROOT, "src"), os.path.join(directory, "main.c"),
                os.path.join(ROOT, "src/hsm/commands/table.c"), "-o", os.path.join(directory, "program"), "-Wl,--start-group"]
    result = subprocess.run(command + LIBRARIES + ["-Wl,--end-group"] + SYSTEM, capture_output=True, text=True, check=False)
    return result.returncode, result.stderr


def main():
    if not all(map(os.path.exists, LIBRARIES)):
        print("the libraries are missing: run `make`\n0 passed, 1 failed")
        return 1
    held = []
    for row, wanted in ((None, None), ("ZZ", "undefined reference to `hsm_handle_zz'")):
        with tempfile.TemporaryDirectory() as directory:
            status, said = build(directory, row)
        held.append(status == 0 if wanted is None else status != 0 and wanted in said)
        if not held[-1]:
            print("FAILED: row %s, status %d:\n%s" % (row, status, said))
    print("%d passed, %d failed" % (sum(held), len(held) - sum(held)))
    return 0 if all(held) else 1


sys.exit(main())
