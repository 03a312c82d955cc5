#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""countersign-hsm with a TLS port, asked by Python's ssl: both ports at once, who is let in, new certificates by SIGHUP."""
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from sandbox import Checks, fail_without_build
from tls_files import Authority
from tools_hsm import CVK, PROGRAM

ASKED = ("CY" + CVK + "5614123456789012345;8701101").encode()


def few_files():
    """A soft limit below the connections that are opened; the process raises it."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


class TlsHsm:
    """Keeps what the process logs; ports by their names in the first line."""

    def __init__(self, *arguments):
        command = [PROGRAM, "--test-lmk", "--admin", "127.0.0.1:0", *arguments]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=few_files)
        self.lines = []
        self.started = threading.Event()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        if not self.started.wait(10):
            raise RuntimeError("the HSM did not start: " + "".join(self.lines))
        line = next(text for text in self.lines if "hsm.started" in text)
        self.port, self.tls_port, self.admin_port = (int(re.search(r'"%s":(\d+)' % name, line).group(1))
                                                     for name in ("port", "tls_port", "admin_port"))

    def read(self):
        for line in self.process.stderr:
            self.lines.append(line)
            if "hsm.started" in line:
                self.started.set()
        self.started.set()

    def wait_log(self, text):
        end = time.monotonic() + 5
        while time.monotonic() < end:
            if any(text in line for line in self.lines):
                return True
            time.sleep(0.02)
        return False

    def metric(self, name):
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % self.admin_port, timeout=5) as page:
            return int(re.search(r"^%s (\d+)$" % name, page.read().decode(), re.M).group(1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        self.reader.join()
        self.process.stderr.close()


def context(ca, name=None, version=None):
    made = ssl.create_default_context(cafile=ca.path("ca.pem"))
    if version:
        made.minimum_version = made.maximum_version = version
    if name:
        made.load_cert_chain(ca.path(name + ".pem"), ca.path(name + ".key"))
    return made


def ask(sock, command, header=b"HEAD"):
    frame = header + command
    sock.sendall(len(frame).to_bytes(2, "big") + frame)
    answer = b""
    while len(answer) < 2 or len(answer) < 2 + int.from_bytes(answer[:2], "big"):
        more = sock.recv(65536)
        if not more:
            return None
        answer += more
    return answer[2:]


def dial(hsm, made):
    return made.wrap_socket(socket.create_connection(("127.0.0.1", hsm.tls_port), timeout=10), server_hostname="127.0.0.1")


def refused(hsm, made):
    try:
        with dial(hsm, made) as sock:
            return ask(sock, ASKED) is None
    except (ssl.SSLError, ConnectionError):
        return True


def options(ca, listen="127.0.0.1:0", **more):
    values = {"tls_listen": "127.0.0.1:0", "tls_certificate": ca.path("hsm.pem"), "tls_key": ca.path("hsm.key"),
              "tls_ca": ca.path("ca.pem"), **more}
    return ["--listen", listen] + ["--set=hsm.%s=%s" % pair for pair in values.items()]


def answers(checks, ca):
    with TlsHsm(*options(ca)) as hsm:
        with socket.create_connection(("127.0.0.1", hsm.port), timeout=10) as plain:
            checks.check(ask(plain, ASKED) == b"HEADCZ00", "the plain port answers")
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                with dial(hsm, context(ca, "switch", version)) as sock:
                    checks.check(ask(sock, ASKED) == b"HEADCZ00", "CY is answered over " + sock.version())
                    checks.check(ask(sock, ASKED.replace(b"561", b"111", 1)) == b"HEADCZ01", "and a wrong code told")
                    checks.check(sock.getpeercert()["subject"][0][0][1] == "hsm one", "the HSM shows its certificate")
            checks.check(ask(plain, b"NC")[:8] == b"HEADND00", "the plain port goes on")
        checks.check(refused(hsm, context(ca)), "a client without certificate is refused")
        checks.check(hsm.wait_log("peer did not return a certificate"), "with its reason in the log")
        checks.check(hsm.metric("countersign_hsm_handshakes_failed_total") == 1, "and counted")
        many = [dial(hsm, context(ca, "switch")) for _ in range(200)]
        checks.check(all(ask(sock, ASKED) == b"HEADCZ00" for sock in many), "200 connections are answered")
        checks.check(hsm.metric("countersign_hsm_connections") == 200, "and counted")
        for sock in many:
            sock.close()


def reloading(checks, ca):
    with TlsHsm(*options(ca, "")) as hsm:
        checks.check(hsm.port == 0, "an empty hsm.listen opens no plain port")
        with dial(hsm, context(ca, "switch")) as before:
            ca.leaf("hsm", "hsm two", "subjectAltName=IP:127.0.0.1")
            hsm.process.send_signal(signal.SIGHUP)
            checks.check(hsm.wait_log("hsm.reloaded"), "SIGHUP reads the certificates again")
            with dial(hsm, context(ca, "switch")) as after:
                checks.check(after.getpeercert()["subject"][0][0][1] == "hsm two", "new connections see the new one")
                checks.check(ask(after, ASKED) == b"HEADCZ00", "and are answered")
            checks.check(ask(before, ASKED) == b"HEADCZ00", "old connections live on")
            shutil.copy(ca.path("switch.pem"), ca.path("hsm.pem"))
            hsm.process.send_signal(signal.SIGHUP)
            checks.check(hsm.wait_log("hsm.reload_refused"), "a certificate without its key is not taken")
            with dial(hsm, context(ca, "switch")) as again:
                checks.check(again.getpeercert()["subject"][0][0][1] == "hsm two", "the one in force stays")


def bad_starts(checks, ca):
    for more, told in (({"tls_key": ca.path("switch.key")}, "switch.key: the key does not belong to the certificate"),
                       ({"tls_ca": ""}, "CA: no file is named"),
                       ({"tls_listen": "", "listen": ""}, "no host port: set hsm.listen, hsm.tls_listen or both"),
                       ({"tls_certificate": "/nowhere.pem"}, "/nowhere.pem: No such file or directory; name a PEM file")):
        ran = subprocess.run([PROGRAM, "--test-lmk", *options(ca, **more)], capture_output=True, text=True, timeout=20, check=False)
        checks.check(ran.returncode == 2 and told in ran.stderr, "a bad start is told: " + told)


def main():
    fail_without_build()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        ca = Authority(folder)
        ca.leaf("hsm", "hsm one", "subjectAltName=IP:127.0.0.1")
        ca.leaf("switch", "switch 1")
        answers(checks, ca)
        bad_starts(checks, ca)
        reloading(checks, ca)
        checks.check(not os.path.exists(os.path.join(folder, "core")), "no core is left")
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
