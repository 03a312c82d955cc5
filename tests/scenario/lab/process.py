# SPDX-License-Identifier: Apache-2.0
"""Processes and ports. Every program that a scenario starts is a Process; every port that it chooses comes from free_ports."""
import json
import os
import random
import signal
import socket
import subprocess
import tempfile
import time

BUILD = os.environ.get("COUNTERSIGN_BUILD", "build")
COUNTERSIGN = os.path.join(BUILD, "countersign")
HSM = os.path.join(BUILD, "countersign-hsm")


def wait_for(condition, seconds=10):
    """What the condition gives, once it holds or the time is over."""
    until = time.monotonic() + seconds
    while not (got := condition()) and time.monotonic() < until:
        time.sleep(0.02)
    return got


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


PORTS = (1500, 2837, 8080, 8081, 8583, 8585, 8586, 8587, 8588, 8589, 9417, 9418, 9920)  # of a sandbox


def free_offset(ports=PORTS):
    """An offset at which all these ports are free, below the range from which connections take theirs."""
    draw = random.SystemRandom()
    while True:
        offset = draw.randrange(11000, 21000)
        if all(is_free(port + offset) for port in ports):
            return offset


def free_port():
    return free_offset([1500]) + 1500


def listens(address):
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


class Process:
    """One program and its log; started, paused, killed, stopped, and started again with the same or more arguments."""

    def __init__(self, name, command, environment=None, log=None):
        self.name, self.command, self.environment, self.kills = name, list(command), environment or {}, 0
        self.log = log or tempfile.NamedTemporaryFile(prefix="countersign-", suffix=".log").name
        self.process = None

    def start(self, *more, **how):
        with open(self.log, "ab") as out:
            self.mark = out.tell()
            self.process = subprocess.Popen(self.command + list(more), stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                            env={**os.environ, **self.environment}, **how)
        return self

    @property
    def pid(self):
        return self.process.pid

    def runs(self):
        return self.process is not None and self.process.poll() is None

    def send(self, signum):
        self.process.send_signal(signum)

    def kill(self):
        self.send(signal.SIGKILL)
        self.process.wait()
        self.kills += 1

    def stop(self, seconds=20):
        """The exit status; negative: the signal that ended it."""
        if self.runs():
            self.send(signal.SIGCONT)
            self.send(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode

    def said(self, since=0):
        with open(self.log, encoding="utf-8", errors="replace") as text:
            text.seek(since)
            return text.read()

    def event(self, name, seconds=20, since=None):
        """The line of the log with this event, since the last start; None if none comes."""
        def found():
            for line in self.said(self.mark if since is None else since).splitlines():
                if '"event":"%s"' % name in line:
                    return json.loads(line)
            return "ended" if not self.runs() else None
        got = wait_for(found, seconds)
        return got if got != "ended" else None
