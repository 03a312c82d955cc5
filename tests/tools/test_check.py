#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make check T=name` must run the test of that name, of any kind, and say what there is when it knows none."""
import os
import subprocess
import sys

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")

# (name, what must be run) and (name, what must be told)
RUN = [
    ("hsm_frames", "build/tests/unit/test_hsm_frames"),
    ("test_cvv_properties", "build/tests/property/test_cvv_properties"),
    ("fuzz_tr31", "build/tests/fuzz/fuzz_tr31"),
    ("scenario_keys", "tests/scenario/scenario_keys.py"),
    ("windows", "tests/scenario/windows.scene"),
    ("double_use", "build/tests/scenario/double_use"),
    ("tidy", "tests/tidy/test_tidy.py"),
    ("tests/tools/test_run_tests.py", "tests/tools/test_run_tests.py"),
]
TOLD = [
    ("hsm_fram", "Like it are", "  test_hsm_frames"),
    ("no_such_test", "There are", "  scenario_keys"),
    ("", "There are", "  fuzz_tr31"),
]


def check(name, *options):
    # what is said is no business of a make above
    env = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    result = subprocess.run(["make", "--no-print-directory", *options, "check", "T=" + name], cwd=SOURCE, env=env,
                            capture_output=True, text=True, check=False)
    return result.returncode, result.stdout


def main():
    passed = failed = 0
    for name, program in RUN:
        status, said = check(name, "-n")
        held = status == 0 and "tools/run-tests --serial %s" % program in [" ".join(line.split()) for line in said.splitlines()]
        passed, failed = passed + held, failed + (not held)
        if not held:
            print("FAILED: %s\n%s" % (name, said[-400:]))
    for name, word, line in TOLD:
        status, said = check(name)
        held = status == 2 and word in said and line in said.splitlines()
        passed, failed = passed + held, failed + (not held)
        if not held:
            print("FAILED: %s\n%s" % (name, said[-400:]))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


sys.exit(main())
