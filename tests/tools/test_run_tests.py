#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/run-tests must count what happened: also crashes, hangs, silence and left-over children."""
import os
import subprocess
import sys
import tempfile
import time

RUNNER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/run-tests")
CMOCKA = "echo '[==========] 3 test(s) run.'; echo '[  PASSED  ] %d test(s).'; "

# (what the programs do, the last line wanted, exit status wanted)
CASES = [
    (["echo '2 passed, 0 failed'"], "2 passed, 0 failed", 0),
    ([CMOCKA % 3], "3 passed, 0 failed", 0),
    ([CMOCKA % 2 + "echo '[  FAILED  ] 1 test(s), listed below:'; exit 1"], "2 passed, 1 failed", 1),
    ([CMOCKA % 2 + CMOCKA % 3], "5 passed, 0 failed", 0),
    (["echo '2 passed, 1 failed'; exit 1", "echo '4 passed, 0 failed'"], "6 passed, 1 failed", 1),
    (["echo '2 passed, 0 failed'; exit 3"], "2 passed, 1 failed", 1),
    (["echo '1 passed, 0 failed'; kill -SEGV $$"], "1 passed, 1 failed", 1),
    (["echo nothing"], "0 passed, 1 failed", 1),
    (["sleep 30"], "0 passed, 1 failed", 1),
    ([], "0 passed, 0 failed", 1),
]


def run(scripts, directory):
    programs = []
    for number, script in enumerate(scripts):
        programs.append(os.path.join(directory, "p%d" % number))
        with open(programs[-1], "w", encoding="ascii") as handle:
            handle.write("#!/bin/sh\n%s\n" % script)
        os.chmod(programs[-1], 0o755)
    return subprocess.run([RUNNER, "--limit", "1"] + programs, capture_output=True, text=True, check=False)


def leaves_nothing(directory):
    """A child that a program leaves behind is ended with it."""
    mark = "%d.%d" % (os.getpid() + 1000, time.monotonic_ns() % 1000)
    run(["sleep %s & echo '1 passed, 0 failed'" % mark], directory)
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as handle:
                if mark.encode() in handle.read():
                    return False
        except OSError:
            continue
    return True


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory() as directory:
        for scripts, last, status in CASES:
            result = run(scripts, directory)
            held = result.stdout.splitlines()[-1:] == [last] and result.returncode == status
            passed, failed = passed + held, failed + (not held)
            if not held:
                print("FAILED: %s wanted %s, %d:\n%s" % (scripts, last, status, result.stdout + result.stderr))
        held = leaves_nothing(directory)
        passed, failed = passed + held, failed + (not held)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


sys.exit(main())
