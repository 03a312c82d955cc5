#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Switch and issuer against an HSM that is set as a payShield may be: TLS with a name of its own, a header of eight bytes."""
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

from sandbox import BUILD, Checks, fail_without_build
from scenario_hsm_tls import TlsHsm, options
from tls_files import Authority

PROGRAM = os.path.join(BUILD, "countersign")


class Service:
    def __init__(self, name, folder, **settings):
        self.log = []
        self.admin = 0
        values = {"store.url": "sqlite:" + os.path.join(folder, name + ".db"), "admin.listen": "127.0.0.1:%d" % free_port(),
                  "keys.file": os.path.join(folder, "keys.ini"), "vault.file": os.path.join(folder, "vault.key"), **settings}
        if name == "issuer":
            values["rest.listen"] = "127.0.0.1:0"
        else:
            values.update({"visa.listen": "127.0.0.1:0", "generic.listen": ""})
        self.admin = values["admin.listen"]
        self.process = subprocess.Popen([PROGRAM, name] + ["--set=%s=%s" % pair for pair in values.items()],
                                        stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr))
        self.reader.start()

    def ready(self):
        try:
            with urllib.request.urlopen("http://%s/readyz" % self.admin, timeout=2) as page:
                return page.status == 200
        except (urllib.error.URLError, ConnectionError):
            return False

    def becomes_ready(self, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.ready():
                return True
            time.sleep(0.05)
        return False

    def stop(self):
        self.process.terminate()
        status = self.process.wait(20)
        self.reader.join()
        self.process.stderr.close()
        return status, "".join(self.log)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def prepare(folder):
    with open(os.path.join(folder, "keys.ini"), "w", encoding="ascii") as keys:
        keys.write("[keys]\ncvk = U9B4934384B19946B040CD702B4D58145\nmk = UB68E039974B21519E5E2226866C4D3A0\n")
    path = os.path.join(folder, "vault.key")
    with open(path, "w", encoding="ascii") as vault:
        vault.write(os.urandom(32).hex())
    os.chmod(path, 0o600)
    ca = Authority(folder)
    ca.leaf("hsm", "hsm one", "subjectAltName=DNS:payshield-1")
    ca.leaf("switch", "switch 1")
    return ca


def main():
    fail_without_build()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        ca = prepare(folder)
        with TlsHsm(*options(ca, "", header="8")) as hsm:
            link = {"hsm.address": "127.0.0.1:%d" % hsm.tls_port, "hsm.header": "8", "hsm.tls_ca": ca.path("ca.pem"),
                    "hsm.tls_certificate": ca.path("switch.pem"), "hsm.tls_key": ca.path("switch.key")}
            for name in ("switch", "issuer"):
                service = Service(name, folder, **link, **{"hsm.tls_name": "payshield-1"})
                checks.check(service.becomes_ready(), "the %s reaches the HSM over TLS by its name" % name)
                status, log = service.stop()
                checks.check(status == 0 and "net.connected" in log, "and ends well")
                service = Service(name, folder, **link)
                checks.check(not service.becomes_ready(2), "without the name the %s does not believe it" % name)
                status, log = service.stop()
                checks.check(status == 0 and "IP address mismatch" in log, "and tells why")
                service = Service(name, folder, **{**link, "hsm.tls_key": ca.path("hsm.key")})
                service.process.wait(20)
                status, log = service.stop()
                checks.check(status == 2 and re.search("hsm.key: the key does not belong to the certificate; ", log) is not None,
                             "a key of another certificate stops the %s's start" % name)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
