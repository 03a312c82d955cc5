#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The real services have locked themselves in: what the kernel says of them, and what code inside them can no longer do."""
import errno
import os
import re
import signal
import struct
import sys
import time

from lab.process import BUILD, wait_for
from lab.world import SERVICES, Lab
from sandbox import Checks, fail_without_build

KILLED = "killed"
DONE, NOT_YET = 0, -1

# What is tried, in the order of lab/probe.c; the file; what comes of it in a service, and in the HSM where that differs.
TRIES = (
    ("another program", None, KILLED),
    ("tracing its parent", None, KILLED),
    ("another process's memory", None, KILLED),
    ("another process", None, errno.EPERM),
    ("memory for code", None, errno.EPERM),
    ("a file elsewhere", "/etc/shadow", errno.EACCES),
    ("a new file elsewhere", "/var/tmp/countersign-%d" % os.getpid(), errno.EACCES),
    ("a socket for IP", None, DONE, errno.EPERM),
    ("a local socket", None, errno.EPERM),
    ("a netlink socket", None, errno.EPERM),
    ("a packet socket", None, errno.EPERM),
    ("a new listener", None, KILLED),
    ("a kernel module", None, errno.EPERM),
)
READ, WRITE = 5, 6


class Probe:
    """A service with lab/probe.c in it."""

    def __init__(self, lab, name):
        self.lab, self.name, self.page = lab, name, os.path.join(lab.dir, name + ".probe")
        self.process = lab.processes[name]
        self.process.environment["LD_PRELOAD"] += ":" + os.path.abspath(os.path.join(BUILD, "tests/scenario/probe.so"))
        self.process.environment["COUNTERSIGN_PROBE"] = self.page
        with open(self.page, "wb") as page:
            page.write(bytes(4096))

    def outcome(self):
        with open(self.page, "rb") as page:
            return struct.unpack("ii", page.read(8))[1]

    def attempt(self, number, file=None):
        """0, an errno, or that the process was killed for it; None if nothing came of it."""
        with open(self.page, "r+b") as page:
            page.write(struct.pack("ii", number, NOT_YET) + (file or "").encode() + b"\0")
        self.process.send(signal.SIGUSR1)
        wait_for(lambda: self.outcome() != NOT_YET or not self.process.runs(), 5)
        if self.process.runs():
            return self.outcome() if self.outcome() != NOT_YET else None
        return KILLED if self.process.process.returncode == -signal.SIGSYS else self.process.process.returncode

    def up(self):
        if not self.process.runs():
            self.lab.start(self.name)
        return self.process


def states(pid):
    """Of each thread: (no new privileges, mode of seccomp)."""
    found = []
    for thread in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/status" % (pid, thread), encoding="ascii") as text:
            status = text.read()
        found.append(tuple(re.search(r"(?m)^%s:\s+(\d)" % key, status).group(1) for key in ("NoNewPrivs", "Seccomp")))
    return found


def core_limit(pid):
    with open("/proc/%d/limits" % pid, encoding="ascii") as text:
        return re.search(r"(?m)^Max core file size\s+(\d+)\s+(\d+)", text.read()).groups()


def told(checks, probe):
    event = "hsm.sandbox" if probe.name == "hsm" else probe.name + ".confined"
    line = probe.process.event(event)
    name, pid = probe.name, probe.process.pid
    if not checks.check(line is not None, "%s tells in its log what is in force" % name):
        return False
    threads = states(pid)
    checks.check(line["system_calls"] == "in force" and set(threads) == {("1", "2")},
                 "%s: system calls filtered and no new privileges in all of its %d threads" % (name, len(threads)))
    checks.check(core_limit(pid) == ("0", "0"), "%s leaves no core" % name)
    offered = line["folders"] == "in force"
    if not offered:
        print("ok      %s: this kernel has no Landlock, and the log says so: %s" % (name, line["problem"]))
    return offered


def refused(checks, probe, landlock):
    for number, (what, file, *wanted) in enumerate(TRIES):
        if number in (READ, WRITE) and not landlock:
            continue
        probe.up()
        want = wanted[-1] if probe.name == "hsm" else wanted[0]
        got = probe.attempt(number, file)
        checks.check(got == want, "%s: %s: %s" % (probe.name, what, errno.errorcode.get(got, got or "goes")))


def kept(checks, probe):
    """The folder of its database is its own; the file with its key is read, and what stands beside it is not."""
    probe.up()
    new = os.path.join(probe.lab.dir, probe.name + ".new")
    checks.check(probe.attempt(WRITE, new) == DONE and os.path.exists(new), "%s: a file beside its database goes" % probe.name)
    checks.check(probe.attempt(READ, "/usr/share/zoneinfo/Australia/Sydney") == DONE, "%s: a time zone goes" % probe.name)


def payment(checks, lab):
    """After all of it the services do what they are for."""
    for name in SERVICES:
        if not lab.processes[name].runs():
            lab.start(name)
    card = lab.card("one_time-1")
    end, answer = time.monotonic() + 20, None
    while time.monotonic() < end and not (answer and answer.approved):
        shown = lab.display(card)
        answer = lab.charge(card, shown[1]["cvv"], 500) if shown[0] == 200 else None
    checks.check(answer is not None and answer.approved, "a payment goes through: %s" % (answer and answer.words()))


def main():
    fail_without_build()
    checks, lab = Checks(), Lab()
    try:
        probes = [Probe(lab, name) for name in SERVICES]
        for probe in probes:
            lab.start(probe.name)
        for probe in probes:
            landlock = told(checks, probe)
            refused(checks, probe, landlock)
            if probe.name != "hsm":
                kept(checks, probe)
        payment(checks, lab)
    finally:
        lab.close()
    return checks.end()


sys.exit(main())
