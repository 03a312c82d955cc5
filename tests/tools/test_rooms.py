#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/rooms must count what stands in src, and show the doors that the table has and the includes that the files have."""
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOMS = os.path.join(HERE, "../../tools/rooms")
SOURCE = os.path.join(HERE, "../..")

TREE = {
    "src/base/buf.h": "/* 1 */\n",
    "src/cvv/cvv.h": '#include "base/buf.h"\n\nint cvv_a(void);\n',
    "src/cvv/cvv.c": '#include "cvv/cvv.h"\n#include "card/pan.h"\n/* #include "keys/lmk.h" */\n#include <stdio.h>\n',
    "src/cvv/kernel/internal.h": '#include "base/buf.h"\n#include "cvv/cvv.h"',
    "src/cellar/a.c": "",
    "src/cvv/notes.txt": "not counted\n",
}
CVV = {"room": "cvv", "files": 3, "lines": 9, "headers": 1, "private_headers": 1, "folders": ["kernel"],
       "includes": {"base": 2, "card": 1}, "doors": ["card", "crypto"], "unused_doors": ["crypto"]}


def rooms(*words):
    result = subprocess.run([ROOMS, *words], capture_output=True, text=True, check=False)
    return result.returncode, result.stdout


def counts_a_tree(root):
    status, said = rooms("--root", root, "--json")
    rows = json.loads(said)
    names = [row["room"] for row in rows]
    return status == 0 and names == ["base", "cvv", "cellar"] and rows[1] == CVV and rows[2]["doors"] is None


def prints_a_tree(root):
    status, said = rooms("--root", root)
    lines = said.splitlines()
    return (status == 0 and lines[2].split() == ["cvv", "3", "9", "1", "1", "base", "2,", "card", "1,", "(crypto)"]
            and lines[3].strip() == "in kernel" and "not in the table" in lines[4]
            and lines[5].split() == ["all", "5", "10", "2", "1"])


def knows_every_room(_):
    """Of the real tree: each folder is told, and nothing comes through a door that is closed."""
    status, said = rooms("--root", SOURCE, "--json")
    rows = json.loads(said)
    names = sorted(name for name in os.listdir(os.path.join(SOURCE, "src")))
    open_doors = all(row["room"] == "main" or {door.split("/")[0] for door in row["doors"]} | {"base"} >= set(row["includes"])
                     for row in rows)
    return status == 0 and sorted(row["room"] for row in rows) == names and open_doors and all(row["lines"] for row in rows)


def refuses_other_words(_):
    return rooms("--colour")[0] == 2 and rooms("--help")[0] == 0


def main():
    passed = failed = 0
    for case in (counts_a_tree, prints_a_tree, knows_every_room, refuses_other_words):
        with tempfile.TemporaryDirectory() as root:
            for path, text in TREE.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="ascii") as handle:
                    handle.write(text)
            held = case(root)
        passed, failed = passed + held, failed + (not held)
        if not held:
            print("FAILED: %s" % case.__name__)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


sys.exit(main())
