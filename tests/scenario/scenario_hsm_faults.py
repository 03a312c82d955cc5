#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The HSM process with one call failing: the n-th allocation, request to the secret arena, read, write, accept, open or mapping.

Either the process does not start, with a reason and an ordinary exit status, or it serves: every answer is the right one or an
error, at worst the connection is closed, and afterwards it answers as ever and stops in order. FAULT_ALL=1 tries every n, otherwise
a drawn part of them.
"""
import concurrent.futures
import os
import sys
import tempfile
import time

from hsm_host import KNOWN, Host, HsmProcess
from sandbox import BUILD, Checks, fail_without_build, seed

SHIM = os.path.join(BUILD, "tests/fault/shim.so")
EACH = 60  # tries a kind without FAULT_ALL
ERRORS = ("41", "42")  # internal, cryptographic function failed
ORDINARY = (0, 1, 2)
WORKERS = 2 * (os.cpu_count() or 1)
TOLD_EVERY = 1000


def start(kind, n, counts=None):
    environment = {"COUNTERSIGN_FAULT": "%s:%d" % (kind, n)}
    if counts:
        environment["COUNTERSIGN_FAULT_COUNTS"] = counts
    if kind != "arena":
        environment["LD_PRELOAD"] = os.path.abspath(SHIM)
    return HsmProcess(binary="countersign-hsm-faults", environment=environment)


def session(hsm, must):
    """Problems of one connection's commands; with `must` each answer has to be the right one."""
    problems = []
    try:
        host = Host(hsm.port)
        for command, right in KNOWN:
            answer = host.ask(command)
            allowed = answer == right or (not must and answer[:2] == right[:2] and answer[2:] in ERRORS)
            if not allowed:
                problems.append("%s answered %s" % (command[:2], answer))
        host.close()
    except (OSError, ConnectionError) as problem:
        if must:
            problems.append("connection: %s" % problem)
    return problems


def trial(kind, n):
    """What went wrong, as words; empty: nothing."""
    hsm = start(kind, n)
    problems = []
    if hsm.ready:
        problems += session(hsm, False)
        problems += session(hsm, False)
        time.sleep(0.05)  # out of descriptors, the event library turns away whatever comes at that moment
        problems += session(hsm, True)
    status = hsm.stop()
    said = "".join(hsm.said)
    if status not in ORDINARY:
        problems.append("ended with status %d: %s" % (status, said[-300:]))
    elif not hsm.ready and (status == 0 or not said.strip()):
        problems.append("did not start and says neither why nor that it failed: %d %s" % (status, said[-300:]))
    elif hsm.ready and status != 0:
        problems.append("served, but ended with %d: %s" % (status, said[-300:]))
    return problems


def trials(kind, numbers):
    """(n, problems) of each; several processes at a time, and a word now and then when there are many."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for done, outcome in enumerate(pool.map(lambda n: (n, trial(kind, n)), numbers), 1):
            if done % TOLD_EVERY == 0:
                print("        %s: %d of %d" % (kind, done, len(numbers)), flush=True)
            yield outcome


def count_calls(checks):
    """Calls of each kind in a run without a fault."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "counts")
        hsm = start("count", 0, path)
        problems = session(hsm, True)
        status = hsm.stop()
        checks.check(not problems and status == 0, "without a fault all is well: %s %d" % (problems, status))
        with open(path, encoding="ascii") as text:
            counts = {kind: int(number) for kind, number in (line.split() for line in text)}
    return counts


def main():
    fail_without_build()
    if os.environ.get("FAULT"):  # KIND:N, one trial alone
        kind, n = os.environ["FAULT"].split(":")
        print(trial(kind, int(n)))
        return 0
    checks, generator = Checks(), seed()
    counts = count_calls(checks)
    checks.check(min(counts[kind] for kind in ("alloc", "read", "write", "arena")) > 0, "the counters count: %s" % counts)
    for kind, calls in ((kind, calls) for kind, calls in counts.items() if calls > 0):
        numbers = range(1, calls + 1)
        if not os.environ.get("FAULT_ALL") and calls > EACH:
            numbers = sorted(generator.sample(numbers, EACH))
        failed = {n: problems for n, problems in trials(kind, numbers) if problems}
        checks.check(not failed, "%s: %d of %d calls failed once each: %s" % (kind, len(numbers), calls, failed))
    return checks.end()


sys.exit(main())
