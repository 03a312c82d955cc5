#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Strangers hold what they can of every port while honest people pay: nobody of them is refused.

SIEGE_SECONDS=0.5 for each attack; `make siege` takes 30 and judges the times, too: peace and attack take turns, since other
programs on the machine make both slower. SIEGE_ONLY=WORDS leaves out the attacks whose name does not have these words.
"""
import json
import os
import resource
import socket
import ssl
import struct
import sys
import threading
import time

from lab.process import Process, free_port
from lab.world import Lab
from sandbox import Checks, approved, call, fail_without_build
from scenario_gateway_keys import block, generate
from tls_files import Authority

SECONDS = float(os.environ.get("SIEGE_SECONDS", "0.5"))
JUDGED = SECONDS >= 10
TURNS = 3 if JUDGED else 1
ONLY = os.environ.get("SIEGE_ONLY", "")
CHARGES = "/payments/v1/charges"
DRIP_S = 3
LOG_S = 12000  # bytes: twenty refused handshakes, one full port, and what else there is
KEYS = "400 requests for encryption keys at a time by one merchant"
STRANGER, HONEST = "127.0.0.2", "127.0.0.1"
HEAD = b"POST /%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
HALF_BODY = HEAD % CHARGES[1:].encode() + b"Content-Length: 500\r\n\r\n{"
HALF_HEAD = HEAD % b"x" + b"X-A"
TCP_REPAIR = 19


class Attack:
    """Connections that say one thing, and a byte every three seconds if they drip; those that were closed come again."""

    def __init__(self, port, count, says=b"", drips=False, source=STRANGER, vanishes=False):
        self.port, self.says, self.drips, self.source, self.vanishes = port, says, drips, source, vanishes
        self.links = [self.connect() for _ in range(count)]
        self.next = time.monotonic() + DRIP_S

    def connect(self):
        link = socket.socket()
        link.bind((self.source, 0))
        link.settimeout(5)
        try:
            link.connect(("127.0.0.1", self.port))
            if self.says:
                link.sendall(self.says)
            if self.vanishes:
                link.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)  # closed without a word to the peer
                link.close()
        except OSError:
            link.close()
        return link

    def go_on(self):
        if not self.drips or time.monotonic() < self.next:
            return
        self.next += DRIP_S
        for number, link in enumerate(self.links):
            try:
                link.sendall(b"x")
            except OSError:
                link.close()
                self.links[number] = self.connect()

    def close(self):
        for link in self.links:
            link.close()


class Flood:
    """A merchant that wants encryption keys, from a process of its own."""

    def __init__(self, folder, at_once):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "siege_flood.py")
        self.process = Process("flood", [sys.executable, script, folder, str(at_once)])
        self.process.start(preexec_fn=lambda: os.nice(19))  # it would be on another machine

    def go_on(self):
        pass

    def close(self):
        self.process.kill()


class Honest(threading.Thread):
    """Pays with a static code, in clear and encrypted, looks at health pages, opens links to switch and HSM, again and again."""

    def __init__(self, lab, tls):
        super().__init__(daemon=True)
        self.lab, self.tls, self.stopped, self.times, self.failed = lab, tls, False, [], []
        self.card = lab.card("static-1")
        self.code = lab.display(self.card)[1]["cvv"]
        self.merchant = lab.merchants[0]
        key = generate(lab.world.gateway, self.merchant)[1]["asymmetricKeyDetails"]
        sealed = json.loads(block(self.card, self.code, self.merchant, key))
        self.sealed = json.dumps({**sealed, "amount": {"total": 0.01, "currency": "AUD"}})
        self.start()

    def link(self, port, asked, wanted):
        with socket.create_connection(("127.0.0.1", port), timeout=5, source_address=(HONEST, 0)) as link:
            link.sendall(asked)
            if link.recv(len(wanted), socket.MSG_WAITALL) != wanted:
                raise OSError("port %d does not answer" % port)

    def over_tls(self):
        context, port = self.tls
        with socket.create_connection(("127.0.0.1", port), timeout=5, source_address=(HONEST, 0)) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as link:
                link.sendall(struct.pack(">H", 6) + b"HEADNC")
                if link.recv(8)[2:] == b"":
                    raise OSError("the HSM does not answer over TLS")

    def encrypted(self):
        status, body = self.lab.world.signed(self.merchant, CHARGES, self.sealed, timeout=10)
        if status != 201 or not approved(body):
            raise OSError("an encrypted payment: %d" % status)

    def look(self):
        issuer = self.lab.world.text["issuer"]
        path = "/v2/issuers/%s/cards/%s" % (issuer["issuerId"], self.card["cardId"])
        return call(self.lab.world.issuer, "GET", path, {"X-Api-Key": issuer["apiKey"]}, None, 5)[0]

    def once(self):
        told = self.lab.charge(self.card, self.code, 1)
        if not told.approved:
            raise OSError("a payment: %s" % told.words())
        self.encrypted()
        if self.look() != 200:
            raise OSError("the issuer does not answer")
        for name in self.lab.admin:
            if name != "sandbox" and self.lab.page(name, "healthz")[0] != 200:
                raise OSError("%s does not tell its health" % name)
        self.link(self.lab.iso_port, b"\0\0", b"\0\0")
        self.over_tls()

    def run(self):
        while not self.stopped:
            began = time.monotonic()
            try:
                self.once()
            except OSError as error:
                self.failed.append(str(error))
            self.times.append(time.monotonic() - began)

    def during(self, seconds, attack=None):
        """(how long each turn took, what failed) while the attack goes on."""
        self.times, self.failed = [], []
        until = time.monotonic() + seconds
        while time.monotonic() < until or len(self.times) < 3:
            time.sleep(0.05)
            if attack:
                attack.go_on()
        return list(self.times), list(self.failed)


def p99_ms(times):
    return sorted(times)[int(len(times) * 0.99) - (len(times) >= 100)] * 1000


def withstand(checks, honest, name, attack_of):
    """Peace and attack in turns; nobody honest is refused, and the slowest of a hundred turns takes at most twice as long."""
    peace, attacked, failed = [], [], []
    for _ in range(TURNS):
        if JUDGED:
            peace += honest.during(SECONDS / TURNS / 2)[0]
        attack = attack_of()
        times, problems = honest.during(SECONDS / TURNS, attack)
        attack.close()
        attacked, failed = attacked + times, failed + problems
    checks.check(not failed, "%s: p99 %.0f ms of %d turns %s" % (name, p99_ms(attacked), len(attacked), failed[:2]))
    if JUDGED:
        ratio = p99_ms(attacked) / p99_ms(peace)
        checks.check(ratio <= 2, "and it has at most doubled: %.2f of %.0f ms in peace" % (ratio, p99_ms(peace)))


def few_files(lab, *services):
    """As under a hard limit of 1,024."""
    for name in services:
        process = lab.processes[name]
        process.command = ["sh", "-c", 'ulimit -n 1024; exec "$@"', name] + process.command


def begin(lab, tls_port):
    authority = Authority(lab.dir)
    authority.leaf("server", "hsm", "subjectAltName=IP:127.0.0.1")
    authority.leaf("client", "honest host")
    few_files(lab, "hsm", "gateway")
    files = {"tls_certificate": "server.pem", "tls_key": "server.key", "tls_ca": "ca.pem"}
    lab.start("hsm", "hsm.tls_listen=127.0.0.1:%d" % tls_port, *["hsm.%s=%s" % (k, authority.path(v)) for k, v in files.items()])
    lab.iso_port = free_port()
    lab.start("switch", "generic.listen=127.0.0.1:%d" % lab.iso_port, "generic.zero_length=echo")
    lab.start("issuer")
    lab.start("gateway", "gateway.keys_live=100000")
    context = ssl.create_default_context(cafile=authority.path("ca.pem"))
    context.load_cert_chain(authority.path("client.pem"), authority.path("client.key"))
    return context


def attacks(lab, tls_port):
    gateway, issuer = (int(at.rpartition(":")[2].split("/")[0]) for at in (lab.world.gateway, lab.world.issuer))
    for source in (STRANGER, HONEST):
        whose = "from %s" % ("elsewhere" if source == STRANGER else "the address of honest people")
        yield "900 half bodies at the gateway " + whose, (gateway, 900, HALF_BODY), {"source": source}
        yield "900 half bodies at the issuer " + whose, (issuer, 900, HALF_BODY), {"source": source}
        yield "1,000 half headers at the gateway " + whose, (gateway, 1000, HALF_HEAD), {"source": source}
        yield "1,000 half headers at the issuer " + whose, (issuer, 1000, HALF_HEAD), {"source": source}
        yield "a byte every 3 s on 600 connections " + whose, (gateway, 600, HALF_HEAD, True), {"source": source}
        yield "1,100 mute sockets at a link " + whose, (lab.iso_port, 1100), {"source": source}
        yield "half a frame, a byte every 3 s, at a link " + whose, (lab.iso_port, 300, b"\1\0x", True), {"source": source}
        yield "1,100 mute TLS connections at the HSM, 1,024 files " + whose, (tls_port, 1100), {"source": source}
        for name in ("hsm", "issuer", "switch", "gateway"):
            yield "80 mute sockets at the admin port of %s %s" % (name, whose), (lab.admin[name], 80), {"source": source}
    yield "1,100 peers that vanish without a word", (lab.iso_port, 1100), {"vanishes": os.geteuid() == 0}


def taken_away(checks, lab, honest, tls_port):
    """The limit sinks below what is open: the HSM learns it from accept alone. It goes on with what it has, and resumes."""
    for _ in range(2):
        resource.prlimit(lab.processes["hsm"].pid, resource.RLIMIT_NOFILE, (40, 1024))
        attack = Attack(tls_port, 300)
        honest.during(SECONDS, attack)
        resource.prlimit(lab.processes["hsm"].pid, resource.RLIMIT_NOFILE, (1024, 1024))
        time.sleep(1.5)
        honest.during(0.5)
        failed = honest.during(SECONDS)[1]
        checks.check(not failed, "the HSM serves again when it has descriptors: %s" % failed[:2])
        attack.close()
    resource.prlimit(lab.processes["hsm"].pid, resource.RLIMIT_NOFILE, (40, 1024))
    return Attack(tls_port, 300)


def main():
    fail_without_build()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192) if hard > 0 else 8192, hard))
    checks, lab, tls_port, began = Checks(), Lab(), free_port(), time.monotonic()
    try:
        context = begin(lab, tls_port)
        honest = Honest(lab, (context, tls_port))
        failed = honest.during(max(SECONDS / TURNS, 1))[1]
        checks.check(not failed, "in peace honest people are served: %s" % failed[:2])
        for name, words, more in attacks(lab, tls_port):
            if ONLY in name:
                withstand(checks, honest, name, lambda: Attack(*words, **more))
        if ONLY in KEYS:
            withstand(checks, honest, KEYS, lambda: Flood(lab.dir, 400))
        last = taken_away(checks, lab, honest, tls_port)
        honest.stopped = True
        honest.join()
        grown = len(lab.processes["hsm"].said()) / (time.monotonic() - began)
        checks.check(grown < LOG_S, "the log of the HSM grows by %d bytes a second, refused handshakes in it" % grown)
        checks.check(lab.processes["hsm"].stop() == 0, "the HSM ends when it is told to, with no descriptor left")
        last.close()
    finally:
        lab.close()
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
