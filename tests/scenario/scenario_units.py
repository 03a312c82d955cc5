#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The packaged units: systemd understands them and finds little to reach; issuer, switch and gateway start as they say."""
import glob
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

from lab.process import BUILD, COUNTERSIGN, Process
from sandbox import Checks, fail_without_build
from tls_files import Authority

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
UNITS = sorted(glob.glob(os.path.join(ROOT, "packaging/systemd/*.service")))
MOST_EXPOSED = 20  # tenths
SERVICES = ("issuer", "switch", "gateway")
USERS = {"issuer": "countersign-ledger", "switch": "countersign-ledger", "gateway": "countersign-gateway"}


def text_of(path):
    with open(path, encoding="utf-8") as page:
        return page.read()


def analyze(*arguments):
    done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


def exposure(checks, unit):
    """What systemd says of the unit. verify looks for the program: it is given the one that was built."""
    name = os.path.basename(unit)
    status, said = analyze("security", "--offline=true", "--threshold=%d" % MOST_EXPOSED, unit)
    level = re.search(r"exposure level for \S+: ([0-9.]+)", said)
    checks.check(status == 0 and level and float(level.group(1)) <= MOST_EXPOSED / 10,
                 "%s: exposure %s" % (name, level and level.group(1)))
    status, said = analyze("security", "--offline=true", "--threshold=1", unit)
    checks.check(status != 0, "%s: the threshold is looked at" % name)
    with tempfile.TemporaryDirectory(prefix="countersign-unit-") as folder:
        copy = os.path.join(folder, name)
        with open(copy, "w", encoding="utf-8") as out:
            out.write(text_of(unit).replace("/usr/bin/", os.path.abspath(BUILD) + "/"))
        status, said = analyze("verify", "--man=no", "--recursive-errors=no", copy)
        checks.check(status == 0 and not said, "%s: verified: %s" % (name, said[:200]))


class Place:
    """A root of its own with what the units and the packaged configurations name."""

    def __init__(self, root):
        self.root, self.etc = root, os.path.join(root, "etc/countersign")
        credentials = [os.path.join(root, "run/credentials/countersign-%s.service" % name) for name in SERVICES]
        for folder in (self.etc, *credentials, *(os.path.join(root, "var/lib", user) for user in USERS.values())):
            os.makedirs(folder, 0o700, exist_ok=True)
        authority = Authority(self.etc)
        for name in ("issuer", "switch", "issuer-rest", "gateway-rest"):
            authority.leaf(name, name + ".bank.example")
        self.put(os.path.join(self.etc, "keys.ini"), "[keys]\ncvk = U9B4934384B19946B040CD702B4D58145\n")
        for folder in credentials:
            self.put(os.path.join(folder, "vault.key"), "5c" * 32 + "\n")
        for name in SERVICES:
            self.put(os.path.join(self.etc, name + ".conf"),
                     self.rooted(text_of(os.path.join(ROOT, "packaging/countersign-%s.conf" % name))))

    def put(self, path, text):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write(text)

    def rooted(self, text):
        text = re.sub(r"(?m)^((?!;).*= (?:sqlite:)?)(/(?:etc|var|run)/)", r"\g<1>%s\2" % self.root, text)
        return re.sub(r"(?m)^(listen = )\S+$", r"\g<1>127.0.0.1:0", text)

    def command(self, name):
        """ExecStart of the unit."""
        words = shlex.split(re.search(r"(?m)^ExecStart=(.+)$", text_of(os.path.join(
            ROOT, "packaging/systemd/countersign-%s.service" % name))).group(1))
        return [COUNTERSIGN] + [word.replace("/etc/countersign", self.etc) for word in words[1:]]


def starts(checks, place, name):
    process = Process(name, place.command(name), log=os.path.join(place.root, name + ".log")).start()
    started, confined = process.event(name + ".started"), process.event(name + ".confined")
    checks.check(started is not None, "%s starts as its unit says: %s" % (name, started or process.said()[-300:]))
    checks.check(confined is not None and confined["system_calls"] == "in force", "%s has locked itself in" % name)
    checks.check(process.stop() == 0, "%s stops in order" % name)


def users(checks):
    """Each unit keeps its files in the folder that is made for its user, and its configuration means the same."""
    for name, user in USERS.items():
        unit = text_of(os.path.join(ROOT, "packaging/systemd/countersign-%s.service" % name))
        conf = text_of(os.path.join(ROOT, "packaging/countersign-%s.conf" % name))
        checks.check(all("%s=%s\n" % (key, user) in unit for key in ("User", "Group", "StateDirectory")) and
                     "sqlite:/var/lib/%s/" % user in conf, "%s: one user, one folder" % name)


def main():
    fail_without_build()
    checks = Checks()
    if not shutil.which("systemd-analyze"):
        checks.check(False, "systemd-analyze is here: run tools/setup --test")
        return checks.end()
    checks.check({os.path.basename(unit) for unit in UNITS} == {"countersign-%s.service" % n for n in ("hsm",) + SERVICES},
                 "there is a unit for each service")
    for unit in UNITS:
        exposure(checks, unit)
    users(checks)
    with tempfile.TemporaryDirectory(prefix="countersign-units-") as root:
        place = Place(root)
        for name in SERVICES:
            starts(checks, place, name)
    return checks.end()


sys.exit(main())
