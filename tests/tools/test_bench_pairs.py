#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/bench-pairs must measure both folders in turn, print medians and their ratio, and refuse what is not built."""
import os
import subprocess
import sys
import tempfile

PAIRS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/bench-pairs")
BENCH = """#!/bin/sh
echo "$0" >>../order
n=$(cat n 2>/dev/null || echo 0); n=$((n + 1)); echo $n >n
echo "a line for people"
echo '{"bench":"x.y","value":'$((%d * n))',"unit":"/s","ratio":1}'
"""


def fill(folder, factor, names=("bench_x",)):
    os.makedirs(os.path.join(folder, "build/bench"))
    for name in names:
        path = os.path.join(folder, "build/bench", name)
        with open(path, "w", encoding="ascii") as handle:
            handle.write(BENCH % factor)
        os.chmod(path, 0o755)


def pairs(*words):
    result = subprocess.run([PAIRS, *words], capture_output=True, text=True, check=False)
    return result.returncode, result.stdout, result.stderr


passed = failed = 0


def check(name, condition):
    global passed, failed
    passed += bool(condition)
    failed += not condition
    if not condition:
        print("FAILED: " + name)


with tempfile.TemporaryDirectory() as top:
    before, after = os.path.join(top, "before"), os.path.join(top, "after")
    fill(before, 10, ("bench_x", "bench_old"))
    fill(after, 30)
    code, out, _ = pairs(before, after, "--times", "3")
    check("it ends well", code == 0)
    check("medians of 10, 20, 30 and 30, 60, 90", out.split()[:2] == ["x.y", "/s"] and "20.00 (10.00 to 30.00)" in out
          and "60.00 (30.00 to 90.00)" in out and out.rstrip().endswith("3.00 x"))
    check("a bench of one side alone is left out", len(out.splitlines()) == 1)
    with open(os.path.join(top, "order"), encoding="ascii") as handle:
        check("the folders take turns", len(handle.readlines()) == 6)
    code, _, err = pairs(before, after, "bench_old")
    check("what is not built is refused by name", code == 2 and "bench_old" in err)
    check("help", pairs("--help")[0] == 0 and "BEFORE AFTER" in pairs("--help")[1])
    check("a bad word is refused", pairs(before, after, "--fast")[0] == 2)

print("%d passed, %d failed" % (passed, failed))
sys.exit(1 if failed else 0)
