# SPDX-License-Identifier: Apache-2.0
"""A countersign-hsm in hardened mode over LMKs of its own, for scenarios: made by its officers, asked over its ports."""
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time
import urllib.request

from ceremony import HSM, Terminal

PASSPHRASES = ("the first of the officers", "a second one who watches", "and a third who is away")


# ---- the process


class Hardened:
    def __init__(self, folder, **settings):
        self.folder = folder
        self.conf = os.path.join(folder, "hsm.conf")
        self.console = os.path.join(folder, "console")
        self.settings = settings
        self.lines = []
        self.write()
        self.start()

    def write(self, **changes):
        self.settings.update(changes)
        with open(self.conf, "w", encoding="utf-8") as out:
            out.write("[hsm]\n" + "".join("%s = %s\n" % item for item in self.settings.items()))

    def start(self):
        read_end, write_end = os.pipe()
        os.write(write_end, ("1 %s\n2 %s\n" % PASSPHRASES[:2]).encode())
        os.close(write_end)
        self.process = subprocess.Popen([HSM, "--config", self.conf, "--set", "hsm.passphrase_fd=%d" % read_end], text=True,
                                        stderr=subprocess.PIPE, pass_fds=(read_end,))
        os.close(read_end)
        self.started = threading.Event()
        self.mark = len(self.lines)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        if not self.started.wait(60):
            raise RuntimeError("the HSM did not start: " + "".join(self.lines))
        line = next((text for text in self.lines[self.mark:] if '"hsm.started"' in text), None)
        if not line:
            return
        self.port, self.tls_port, self.admin = (int(re.search(r'"%s":(\d+)' % name, line).group(1))
                                                for name in ("port", "tls_port", "admin_port"))

    def read(self):
        for line in self.process.stderr:
            self.lines.append(line)
            if '"hsm.started"' in line:
                self.started.set()
        self.started.set()

    def wait_log(self, text, since=0):
        end = time.monotonic() + 5
        while time.monotonic() < end:
            for line in self.lines[since:]:
                if text in line:
                    return line
            time.sleep(0.02)
        return ""

    def reload(self, wanted="hsm.reloaded", **changes):
        self.write(**changes)
        since = len(self.lines)
        self.process.send_signal(signal.SIGHUP)
        return self.wait_log('"%s"' % wanted, since)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def ask(self, command):
        with self.connect() as wire:
            return ask(wire, command)

    def metrics(self):
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % self.admin, timeout=10) as page:
            return page.read().decode()

    def end(self, signum=signal.SIGTERM):
        self.process.send_signal(signum)
        status = self.process.wait(20)
        self.reader.join()
        self.process.stderr.close()
        return status


def frame(command):
    payload = b"0001" + command.encode()
    return struct.pack(">H", len(payload)) + payload


def receive(wire, count):
    data = b""
    while len(data) < count:
        more = wire.recv(count - len(data))
        if not more:
            return None
        data += more
    return data


def take(wire):
    head = receive(wire, 2)
    return receive(wire, struct.unpack(">H", head)[0]).decode()[4:] if head else None


def ask(wire, command):
    wire.sendall(frame(command))
    return take(wire)


# ---- keys


def form(store):
    """A live variant LMK 00 from two components."""
    files = [os.path.join(os.path.dirname(store), "component-%d" % number) for number in (1, 2)]
    sums = []
    for path in files:
        t = Terminal("lmk", "component", path, "--kind", "variant")
        t.secret("New passphrase of ", "words of the medium")
        t.secret("The same again: ", "words of the medium")
        sums.append(t.expect(r"Check value: ([0-9A-F]{6})").group(1))
        assert t.end() == 0, t.screen
    t = Terminal("lmk", "form", "--store", store, "--id", "00", "--components", "2", "--kind", "variant")
    t.officer(1, PASSPHRASES[0])
    t.officer(2, PASSPHRASES[1])
    for path, check in zip(files, sums):
        t.secret("path of its file: ", path)
        t.secret("Passphrase of the component file: ", "words of the medium")
        t.answer("Check value %s. Is that the one on the paper\\? " % check, "yes")
        os.unlink(path)
    t.answer("Keep it as LMK ", "yes")
    assert t.end() == 0, t.screen


def authorise(hsm, activity):
    t = Terminal("lmk", "authorise", activity, "30", "--id", "00", "--console", hsm.console)
    t.officer(1, PASSPHRASES[0])
    t.officer(2, PASSPHRASES[1])
    return t.end()


# ---- memory


def regions(pid):
    """(left out of cores, bytes) of every mapping that can be read."""
    found, at = [], None
    with open("/proc/%d/smaps" % pid, encoding="ascii") as text:
        for line in text:
            head = re.match(r"^([0-9a-f]+)-([0-9a-f]+) (\S+)", line)
            if head:
                at = (int(head.group(1), 16), int(head.group(2), 16), head.group(3))
            elif line.startswith("VmFlags:") and at[2].startswith("r"):
                found.append((at[0], at[1], " dd" in line))
    with open("/proc/%d/mem" % pid, "rb") as memory_file:
        for start, end, undumped in found:
            try:
                memory_file.seek(start)
                yield undumped, memory_file.read(end - start)
            except (OSError, ValueError):
                continue  # secret memory of the kernel's own kind, vsyscall and the like
