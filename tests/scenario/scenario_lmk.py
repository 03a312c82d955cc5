#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A running HSM and its officers: load, states, activities, wrong passphrases, time, zeroise, over its real port and console."""
import hashlib
import json
import os
import pathlib
import re
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time

from ceremony import HSM, Terminal, create
from sandbox import Checks, fail_without_build

PASSPHRASES = ["first officer's long words", "second, no less long", "third for the holidays"]
PAN = "4123456789012345"


class Hsm:
    """countersign-hsm with a store and a console; its log is kept."""

    def __init__(self, folder, *options, pass_fds=()):
        self.console = os.path.join(folder, "console")
        self.log_path = os.path.join(folder, "log")
        self.log = open(self.log_path, "a+", encoding="utf-8")
        command = [HSM, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--set", "hsm.console=" + self.console, *options]
        start = os.path.getsize(self.log_path)
        self.process = subprocess.Popen(command, stderr=self.log, pass_fds=pass_fds)
        self.port = self.admin = None
        for _ in range(600):
            text = self.logged(start)
            found = re.search(r'"event":"hsm.started".*?"port":(\d+).*?"admin_port":(\d+)', text)
            if found:
                self.port, self.admin = int(found.group(1)), int(found.group(2))
                break
            if self.process.poll() is not None:
                break
            time.sleep(0.05)

    def logged(self, start=0):
        with open(self.log_path, encoding="utf-8") as handle:
            handle.seek(start)
            return handle.read()

    def ask(self, command):
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as wire:
            payload = b"0001" + command.encode()
            wire.sendall(struct.pack(">H", len(payload)) + payload)
            length = struct.unpack(">H", wire.recv(2, socket.MSG_WAITALL))[0]
            return wire.recv(length, socket.MSG_WAITALL).decode()[4:]

    def ready(self):
        with socket.create_connection(("127.0.0.1", self.admin), timeout=10) as wire:
            wire.sendall(b"GET /readyz HTTP/1.1\r\n\r\n")
            return b"200 OK" in wire.recv(4096)

    def state(self):
        out = subprocess.run([HSM, "lmk", "state", "--console", self.console, "--json"], capture_output=True, text=True, check=True)
        return json.loads(out.stdout)

    def lmk(self, *words):
        return subprocess.run([HSM, "lmk", *words, "--console", self.console], capture_output=True, text=True, check=False)

    def officers(self, words, *numbers):
        t = Terminal("lmk", *words, "--console", self.console)
        for number in numbers:
            t.officer(number, PASSPHRASES[number - 1])
        return t

    def stop(self):
        self.process.terminate()
        status = self.process.wait(10)
        self.log.close()
        return status


def fd_of(text):
    read_end, write_end = os.pipe()
    os.write(write_end, text.encode())
    os.close(write_end)
    return read_end


def form(store, lmk, *options):
    """A new random LMK in the store, from two component files."""
    folder = os.path.dirname(store)
    kind = options[options.index("--kind") + 1]
    files = [os.path.join(folder, "component-%s-%d-%d" % (lmk, number, os.getpid())) for number in (1, 2)]
    checks = []
    for path in files:
        t = Terminal("lmk", "component", path, "--kind", kind)
        t.secret("New passphrase of ", "words of the medium")
        t.secret("The same again: ", "words of the medium")
        checks.append(t.expect(r"Check value: ([0-9A-F]{6})").group(1))
        assert t.end() == 0, t.screen
    t = Terminal("lmk", "form", "--store", store, "--id", lmk, "--components", "2", *options)
    t.officer(1, PASSPHRASES[0])
    t.officer(2, PASSPHRASES[1])
    for path, check in zip(files, checks):
        t.secret("path of its file: ", path)
        t.secret("Passphrase of the component file: ", "words of the medium")
        t.answer("Check value %s. Is that the one on the paper\\? " % check, "yes")
        os.unlink(path)
    check = t.expect(r"NC: ([0-9A-F]{16})").group(1)
    t.answer("Keep it as LMK ", "yes")
    assert t.end() == 0, t.screen
    return check


def starting(checks, folder, store):
    for options, words in ((["--listen", "127.0.0.1:0"], "no LMKs"),
                           (["--test-lmk", "--set", "hsm.lmk_store=" + store], "exclude each other")):
        out = subprocess.run([HSM, *options], capture_output=True, text=True, check=False, timeout=20)
        checks.check(out.returncode == 64 and words in out.stderr, "refused to start: %s" % words)
    busy = os.path.join(folder, "a-file")
    with open(busy, "w", encoding="ascii"):
        pass
    out = subprocess.run([HSM, "--test-lmk", "--listen", "127.0.0.1:0", "--set", "hsm.console=" + busy], capture_output=True,
                         text=True, check=False, timeout=20)
    checks.check(out.returncode == 2 and "is not a socket" in out.stderr and os.path.exists(busy), "a file is no console")


def waiting(checks, hsm):
    checks.check(hsm.ask("NC") == "ND13" and hsm.ask("AS") == "AT13" and hsm.ask("NO00").startswith("NP00"),
                 "before the officers come there is no LMK, and status is answered")
    checks.check(not hsm.ready(), "and the HSM is not ready")
    checks.check(stat.S_IMODE(os.stat(hsm.console).st_mode) == 0o600, "the console is its owner's alone")
    t = hsm.officers(["online"], 1)
    checks.check(t.end() == 3 and "load" in t.screen, "it cannot go online")


def loading(checks, hsm, check):
    t = Terminal("lmk", "load", "--console", hsm.console)
    t.officer(1, "not my passphrase at all")
    checks.check(t.end() == 3 and "not the passphrase" in t.screen, "a wrong passphrase is refused")
    checks.check('"hsm.officer_refused","officer":1,"wrong":1' in hsm.logged(), "and logged")
    t = hsm.officers(["load", "--alone"], 3)
    checks.check(t.end() == 0 and "is counted: 1 of 2 officers." in t.screen, "one officer comes first")
    checks.check(hsm.state()["pending"][0]["decision"] == "load" and hsm.ask("NC") == "ND13", "which loads nothing yet")
    t = hsm.officers(["load", "--alone"], 3)
    checks.check(t.end() == 0 and hsm.ask("NC") == "ND13", "the same officer twice is one officer")
    t = hsm.officers(["load", "--alone"], 1)
    checks.check(t.end() == 0 and "Done." in t.screen, "the second loads the LMKs")
    checks.check(hsm.ask("NC")[:20] == "ND00" + check and hsm.ready(), "NC tells the check value of the ceremony")
    text = hsm.logged()
    checks.check(not any(words in text for words in PASSPHRASES), "no passphrase is in the log")


def working(checks, hsm):
    made = hsm.ask("A00402U")
    key = made[4:37]
    code = hsm.ask("CW%s%s;8701101" % (key, PAN))
    checks.check(made.startswith("A100U") and code.startswith("CX00"), "keys are made and used under the formed LMK")
    checks.check(hsm.ask("CY%s%s%s;8701101" % (key, code[4:7], PAN)) == "CZ00", "and codes verified")
    return key, code


def securing(checks, hsm, key, code):
    cw = "CW%s%s;8701101" % (key, PAN)
    checks.check(hsm.lmk("secure").returncode == 0 and hsm.ask(cw) == "CX17", "secure state bars the keys at once")
    checks.check(hsm.ask("NC").startswith("ND00") and hsm.ask("NO00").startswith("NP00") and not hsm.ready(),
                 "but not status; and it is not ready")
    checks.check(hsm.state()["state"] == "secure", "the console says so")
    t = hsm.officers(["authorise", "import.402.host", "5", "--id", "00"], 1)
    checks.check(t.end() == 3 and "secure state" in t.screen, "nothing is authorised in secure state")
    t = hsm.officers(["online"], 2, 3)
    checks.check(t.end() == 0 and hsm.ask(cw) == code, "two officers bring it back")


def activities(checks, hsm):
    """The expected value of PM shows authorised state in compatibility mode: here only counts are looked at."""
    t = hsm.officers(["authorise", "import.402.host", "60", "--id", "00"], 1, 2)
    ended = t.end()
    told = hsm.state()
    checks.check(ended == 0 and told["lmks"][0]["activities"] == 1 and told["authorities"][0]["activity"] == "import.402.host",
                 "two officers authorise an activity")
    checks.check(3500 < told["authorities"][0]["seconds_left"] <= 3600, "for an hour")
    t = hsm.officers(["authorise", "export.host", "0", "--id", "00"], 3, 1)
    checks.check(t.end() == 0 and hsm.state()["lmks"][0]["activities"] == 2, "another one without end")
    checks.check(hsm.ask("RA") == "RB00" and hsm.state()["lmks"][0]["activities"] == 0, "RA ends them all")
    t = hsm.officers(["authorise", "export.host", "0", "--id", "00"], 3, 1)
    t.end()
    checks.check(hsm.lmk("cancel", "import.host", "--id", "00").returncode == 3 and len(hsm.state()["authorities"]) == 1,
                 "cancel of one activity leaves another")
    checks.check(hsm.lmk("cancel", "--id", "00").returncode == 0 and not hsm.state()["authorities"], "cancel of all ends it")
    t = hsm.officers(["authorise", "export.host", "0", "--id", "00"], 3, 1)
    t.end()
    hsm.lmk("secure")
    t = hsm.officers(["online"], 2, 3)
    checks.check(t.end() == 0 and not hsm.state()["authorities"], "and secure state")
    for words in (["authorise", "verify.402.host", "5", "--id", "00"], ["authorise", "import.402.host", "721", "--id", "00"]):
        t = Terminal("lmk", *words, "--console", hsm.console)
        checks.check(t.end() == 2 and "write " in t.screen and "Passphrase" not in t.screen,
                     "no such thing, told before a passphrase is typed: %s" % " ".join(words))
    t = hsm.officers(["authorise", "import.402.host", "5", "--id", "77"], 1)
    checks.check(t.end() == 3 and "not loaded" in t.screen, "nor under an LMK that is not there")


def guessing(checks, hsm):
    """Keys in place of passphrases: an attacker at the console would not run scrypt, either."""
    answers = []
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(10)
        wire.connect(hsm.console)
        for attempt in range(4):
            wire.sendall(b"VOICE 2 %064d ONLINE\n" % attempt)
            answers.append(wire.recv(4096))
    checks.check(all(b"not the passphrase" in answer for answer in answers[:3]) and b"try again in 1 s" in answers[3],
                 "after three wrong passphrases everybody has to wait: %s" % answers)
    time.sleep(1.1)
    t = hsm.officers(["online"], 1, 2)
    checks.check(t.end() == 0, "and is taken after the wait")


def talking_nonsense(checks, hsm):
    answers = []
    for text in (b"\n", b"VOICE\n", b"VOICE 1 00 LOAD\n", b"OFFICER 99999999999999999999 LOAD\n", b"CANCEL x\n", b"DECIDE ONLINE\n",
                 b"VOICE 1 " + b"0" * 64 + b" LOAD extra\n", b"\xff\xfe\n"):
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(10)
            wire.connect(hsm.console)
            wire.sendall(text)
            answers.append(wire.recv(4096))
    checks.check(all(answer.startswith(b"NO ") for answer in answers), "nonsense gets NO")
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(10)
        wire.connect(hsm.console)
        wire.sendall(b"x" * 600)
        try:
            answer = wire.recv(4096)
        except ConnectionResetError:
            answer = b""
        checks.check(answer == b"", "an endless line is hung up on")
    wires = []
    for _ in range(12):
        wire = socket.socket(socket.AF_UNIX)
        wire.connect(hsm.console)
        wires.append(wire)
    time.sleep(0.2)
    for wire in wires:
        wire.close()
    time.sleep(0.2)
    checks.check(hsm.state()["state"] == "online", "a crowd at the console leaves it working")


def others_kept_out(checks, hsm):
    if os.getuid() != 0:
        return
    code = ("import os,socket,sys\nos.setuid(65534)\ns=socket.socket(socket.AF_UNIX)\ntry:\n s.connect(sys.argv[1])\n"
            "except PermissionError:\n sys.exit(7)\n")
    out = subprocess.run([sys.executable, "-c", code, hsm.console], check=False)
    checks.check(out.returncode == 7, "another user does not reach the console")
    os.chmod(hsm.console, 0o666)
    os.chmod(os.path.dirname(hsm.console), 0o755)
    code = ("import os,socket,sys\nos.setuid(65534)\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\ns.settimeout(10)\n"
            "try:\n s.sendall(b'STATE\\n')\n sys.exit(0 if s.recv(9)==b'' else 1)\nexcept OSError:\n sys.exit(0)\n")
    out = subprocess.run([sys.executable, "-c", code, hsm.console], check=False)
    os.chmod(hsm.console, 0o600)
    os.chmod(os.path.dirname(hsm.console), 0o700)
    checks.check(out.returncode == 0 and "net.local_refused" in hsm.logged(), "nor is heard where the file lets him in")


def impostor_is_told_nothing(checks):
    """Another user's socket in a folder that is open to all asks for a cheap key of the passphrase, and hears nothing."""
    if os.getuid() != 0:
        return
    code = ("import os,socket,sys\nos.setuid(65534)\ns=socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\ns.listen()\n"
            "print('there',flush=True)\nwhile True:\n c=s.accept()[0]\n d=c.recv(4096)\n d and print(d,flush=True)\n"
            " c.sendall(b'OK 1 1 1 '+b'0'*32+b'\\n')\n c.close()\n")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o1777)
        path = os.path.join(folder, "console")
        with subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True) as impostor:
            impostor.stdout.readline()
            ran = subprocess.run([HSM, "lmk", "load", "--console", path, "--passphrase-fd", "0"], input="1 %s\n" % PASSPHRASES[0],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
            impostor.kill()
            heard = impostor.stdout.read()
    checks.check(ran.returncode == 3 and "another user" in ran.stderr and heard == "", "an impostor is told nothing: %r" % heard)


def reloading(checks, hsm, store, key, code):
    """A second LMK is formed while the HSM runs; the next load takes it, and the first is as it was."""
    check = form(store, "01", "--kind", "key-block", "--test")
    t = hsm.officers(["load"], 1, 2)
    checks.check(t.end() == 0 and hsm.ask("NC%01")[:20] == "ND00" + check, "a new LMK comes with the next load")
    checks.check(hsm.ask("CW%s%s;8701101" % (key, PAN)) == code, "and the keys under the first are as they were")
    made = hsm.ask("A00FFFS%01#C0T2N00E00")
    checks.check(made.startswith("A100S"), "key blocks are made under it: %s" % made[:8])


def migrating(checks, hsm, store, key, code):
    """The LMK becomes the old one, another takes its identifier, and BW carries the keys over."""
    t = Terminal("lmk", "old", "--store", store, "--id", "00")
    t.officer(1, PASSPHRASES[0])
    t.officer(3, PASSPHRASES[2])
    t.answer("Make the current LMK the old one", "yes")
    assert t.end() == 0, t.screen
    check = form(store, "00", "--kind", "variant", "--test")
    checks.check(hsm.officers(["load"], 2, 1).end() == 0 and hsm.ask("NC")[:20] == "ND00" + check, "a new LMK takes the identifier")
    checks.check(hsm.ask("CW%s%s;8701101" % (key, PAN)) != code, "keys under the old one are no keys any more")
    moved = hsm.ask("BW421%s;402" % key)
    checks.check(moved.startswith("BX00U") and hsm.ask("CW%s%s;8701101" % (moved[4:37], PAN)) == code, "until BW carries them over")
    checks.check([entry["state"] for entry in hsm.state()["lmks"] if entry["id"] == "00"] == ["current", "old"], "both are told of")
    return check


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
    with open("/proc/%d/mem" % pid, "rb") as memory:
        for start, end, undumped in found:
            try:
                memory.seek(start)
                yield undumped, memory.read(end - start)
            except (OSError, ValueError):
                continue  # secret memory of the kernel's own kind, vsyscall and the like


def memory(checks, hsm, store):
    """What officers brought and what it opened stands in no ordinary memory of the HSM afterwards."""
    data, needles = pathlib.Path(store).read_bytes(), {}
    for number, words in enumerate(PASSPHRASES, 1):
        at = 36 + 77 * (number - 1)
        key = hashlib.scrypt(words.encode(), salt=data[at + 1:at + 17], n=1 << 10, r=8, p=1, dklen=32)
        needles.update({"passphrase %d" % number: words.encode(), "key of officer %d" % number: key,
                        "key of officer %d in digits" % number: key.hex().upper().encode()})
    words = ["%d:%s" % (number, PASSPHRASES[number - 1]) for number in (1, 2)]
    rows = subprocess.run(["node", "tests/support/store_reader.js", store, *words], capture_output=True, text=True, check=True)
    for row in rows.stdout.splitlines():
        lmk = bytes.fromhex(row.split()[-1])
        needles.update({"LMK %s, bytes %d" % (row[:2], at): lmk[at:at + 8] for at in range(0, len(lmk), 40)})
    open_bytes, console = set(), 0
    try:
        for undumped, memory_bytes in regions(hsm.process.pid):
            console += hsm.console.encode() in memory_bytes
            open_bytes.update(name for name, needle in needles.items() if needle in memory_bytes and not undumped)
    except PermissionError:
        print("not allowed to read the memory of an undumpable process: run as root to check it")
        return
    checks.check(console > 0, "the search finds what is there")
    checks.check(not open_bytes, "and no passphrase, officer's key or LMK in ordinary memory: %s" % sorted(open_bytes))


def damaged(checks, hsm, store):
    with open(store, "rb") as handle:
        good = handle.read()
    bad = bytearray(good)
    bad[-1] ^= 1
    with open(store, "wb") as handle:
        handle.write(bad)
    before = hsm.ask("NC")
    t = hsm.officers(["load"], 1, 2)
    checks.check(t.end() == 3 and "was changed" in t.screen and hsm.ask("NC") == before,
                 "a damaged store is not loaded, and what was loaded stays")
    pathlib.Path(store).write_bytes(good)


def unattended(checks, folder, store, check):
    mode = ["--set", "hsm.lmk_store=" + store] + MODE
    credentials = os.path.join(folder, "credentials")
    os.mkdir(credentials, 0o700)
    for number in (1, 3):
        path = os.path.join(credentials, "officer-%d" % number)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o400), "w", encoding="utf-8") as handle:
            handle.write(PASSPHRASES[number - 1] + "\n")
    hsm = Hsm(folder, *mode, "--set", "hsm.credentials=" + credentials)
    checks.check(hsm.ask("NC")[:20] == "ND00" + check, "passphrases left in a folder open the store at the start")
    hsm.stop()
    fd = fd_of("2 %s\n1 %s\n" % (PASSPHRASES[1], PASSPHRASES[0]))
    hsm = Hsm(folder, *mode, "--set", "hsm.passphrase_fd=%d" % fd, pass_fds=(fd,))
    checks.check(hsm.ask("NC")[:20] == "ND00" + check, "and those on a descriptor")
    hsm.stop()
    fd = fd_of("2 %s\n" % PASSPHRASES[1])
    hsm = Hsm(folder, *mode, "--set", "hsm.passphrase_fd=%d" % fd, pass_fds=(fd,))
    checks.check(hsm.process.wait(10) == 2 and "not enough passphrases" in hsm.logged(), "one is not enough, and the start fails")
    good, told = pathlib.Path(store).read_bytes(), []
    for length in (0, 1, 40, len(good) // 2, len(good) - 1):
        pathlib.Path(store).write_bytes(good[:length])
        out = subprocess.run([HSM, "--listen", "127.0.0.1:0", *mode, "--set", "hsm.credentials=" + credentials],
                             capture_output=True, text=True, timeout=20, check=False)
        told.append(out.returncode == 2 and "cut short" in out.stderr and "passphrase" not in out.stderr)
    checks.check(all(told), "a store that is cut is told as cut, whatever the passphrases")
    pathlib.Path(store).write_bytes(good)


def zeroising(checks, hsm, store):
    t = Terminal("lmk", "zeroise", "--console", hsm.console, "--store", store)
    t.answer("Type ZEROISE to go on: ", "zeroise")
    checks.check(t.end() == 3 and hsm.ask("NC").startswith("ND00") and os.path.exists(store), "zeroise wants its word")
    t = Terminal("lmk", "zeroise", "--console", hsm.console, "--store", store)
    t.answer("Type ZEROISE to go on: ", "ZEROISE")
    checks.check(t.end() == 0 and hsm.ask("NC") == "ND13" and not os.path.exists(store), "and wipes HSM and store")
    t = Terminal("lmk", "load", "--console", hsm.console)
    t.officer(1, PASSPHRASES[0])
    checks.check(t.end() == 3 and "No such file" in t.screen, "nothing is left to load")


def hardened(checks, folder):
    """Live LMKs, and the commands that officers must authorise."""
    store = os.path.join(folder, "live.store")
    trail = os.path.join(folder, "audit")
    assert create(store, PASSPHRASES, "--scrypt-log2n", "15").end() == 0
    form(store, "00", "--kind", "variant")
    key = os.path.join(folder, "audit.key")
    with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as handle:
        handle.write("%064x\n" % 12345)
    hsm = Hsm(folder, "--set", "hsm.lmk_store=" + store, "--set", "hsm.plaintext_peers=127.0.0.1", "--set", "hsm.audit=" + trail,
              "--set", "hsm.audit_key=" + key)
    try:
        checks.check(hsm.officers(["load"], 1, 2).end() == 0 and hsm.ask("NC").startswith("ND00"), "a hardened HSM loads live LMKs")
        refused = {command[:2]: hsm.ask(command)[2:4] for command in ("A00402U", "AS;0U1")}
        checks.check(set(refused.values()) == {"17"}, "and makes no key unasked: %s" % refused)
        t = hsm.officers(["authorise", "generate.402.host", "5", "--id", "00"], 3, 1)
        checks.check(t.end() == 0 and hsm.ask("A00402U").startswith("A100U") and hsm.ask("AS;0U1").startswith("AT00U"),
                     "with the activity authorised it does")
        checks.check(hsm.ask("A00000U") == "A117" and hsm.ask("RA") == "RB00" and hsm.ask("A00402U") == "A117",
                     "no other type of key, and not after RA")
        with socket.create_connection(("127.0.0.1", hsm.admin), timeout=10) as wire:
            wire.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
            text = b"".join(iter(lambda: wire.recv(65536), b"")).decode()
        checks.check("countersign_hsm_online 1\n" in text and "countersign_hsm_lmks 1\n" in text, "the metrics tell the state")
    finally:
        hsm.stop()
    with open(trail, encoding="utf-8") as handle:
        events = [json.loads(line)["event"] for line in handle]
    checks.check({"hsm.lmks_loaded", "hsm.officer", "hsm.authorised"} <= set(events), "the audit trail has what the officers did")


def test_lmks(checks, folder):
    hsm = Hsm(folder, "--test-lmk")
    wrong = "PM00UB68E039974B21519E5E2226866C4D3A0A%s;2812998000001105" % PAN
    checks.check(hsm.ask(wrong) == "PN01", "under test LMKs nothing is authorised at first")
    done = hsm.lmk("authorise", "generate.host", "1", "--id", "00", "--passphrase-fd", "0")
    checks.check(done.returncode == 0 and hsm.ask(wrong) == "PN01104", "authorised state needs no officers there: %s" % done.stderr)
    checks.check(hsm.ask("RA") == "RB00" and hsm.ask(wrong) == "PN01", "RA ends it")
    checks.check(hsm.stop() == 0 and not os.path.exists(hsm.console), "the console goes with the process")


MODE = ["--set", "hsm.mode=compatibility"]


def main():
    fail_without_build()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        store = os.path.join(folder, "lmk.store")
        starting(checks, folder, store)
        checks.check(create(store, PASSPHRASES, "--scrypt-log2n", "10").end() == 0, "a store is created")
        check = form(store, "00", "--kind", "variant", "--test", "--comment", "a comment, with words")
        hsm = Hsm(folder, "--set", "hsm.lmk_store=" + store, *MODE)
        try:
            waiting(checks, hsm)
            loading(checks, hsm, check)
            key, code = working(checks, hsm)
            securing(checks, hsm, key, code)
            activities(checks, hsm)
            guessing(checks, hsm)
            talking_nonsense(checks, hsm)
            others_kept_out(checks, hsm)
            impostor_is_told_nothing(checks)
            reloading(checks, hsm, store, key, code)
            check = migrating(checks, hsm, store, key, code)
            memory(checks, hsm, store)
            damaged(checks, hsm, store)
            checks.check(hsm.stop() == 0, "it stops in order")
            unattended(checks, folder, store, check)
            hsm = Hsm(folder, "--set", "hsm.lmk_store=" + store, *MODE)
            checks.check(hsm.officers(["load"], 2, 3).end() == 0, "after a restart the officers come again")
            twin = subprocess.run([HSM, "--test-lmk", "--listen", "127.0.0.1:0", "--set", "hsm.console=" + hsm.console],
                                  capture_output=True, text=True, check=False, timeout=20)
            checks.check(twin.returncode == 2 and "another process listens" in twin.stderr and hsm.ask("NC").startswith("ND00"),
                         "a second HSM does not take the console over")
            hsm.process.kill()
            hsm.process.wait(10)
            checks.check(os.path.exists(hsm.console), "a killed HSM leaves its socket")
            hsm = Hsm(folder, "--set", "hsm.lmk_store=" + store, *MODE)
            checks.check(hsm.officers(["load"], 1, 3).end() == 0, "which the next one replaces")
            zeroising(checks, hsm, store)
        finally:
            if hsm.process.poll() is None:
                hsm.stop()
        hardened(checks, folder)
        test_lmks(checks, folder)
    return checks.end()


sys.exit(main())
