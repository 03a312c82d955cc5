#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Connects, disconnects and garbage for a while: the HSM answers the well-behaved rightly and grows neither in memory nor in files.

SOAK_SECONDS=10; `make soak` takes 600.
"""
import os
import random
import socket
import struct
import sys
import threading
import time
import urllib.request

from hsm_host import KNOWN, Host, HsmProcess
from sandbox import Checks, fail_without_build, seed

SECONDS = float(os.environ.get("SOAK_SECONDS", "10"))
WARM_SECONDS = min(5.0, SECONDS / 3)
THREADS = 6
LINGER_SECONDS = 2.5  # after its last word the server waits up to 1.3 s for the peer to close
GROWTH_KIB = 2048  # what an allocator may keep between two looks at rest


def well_behaved(port, draw):
    """A pipelined connection; every answer is looked at."""
    host = Host(port)
    for _ in range(draw.randrange(1, 20)):
        asked = [draw.choice(KNOWN) for _ in range(draw.randrange(1, 40))]
        for command, _ in asked:
            host.send(command)
        for command, right in asked:
            answer = host.take()
            if answer != right:
                raise AssertionError("%s answered %s" % (command[:2], answer))
    host.close()


def plug(port):
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def garbage(port, draw):
    with plug(port) as peer:
        peer.sendall(draw.randbytes(draw.randrange(1, 4000)))


def rubbish_commands(port, draw):
    """Well-framed nonsense: answered with an error, or the connection ends."""
    with plug(port) as peer:
        for _ in range(draw.randrange(1, 50)):
            payload = b"SOAK" + draw.choice([b"CW", b"CY", b"QY", b"PM", b"RY", b"A0", b"A6", b"NK", b"??"]) + \
                draw.randbytes(draw.randrange(0, 300))
            peer.sendall(struct.pack(">H", len(payload)) + payload)
        peer.settimeout(0.05)
        try:
            while peer.recv(65536):
                pass
        except OSError:
            pass


def half_a_frame(port, draw):
    with plug(port) as peer:
        peer.sendall(b"\x00\x40SOAKCW"[:draw.randrange(1, 8)])


def reset(port, draw):
    """Leaves with answers on the way."""
    peer = plug(port)
    payload = b"SOAKB20010" + b"0123456789ABCDEF"
    peer.sendall((struct.pack(">H", len(payload)) + payload) * draw.randrange(1, 300))
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def silent(port, draw):
    with plug(port):
        time.sleep(draw.random() / 20)


KINDS = (well_behaved, well_behaved, garbage, rubbish_commands, half_a_frame, reset, silent)


class Crowd:
    """Threads of peers until the time is up."""

    def __init__(self, port, generator, seconds):
        self.port, self.until = port, time.monotonic() + seconds
        self.counts = {kind.__name__: 0 for kind in KINDS}
        self.wrong = []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(random.Random(generator.random()),)) for _ in range(THREADS)]
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join()

    def run(self, draw):
        while time.monotonic() < self.until and not self.wrong:
            kind = draw.choice(KINDS)
            try:
                kind(self.port, draw)
            except (AssertionError, ConnectionError, TimeoutError) as problem:
                if kind is well_behaved:
                    self.wrong.append(str(problem))
            except OSError:
                pass
            with self.lock:
                self.counts[kind.__name__] += 1


def at_rest(hsm):
    """Descriptors, resident KiB and secret bytes taken, once the connections are gone."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        page = urllib.request.urlopen("http://127.0.0.1:%d/metrics" % hsm.admin, timeout=10).read().decode()
        values = {line.split()[0]: int(float(line.split()[1])) for line in page.splitlines() if line and line[0] != "#"}
        if values["countersign_hsm_connections"] == 0:
            break
        time.sleep(0.1)
    time.sleep(LINGER_SECONDS)
    with open("/proc/%d/status" % hsm.pid, encoding="ascii") as text:
        resident = next(int(line.split()[1]) for line in text if line.startswith("VmRSS:"))
    files = len(os.listdir("/proc/%d/fd" % hsm.pid))
    return files, resident, values["countersign_hsm_secret_taken_bytes"]


def main():
    fail_without_build()
    checks, generator = Checks(), seed()
    hsm = HsmProcess()
    threading.Thread(target=lambda: [None for _ in hsm.process.stderr], daemon=True).start()
    warm = Crowd(hsm.port, generator, WARM_SECONDS)
    before = at_rest(hsm)
    crowd = Crowd(hsm.port, generator, SECONDS)
    after = at_rest(hsm)
    print("files, resident KiB, secret bytes: %s before, %s after; %s" % (before, after, crowd.counts), flush=True)
    checks.check(not warm.wrong and not crowd.wrong, "every well-behaved peer got its answers: %s" % (warm.wrong + crowd.wrong))
    checks.check(min(crowd.counts.values()) > 0, "every kind of peer came")
    checks.check(after[0] <= before[0], "no descriptor is left behind")
    checks.check(after[1] <= before[1] + GROWTH_KIB, "resident memory does not grow")
    checks.check(after[2] == before[2], "no secret memory is left behind")
    hsm.process.terminate()
    checks.check(hsm.process.wait(20) == 0, "it stops in order")
    return checks.end()


sys.exit(main())
