#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/scenario/play must fail where a script does not hold, and say the line, what was expected and what came."""
import glob
import os
import subprocess
import sys
import tempfile

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
PLAY = "tests/scenario/play"
LINES = 40

# (script, status, what must be told)
SCRIPTS = [
    ("wrong 000 -> 001\n", 0, ("1 passed, 0 failed",)),
    ("# words\n\nwrong 000 -> 002\n", 1, (":3: wrong 000", "expected  002", "got       001", "0 passed, 1 failed")),
    ("a = wrong 000\nwrong $a -> 000|001\nwrong 000 $a -> ~^00[2-4]$\nwrong 000 -> *\n", 0, ("3 passed",)),
    ("wrong $nobody -> 001\n", 1, (":1: ", "$nobody is not known")),
    ("merchant sings\n", 1, (":1: no such command: merchant sings",)),
    ("wrong\nwait soon\nwrong 000 -> 001\n", 1, (":2: wait soon", "0 passed, 1 failed")),
    ("meanwhile wrong 000 -> 003\njoin\nwait 0s\n", 1, (":1: wrong 000", "expected  003")),
    ("within 1s wrong 000 -> 004\n", 1, ("expected  004",)),
    ("wrong 000\n", 1, ("0 passed, 0 failed",)),
    ("start hsm\nkill hsm\nhsm ask NC -> ~^ND00\n", 1, (":3: hsm ask NC", "ConnectionRefused", "== hsm")),
    ("start hsm\nhsm ask NC -> ND01\n", 1, ("expected  ND01", "got       ND00")),
]


def play(*words):
    done = subprocess.run([PLAY, *words], cwd=SOURCE, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


def main():
    passed = failed = 0
    held = []
    for text, status, told in SCRIPTS:
        with tempfile.NamedTemporaryFile("w", suffix=".scene") as script:
            script.write(text)
            script.flush()
            got, said = play(script.name)
        held.append((got == status and all(word in said for word in told), "%r: %d %s" % (text, got, said)))
    status, said = play("--help")
    held.append((status == 0 and "merchant pay CARD CODE AMOUNT" in said, "--help prints the commands"))
    for path in glob.glob(os.path.join(SOURCE, "tests/scenario/*.scene")):
        with open(path, encoding="utf-8") as script:
            held.append((len(script.readlines()) <= LINES and os.access(path, os.X_OK), path + " is short and can be run"))
    for good, what in held:
        passed, failed = passed + good, failed + (not good)
        if not good:
            print("FAILED: " + what)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


sys.exit(main())
