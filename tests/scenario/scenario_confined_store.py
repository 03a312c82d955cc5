#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A locked-in service finds its PostgreSQL again: by name, over TLS, after a restart and with another certificate."""
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time

from lab.process import COUNTERSIGN, Process, free_port
from sandbox import Checks, fail_without_build
from tls_files import Authority

PROGRAMS = "/usr/lib/postgresql/15/bin/"
WORD = "a word for tests"


class Server:
    """A PostgreSQL of its own that answers over TLS alone, in a folder of its own."""

    def __init__(self, folder):
        self.folder, self.data, self.port = folder, os.path.join(folder, "data"), free_port()
        self.user = pwd.getpwnam("postgres") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        os.chown(folder, self.user.pw_uid, self.user.pw_gid)
        self.put("word", WORD + "\n")
        self.run("initdb", "-D", self.data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", os.path.join(folder, "word"))

    def put(self, name, text):
        path = os.path.join(self.folder, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write(text)
        os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def run(self, program, *arguments):
        who = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
        subprocess.run([PROGRAMS + program, *arguments], check=True, cwd=self.folder, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=120, **who)

    def certify(self, authority):
        for kind in ("pem", "key"):
            with open(authority.path("server." + kind), encoding="ascii") as text:
                self.put("server." + kind, text.read())

    def start(self):
        options = {"ssl": "on", "ssl_cert_file": os.path.join(self.folder, "server.pem"), "port": self.port,
                   "ssl_key_file": os.path.join(self.folder, "server.key"), "listen_addresses": "127.0.0.1",
                   "unix_socket_directories": self.folder}
        self.run("pg_ctl", "-w", "-D", self.data, "-l", os.path.join(self.folder, "log"), "-o",
                 " ".join("-c %s=%s" % row for row in options.items()), "start")

    def stop(self):
        self.run("pg_ctl", "-w", "-m", "fast", "-D", self.data, "stop")


def authority_of(folder):
    """Also in place of an earlier one: the file of its certificate is another file then."""
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))
    authority = Authority(folder)
    authority.leaf("server", "localhost", "subjectAltName=DNS:localhost")
    return authority


def gateway(root, server, tls):
    files = {"vault.key": "5c" * 32 + "\n", "pass": "localhost:%d:*:postgres:%s\n" % (server.port, WORD)}
    for name, text in files.items():
        with open(os.open(os.path.join(root, name), os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as out:
            out.write(text)
    url = "postgres:host=localhost port=%d dbname=postgres user=postgres sslmode=verify-full sslrootcert=%s/ca.pem passfile=%s/pass"
    settings = {"store.url": url % (server.port, tls, root), "vault.file": os.path.join(root, "vault.key"),
                "rest.listen": "127.0.0.1:0", "admin.listen": "127.0.0.1:0"}
    return Process("gateway", [COUNTERSIGN, "gateway"] + ["--set=%s=%s" % row for row in settings.items()],
                   log=os.path.join(root, "gateway.log"))


def again(process, since):
    """Its reader is up again; its writer, whose next try is of the gateway's own accord, has not been refused since."""
    return process.event("store.reader_up", 30, since) is not None


def main():
    fail_without_build()
    checks, root = Checks(), tempfile.mkdtemp(prefix="countersign-confined-")
    os.chmod(root, 0o755)
    tls, place = os.path.join(root, "tls"), os.path.join(root, "postgres")
    os.mkdir(tls)
    os.mkdir(place, 0o700)
    server, process = Server(place), None
    try:
        server.certify(authority_of(tls))
        server.start()
        process = gateway(root, server, tls).start()
        confined = process.event("gateway.confined")
        checks.check(confined is not None and confined["system_calls"] == "in force", "the gateway has locked itself in")
        checks.check(again(process, 0), "it reads from PostgreSQL by name over TLS")
        server.stop()
        since = os.path.getsize(process.log)
        server.start()
        checks.check(again(process, since), "and again after a restart of the server")
        server.stop()
        server.certify(authority_of(tls))
        since = os.path.getsize(process.log)
        server.start()
        checks.check(again(process, since), "and with another authority in the file that it names")
        time.sleep(6)  # the gateway writes by itself every five seconds
        since = os.path.getsize(process.log)
        checks.check(not process.event("store.refused", 6, since), "writes go, too")
        checks.check(process.stop() == 0, "it stops in order")
    finally:
        if process and process.runs():
            process.kill()
        server.stop()
        shutil.rmtree(root, ignore_errors=True)
    return checks.end()


sys.exit(main())
