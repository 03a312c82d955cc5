#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Settings that cannot be used: a service does not start, and says which setting it is, why, and what to do."""
import os
import subprocess
import sys
import tempfile

from sandbox import BUILD, COUNTERSIGN, Checks, fail_without_build

HSM = os.path.join(BUILD, "countersign-hsm")
FILES = {
    "vault.key": "00" * 32 + "\n",
    "vault.short": "00" * 31 + "\n",
    "keys.ini": "[keys]\ncvk = U123\n",
    "keys.twice": "[keys]\ncvk = U123\ncvk = U456\n",
    "merchants.ini": "[merchants]\n100008000000001 = 10000001 key-without-a-secret\n",
}
# What every case of a service starts from; {} is the folder of the files above.
COMMON = {
    "switch": {"store.url": "sqlite:{}/ledger.db", "vault.file": "{}/vault.key", "keys.file": "{}/keys.ini",
               "admin.listen": "", "visa.listen": "127.0.0.1:0", "generic.listen": ""},
    "issuer": {"store.url": "sqlite:{}/ledger.db", "vault.file": "{}/vault.key", "keys.file": "{}/keys.ini",
               "admin.listen": "", "rest.listen": "127.0.0.1:0"},
    "gateway": {"store.url": "sqlite:{}/gateway.db", "vault.file": "{}/vault.key", "admin.listen": "",
                "rest.listen": "127.0.0.1:0"},
}
# service, what is different, the words that must be told
CASES = (
    ("switch", {"visa.listen": ""}, ("no link listens", "visa.listen")),
    ("issuer", {"keys.file": ""}, ("keys.file: not set", "name = text under [keys]")),
    ("switch", {"keys.file": "{}/none"}, ("keys.file: {}/none: cannot be read",)),
    ("switch", {"keys.file": "{}/keys.twice"}, ("keys.file: {}/keys.twice:3", "write name = text under [keys]")),
    ("switch", {"vault.file": "{}/none"}, ("vault.file: {}/none: cannot be used", "64 hexadecimal digits")),
    ("switch", {"vault.file": "{}/vault.short"}, ("vault.file: {}/vault.short", "openssl rand -hex 32")),
    ("switch", {"store.url": "sqlite:{}/no/such/folder/ledger.db"}, ("store.url: ", "write sqlite:PATH")),
    ("switch", {"store.url": "oracle:scott/tiger"}, ("store.url: ", "write sqlite:PATH")),
    ("switch", {"hsm.address": "127.0.0.1:1500,,"}, ("hsm.address: write ADDR:PORT",)),
    ("switch", {"hsm.lmk": "1"}, ("hsm.lmk: write two digits",)),
    ("switch", {"hsm.layout": "{}/keys.ini"}, ("hsm.layout: {}/keys.ini:1",)),
    ("issuer", {"rest.listen": "8081"}, ("rest.listen: 8081", "write a free ADDR:PORT")),
    ("issuer", {"rest.certificate": "{}/none"}, ("rest.listen: 127.0.0.1:0", "PEM files")),
    ("issuer", {"rest.slots": "0"}, ("rest.slots",)),
    ("gateway", {"route.bins": "4:visa 5"}, ("route.bins: '5'", "PREFIX:NETWORK")),
    ("gateway", {"sandbox.merchants": "{}/merchants.ini"},
     ("sandbox.merchants: {}/merchants.ini: 100008000000001", "TERMINAL APIKEY SECRET NAME")),
)
HELPED = ([COUNTERSIGN], [COUNTERSIGN, "issuer"], [COUNTERSIGN, "switch"], [COUNTERSIGN, "gateway"], [COUNTERSIGN, "demo"], [HSM],
          [HSM, "serve"])


def start(service, settings, folder):
    given = {**COMMON[service], **settings}
    command = [COUNTERSIGN, service] + ["--set=%s=%s" % (key, value.format(folder)) for key, value in given.items()]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def refused(checks, folder):
    for service, settings, wanted in CASES:
        done = start(service, settings, folder)
        line = done.stderr.strip().splitlines()[-1]
        missing = [word for word in wanted if word.format(folder) not in line]
        checks.check(done.returncode in (1, 2) and line.startswith("countersign %s: " % service) and not missing,
                     "%s refuses %s: %s" % (service, settings, line))
        checks.check("tiger" not in done.stderr, "and repeats no address of a database")


def helped(checks):
    for command in HELPED:
        for option in ("-h", "--help"):
            done = subprocess.run(command + [option], capture_output=True, text=True, timeout=30, check=False)
            checks.check(done.returncode == 0 and done.stdout.startswith("Usage: "), " ".join(command[1:] + [option]) + " helps")


def main():
    fail_without_build()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        for name, text in FILES.items():
            with open(os.path.join(folder, name), "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as out:
                out.write(text)
        refused(checks, folder)
    helped(checks)
    return checks.end()


sys.exit(main())
