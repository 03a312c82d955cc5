# SPDX-License-Identifier: Apache-2.0
"""A seeded sandbox whose services a scenario runs itself, so that it can stop, kill and pause each, and move their clock.

`countersign demo --once` fills a folder once for each build; every lab takes a copy of it with ports of its own."""
import json
import os
import re
import shutil
import struct
import subprocess
import tempfile
import urllib.error
import urllib.request
import uuid

from lab.books import rows
from lab.process import BUILD, COUNTERSIGN, HSM, Process, free_offset, free_port, wait_for
from sandbox import PORTS, World, details, match_of

SERVICES = ("hsm", "issuer", "switch", "gateway")
ADMIN = {"hsm": 2837, "issuer": 9418, "switch": 9920, "gateway": 9417}


def seeded():
    """The folder of this build's sandbox, made if it is not there."""
    stamp = max(int(os.stat(path).st_mtime_ns) for path in (COUNTERSIGN, HSM))
    folder = os.path.join(BUILD, "seeded-%d" % stamp)
    if not os.path.exists(os.path.join(folder, "offset")):
        for name in os.listdir(BUILD):
            if name.startswith("seeded-"):
                shutil.rmtree(os.path.join(BUILD, name), ignore_errors=True)
        made, offset = tempfile.mkdtemp(prefix="seeding-", dir=os.path.abspath(BUILD)), free_offset(PORTS)
        subprocess.run([COUNTERSIGN, "demo", "--once", "--dir", made, "--port-offset", str(offset)], check=True,
                       stdout=subprocess.DEVNULL, timeout=120)
        with open(os.path.join(made, "offset"), "w", encoding="ascii") as out:
            out.write("%d %s" % (offset, made))
        os.rename(made, folder)
    return folder


class Told:
    """What a merchant was told."""

    def __init__(self, status, body):
        self.status, self.body, self.details = status, body, details(body)
        errors = (body or {}).get("error") or [{}]
        self.code = errors[0].get("code")
        self.approved = status == 201 and self.details.get("approvalStatus") == "APPROVED"

    def words(self):
        if self.details:
            return [str(self.status), self.details["approvalStatus"], match_of(self.body) or "-"]
        return [str(self.status), self.code or "-"]


class Lab:
    def __init__(self):
        source = seeded()
        with open(os.path.join(source, "offset"), encoding="ascii") as text:
            was, old = text.read().split()
        self.offset = free_offset(PORTS)
        self.dir = tempfile.mkdtemp(prefix="countersign-lab-")
        shutil.copytree(source, self.dir, dirs_exist_ok=True)
        for name in os.listdir(self.dir):
            if name.endswith((".ini", ".json")):
                self.moved(os.path.join(self.dir, name), int(was), old)
        with open(os.path.join(self.dir, "sandbox.json"), encoding="utf-8") as text:
            self.world = World(json.load(text))
        self.cards, self.merchants = self.world.cards, self.world.merchants
        self.ledger, self.gateway = (os.path.join(self.dir, name) for name in ("ledger.db", "gateway.db"))
        self.ahead_ms, self.clock = 0, os.path.join(self.dir, "clock")
        self.move_clock(0)
        self.disk = os.path.join(self.dir, "disk")
        self.set_disk(0)
        self.address, self.admin = {"gateway": self.world.gateway}, {name: port + self.offset for name, port in ADMIN.items()}
        self.before = {table: self.states(table) for table in ("record", "reversal")}
        self.processes = {name: self.service(name) for name in SERVICES}

    def moved(self, path, was, old):
        with open(path, encoding="utf-8") as text:
            found = text.read().replace(old, self.dir)
        found = re.sub(r"(127\.0\.0\.1:|port = )(\d+)", lambda m: m.group(1) + str(int(m.group(2)) - was + self.offset), found)
        with open(path, "w", encoding="utf-8") as out:
            out.write(found)

    def service(self, name):
        """A service, or a second one beside it: gateway-b has a node name and ports of its own."""
        kind, _, second = name.partition("-")
        command = [COUNTERSIGN, kind, "--config", os.path.join(self.dir, kind + ".ini")]
        if second:
            self.address[name] = "127.0.0.1:%d" % free_port()
            self.admin[name] = free_port()
            command += ["--set=%s.node=%s" % (kind, name), "--set=rest.listen=" + self.address[name],
                        "--set=admin.listen=127.0.0.1:%d" % self.admin[name]]
        if name == "hsm":
            command = [HSM, "--test-lmk", "--listen", self.world.text["hsm"]["address"], "--header", "4", "--admin",
                       "127.0.0.1:%d" % self.admin["hsm"]]
        libraries = [os.path.abspath(os.path.join(BUILD, "tests/scenario", library)) for library in ("clock.so", "disk.so")]
        preload = {"LD_PRELOAD": ":".join(libraries), "COUNTERSIGN_CLOCK": self.clock, "COUNTERSIGN_DISK": self.disk}
        return Process(name, command, preload, os.path.join(self.dir, name + ".log"))

    def move_clock(self, milliseconds):
        """Of all processes and of the lab's own requests."""
        self.ahead_ms += milliseconds
        with open(self.clock, "r+b" if os.path.exists(self.clock) else "wb") as out:
            out.write(struct.pack("q", self.ahead_ms))

    def set_disk(self, code):
        """Writes to database files fail with this errno; 0: they do not."""
        with open(self.disk, "r+b" if os.path.exists(self.disk) else "wb") as out:
            out.write(struct.pack("i", code))

    def page(self, name, path):
        """(status, text) of an admin page; 0 if nobody answers."""
        try:
            url = "http://127.0.0.1:%d/%s" % (self.admin[name], path)
            with urllib.request.urlopen(url, timeout=3) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, ""
        except OSError:
            return 0, ""

    def metric(self, name, line):
        found = re.search(r"(?m)^%s ([0-9.e+-]+)$" % re.escape(line), self.page(name, "metrics")[1])
        return int(float(found.group(1))) if found else None

    def start(self, name, *settings):
        if name not in self.processes:
            self.processes[name] = self.service(name)
        self.processes[name].start(*["--set=" + setting for setting in settings])
        wait_for(lambda: self.page(name, "healthz")[0] == 200 or not self.processes[name].runs(), 20)
        if not self.processes[name].runs():
            raise RuntimeError("%s does not come up" % name)

    def close(self):
        for process in self.processes.values():
            if process.process:
                process.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    # ---- what people do

    def card(self, name):
        """A card by its id, the n-th of a mode or of another brand (static-1, one_time-3, AMEX-0), or a number that nobody issued.
        Number 0 of each mode is the one that the seeding pays with."""
        if name.isdigit():
            return {"cardId": "", "pan": name, "expiry": "3012"}
        kind, _, number = name.rpartition("-")
        found = self.world.of_mode(kind) or [card for card in self.world.text["otherBrands"] if card["brand"] == kind]
        return found[int(number)] if found else next(card for card in self.cards if card["cardId"] == name)

    def display(self, card, timeout=10):
        return self.world.display(card, timeout)

    def charge(self, card, code, amount_minor, merchant=0, request_id=None):
        return Told(*self.world.charge(card, code, "%d.%02d" % divmod(amount_minor, 100), merchant, request_id or str(uuid.uuid4()),
                                       ahead_ms=self.ahead_ms))

    def row(self, statement, *values, path=None):
        found = rows(path or self.ledger, statement, *values)
        return found[0] if found else None

    def states(self, table):
        """Rows of a table of the gateway by their state."""
        return dict(rows(self.gateway, "SELECT state, count(*) FROM %s GROUP BY state" % table))

    def made(self, table):
        """The same, without those of the seeding."""
        now = {state: count - self.before[table].get(state, 0) for state, count in self.states(table).items()}
        return ["%s=%d" % (state, now[state]) for state in sorted(now) if now[state]]
