#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""countersign-hsm in hardened mode, over LMKs of its own: limits, lists and their change at SIGHUP, the audit trail, metrics."""
import hashlib
import hmac
import json
import os
import re
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from ceremony import HSM, create
from hardened import PASSPHRASES, Hardened, ask, authorise, form, frame, regions, take
from sandbox import Checks, fail_without_build
from tls_files import Authority

PANS = ("4716293847561029", "5413123556784808")
BIT = 1


# ---- the start


def refused(checks, store):
    test = ["--test-lmk", "--listen", "127.0.0.1:0"]
    live = ["--listen", "127.0.0.1:0", "--set", "hsm.lmk_store=" + store]
    for options, setting, words in ((test, "hsm.mode=hardened", "exclude each other"),
                                    (test, "hsm.guess_limit=5", "belongs to hardened mode"),
                                    (test, "hsm.plaintext_peers=127.0.0.1", "belongs to hardened mode"),
                                    (live, "hsm.authorise_officers=1", "one person"),
                                    (live, "hsm.authorised=true", "is refused in hardened mode")):
        out = subprocess.run([HSM, *options, "--set", setting], capture_output=True, text=True, timeout=20, check=False)
        checks.check(out.returncode == 64 and words in out.stderr, "%s is refused: %s" % (setting, words))
    for setting, words in (("hsm.mode=hard", "hardened or compatibility"), ("hsm.guess_limit=2", "3 to 10000"),
                           ("hsm.plaintext_peers=here", "no address"), ("hsm.guess_memory=1", "need at least"),
                           ("hsm.audit=/nowhere/a", "required in hardened mode")):
        out = subprocess.run([HSM, *live, "--set", setting], capture_output=True, text=True, timeout=60, check=False)
        checks.check(out.returncode == 2 and words in out.stderr, "%s is a bad configuration" % setting)


def unsafe(checks, store):
    """One officer alone is taken with hsm.unsafe, and told."""
    options = ["--listen", "127.0.0.1:0", "--set", "hsm.lmk_store=" + store, "--set", "hsm.authorise_officers=1"]
    process = subprocess.Popen([HSM, *options, "--set", "hsm.unsafe=true"], stderr=subprocess.PIPE, text=True)
    told = []
    for line in process.stderr:
        told.append(line)
        if '"hsm.started"' in line:
            break
    process.terminate()
    process.stderr.close()
    checks.check(process.wait(20) == 0 and any('"hsm.unsafe"' in line and '"hsm.authorise_officers"' in line for line in told),
                 "hsm.unsafe lets one officer decide alone, and the log says so")


# ---- limits


def limits(checks, hsm, key):
    code = hsm.ask("CW%s%s;3012101" % (key, PANS[0]))
    checks.check(code.startswith("CX00") and len(code) == 7, "a code is made under a key of the live LMK")
    right, wrong = code[4:], "%03d" % ((int(code[4:]) + 1) % 1000)
    verify = lambda digits, pan=PANS[0]: hsm.ask("CY%s%s%s;3012101" % (key, digits, pan))
    checks.check([verify(right), verify(wrong), verify(right)] == ["CZ00", "CZ01", "CZ00"], "right and wrong are told apart")
    checks.check([verify(wrong) for _ in range(4)] == ["CZ01"] * 4, "up to the limit")
    checks.check([verify(right), verify(wrong), verify(right)] == ["CZ39"] * 3, "at the limit 39 for the right code and the wrong")
    checks.check(hsm.ask("CW%s%s;3012101" % (key, PANS[0])) == code, "generation goes on")
    checks.check(verify(hsm.ask("CW%s%s;3012101" % (key, PANS[1]))[4:], PANS[1]) == "CZ00", "and so do other cards")
    checks.check(bool(hsm.reload(guess_limit=7)) and verify(right) == "CZ00", "a higher limit at SIGHUP lets the card in again")
    checks.check([verify(wrong), verify(wrong), verify(right)] == ["CZ01", "CZ01", "CZ39"], "for two more failures")
    return right


# ---- lists


def lists(checks, hsm, key):
    clients = hsm.settings["clients"]
    with hsm.connect() as wire:
        with open(clients, "w", encoding="utf-8") as out:
            out.write("-: NC CY\n")
        checks.check(bool(hsm.reload()), "another list of clients at SIGHUP")
        checks.check(ask(wire, "CW%s%s;3012101" % (key, PANS[1])) == "CX68" and ask(wire, "NC").startswith("ND00"),
                     "counts for open connections")
        with open(clients, "w", encoding="utf-8") as out:
            out.write("# new\n-: NC CW\nmonitor: NC XX\n")
        line = hsm.reload("hsm.reload_refused", guess_limit=9)
        checks.check("line 3: not a command known here: 'XX'" in line, "a bad list is refused, with its line: %s" % line.strip())
        checks.check(ask(wire, "CW%s%s;3012101" % (key, PANS[1])) == "CX68" and "countersign_hsm_guess_limit 7\n" in hsm.metrics(),
                     "and nothing of that configuration is taken")
        with open(clients, "w", encoding="utf-8") as out:
            out.write("-: *\n")
        line = hsm.reload(guess_limit=7, listen="127.0.0.1:1", disabled="QY")
        checks.check('"needs_a_start":"hsm.listen"' in line, "what has to wait for a start is told: %s" % line.strip())
        checks.check(ask(wire, "QY") == "QZ68" and ask(wire, "CW%s%s;3012101" % (key, PANS[1])).startswith("CX00"),
                     "commands are switched off and on")
        hsm.reload(listen="127.0.0.1:0", disabled="", plaintext_peers="10.0.0.0/8")
        wire.sendall(frame("NC"))
        checks.check(take(wire) is None, "a peer that is not listed any more is let go")
    with hsm.connect() as wire:
        checks.check(wire.recv(1) == b"" and hsm.wait_log("hsm.plaintext_refused"), "and not let in again, which is logged")
    checks.check(bool(hsm.reload(plaintext_peers="127.0.0.1")) and hsm.ask("NC").startswith("ND00"), "until it is listed")


# ---- certificates


def tls(checks, hsm, ca, key):
    """Who a certificate says is there may do what the list says, and nothing else."""
    def dial(name):
        made = ssl.create_default_context(cafile=ca.path("ca.pem"))
        made.load_cert_chain(ca.path(name + ".pem"), ca.path(name + ".key"))
        return made.wrap_socket(socket.create_connection(("127.0.0.1", hsm.tls_port), timeout=20), server_hostname="127.0.0.1")

    with open(hsm.settings["clients"], "w", encoding="utf-8") as out:
        out.write("the switch: CY NC\n-: *\n")
    hsm.reload()
    make = "CW%s%s;3012101" % (key, PANS[1])
    with dial("switch") as switch, dial("stranger") as stranger:
        checks.check(ask(switch, "NC").startswith("ND00") and ask(switch, make) == "CX68", "a client has the commands of its name")
        checks.check(ask(stranger, "NC") == "ND68" and ask(stranger, make) == "CX68", "one that is not listed has none")
        checks.check(hsm.ask(make).startswith("CX00"), "and plain TCP its own")
        with open(hsm.settings["clients"], "w", encoding="utf-8") as out:
            out.write("the switch: CY NC CW\n-: *\n*: NC\n")
        hsm.reload()
        told = [ask(switch, make)[:4], ask(stranger, "NC")[:4], ask(stranger, make)]
        checks.check(told == ["CX00", "ND00", "CX68"], "another list counts for both at once")
    checks.check('"hsm.connected"' in hsm.wait_log('"client":"the switch"'), "the log names them")


# ---- memory


def memory(checks, hsm, key_file):
    """Failures are remembered by a hash: the numbers themselves and the trail's key stand nowhere that a core would show."""
    hsm.ask("NC")
    with open(key_file, encoding="ascii") as text:
        needles = {"the key of the trail": bytes.fromhex(text.read().strip())}
    for pan in PANS:
        needles.update({"PAN " + pan: pan.encode(), "packed PAN " + pan: bytes.fromhex(pan)})
    open_bytes, known = set(), 0
    try:
        for undumped, content in regions(hsm.process.pid):
            known += hsm.settings["audit"].encode() in content
            open_bytes.update(name for name, needle in needles.items() if needle in content and not undumped)
    except PermissionError:
        print("not allowed to read the memory of an undumpable process: run as root to check it")
        return
    checks.check(known > 0 and not open_bytes, "no card number and no key in ordinary memory: %s" % sorted(open_bytes))


# ---- metrics


def samples(checks, text):
    """Reads the text format strictly."""
    found, kinds = {}, {}
    for line in text.splitlines():
        comment = re.fullmatch(r"# (HELP|TYPE) ([a-z_]+) (.+)", line)
        if comment:
            if comment.group(1) == "TYPE":
                kinds[comment.group(2)] = comment.group(3)
            continue
        sample = re.fullmatch(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\]|\\.)*",?)+)\})? ([0-9.]+)', line)
        if not sample:
            checks.check(False, "not a line of metrics: %r" % line)
            continue
        base = re.sub(r"_(bucket|sum|count)$", "", sample.group(1))
        if sample.group(1) not in kinds and kinds.get(base) != "histogram":
            checks.check(False, "a sample without its type: %r" % line)
        labels = tuple(sorted(re.findall(r'([a-z]+)="([^"]*)"', sample.group(2) or "")))
        if (sample.group(1), labels) in found:
            checks.check(False, "a sample twice: %r" % line)
        found[(sample.group(1), labels)] = float(sample.group(3))
    return found


def metrics(checks, hsm, key):
    def count(at, command):
        return sum(value for (name, labels), value in at.items()
                   if name == "countersign_hsm_answers_total" and ("command", command) in labels)

    before = samples(checks, hsm.metrics())
    with hsm.connect() as wire:
        code = ask(wire, "CW%s%s;3012101" % (key, PANS[1]))[4:]
        wire.sendall(b"".join(frame("CY%s%s%s;3012101" % (key, code, PANS[1])) for _ in range(500)))
        answers = [take(wire) for _ in range(500)]
    after = samples(checks, hsm.metrics())
    checks.check(set(answers) == {"CZ00"} and count(after, "CY") - count(before, "CY") == 500, "metrics count what was answered")
    for command in ("CY", "CW", "A0"):
        label = ("command", command)
        buckets = sorted((float(dict(labels)["le"]), value) for (name, labels), value in after.items()
                         if name == "countersign_hsm_command_seconds_bucket" and label in labels)
        total = after[("countersign_hsm_command_seconds_count", (label,))]
        checks.check(total == count(after, command) == buckets[-1][1] and buckets[-1][0] == float("inf") and
                     [v for _, v in buckets] == sorted(v for _, v in buckets), "the histogram of %s adds up" % command)
    checks.check(after[("countersign_hsm_reloads_total", (("result", "refused"),))] == 1 and
                 after[("countersign_hsm_reloads_total", (("result", "done"),))] >= 4, "reloads are counted")
    # A static failure counts against the card and against what its code is computed from.
    checks.check(after[("countersign_hsm_guess_exceeded", ())] == 2, "and cards above the limit")


# ---- the trail


def audit(files, key, *options):
    return subprocess.run([HSM, "audit", "verify", "--key", key, *options, *files], capture_output=True, text=True, timeout=60,
                          check=False)


def told(out):
    """The number of the line that verify blames; 0: none."""
    found = re.search(r": line (\d+) ", out.stdout)
    return int(found.group(1)) if found else 0


def check_by_hand(checks, path, key):
    """The chain, computed by another implementation."""
    with open(key, encoding="ascii") as text:
        secret = bytes.fromhex(text.read().strip())
    before, number = bytes(32), 0
    with open(path, "rb") as lines:
        for line in lines:
            fields = json.loads(line)
            body = line[:line.rindex(b',"mac":"')]
            before = hmac.new(secret, before + body, hashlib.sha256).digest()
            number += 1
            if fields["mac"] != before.hex().upper() or fields["n"] != number:
                return checks.check(False, "line %d has another MAC" % number)
    return checks.check(number > 10, "Python finds the same %d MACs" % number)


def tampered(checks, folder, path, key):
    copy = os.path.join(folder, "copy")
    shutil.copy(path + ".head", copy + ".head")
    with open(path, "rb") as original:
        lines = original.read().splitlines(keepends=True)

    def expect(changed, line, what):
        with open(copy, "wb") as out:
            out.write(b"".join(changed))
        out = audit([copy], key)
        if out.returncode != 1 or told(out) != line:
            checks.check(False, "%s: status %d, %s" % (what, out.returncode, out.stdout.strip()))
            return 1
        return 0

    missed = 0
    for i, line in enumerate(lines):
        at = secrets.randbelow(len(line) - 1)
        flipped = line[:at] + bytes([line[at] ^ BIT << secrets.randbelow(7)]) + line[at + 1:]
        missed += expect(lines[:i] + [flipped] + lines[i + 1:], i + 1, "byte %d of line %d" % (at, i + 1))
    checks.check(missed == 0, "a byte that was changed is found in each of %d lines" % len(lines))
    middle, last = len(lines) // 2, len(lines) - 1
    missed = expect(lines[1:], 1, "first line removed")
    missed += expect(lines[:middle] + lines[middle + 1:], middle + 1, "middle line removed")
    missed += expect(lines[:last], last, "last line removed")
    missed += expect(lines[:middle] + [lines[middle + 1], lines[middle]] + lines[middle + 2:], middle + 1, "lines swapped")
    missed += expect(lines[:middle] + [lines[middle]] + lines[middle:], middle + 2, "line doubled")
    missed += expect(lines[:last] + [lines[last][:40]], last + 1, "file cut")
    missed += expect([], 0, "file emptied")
    checks.check(missed == 0, "and so are lines removed, swapped, doubled and cut")
    with open(copy, "wb") as out:
        out.write(b"".join(lines))
    checks.check(audit([copy], key).returncode == 0, "the copy itself is fine")


def trail(checks, hsm, key_file, needles):
    path = hsm.settings["audit"]
    out = audit([path], key_file)
    checks.check(out.returncode == 0, "the trail of a running HSM verifies: %s" % out.stdout.strip())
    checks.check(hsm.end() == 0, "the HSM ends")
    out = audit([path], key_file, "--json")
    data = json.loads(out.stdout)
    checks.check(out.returncode == 0 and data["first"] == 1 and data["last"] == data["lines"], "and verifies behind it")
    check_by_hand(checks, path, key_file)
    with open(path, encoding="ascii") as text:
        events = [json.loads(line) for line in text]
    names = {event["event"] for event in events}
    wanted = {"trail.begun", "hsm.started", "hsm.lmks_loaded", "hsm.officer", "hsm.authorised", "hsm.command", "hsm.guess_limit",
              "hsm.reloaded", "hsm.reload_refused", "hsm.plaintext_refused", "hsm.stopped"}
    checks.check(wanted <= names, "it tells of %s" % ", ".join(sorted(names)))
    keyed = [(event["command"], event["answer"]) for event in events if event["event"] == "hsm.command"]
    checks.check(("A0", "17") in keyed and ("A0", "00") in keyed and ("CY", "39") in keyed, "of commands on keys and refusals")
    with open(path, "rb") as raw:
        content = raw.read()
    checks.check(not [name for name, needle in needles.items() if needle in content], "and of no card number and no key")
    os.rename(key_file, key_file + ".away")
    with open(os.open(key_file, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as out:
        out.write("00" * 32)
    checks.check(audit([path], key_file).returncode == 1, "under another key nothing verifies")
    os.rename(key_file + ".away", key_file)
    os.chmod(key_file, 0o644)
    checks.check(audit([path], key_file).returncode == 2, "a key that others may read is refused")
    os.chmod(key_file, 0o600)
    checks.check(subprocess.run([HSM, "audit"], capture_output=True, check=False).returncode == 2, "and half a command line")


# ---- under load


def load(hsm, key, stop, counts):
    try:
        with hsm.connect() as wire:
            while not stop.is_set():
                wire.sendall(b"".join(frame("CY%s000%s;3012101" % (key, PANS[1])) for _ in range(20)) + frame("A0"))
                for _ in range(21):
                    if take(wire) is None:
                        return
                    counts.append(1)
    except OSError:
        return


def killed(checks, hsm, key, key_file):
    path = hsm.settings["audit"]
    for _ in range(4):
        hsm.start()
        stop, counts = threading.Event(), []
        workers = [threading.Thread(target=load, args=(hsm, key, stop, counts)) for _ in range(4)]
        for worker in workers:
            worker.start()
        time.sleep(0.3 + secrets.randbelow(400) / 1000)
        hsm.process.kill()
        hsm.process.wait(10)
        stop.set()
        for worker in workers:
            worker.join()
        hsm.reader.join()
        hsm.process.stderr.close()
        out = audit([path], key_file)
        checks.check(out.returncode == 0 and len(counts) > 50, "killed under load, the trail verifies: %s" % out.stdout.strip())
    checks.check(json.loads(audit([path], key_file, "--json").stdout)["lines"] > 20, "over all starts")


def drained(checks, hsm, key):
    """What has arrived before the signal is answered, on every connection; then the process ends."""
    hsm.start()
    wires = [hsm.connect() for _ in range(20)]
    code = ask(wires[0], "CW%s%s;3012101" % (key, PANS[0]))
    for wire in wires:
        wire.sendall(b"".join(frame("CW%s%s;3012101" % (key, PANS[0])) for _ in range(300)))
    time.sleep(0.1)
    hsm.process.send_signal(signal.SIGTERM)
    answers = []
    for wire in wires:
        while (answer := take(wire)) is not None:
            answers.append(answer)
        wire.close()
    status = hsm.process.wait(20)
    hsm.reader.join()
    hsm.process.stderr.close()
    checks.check(status == 0 and answers == [code] * 6000, "stopped under load: %d answers, then the end" % len(answers))
    checks.check("connections are cut" not in "".join(hsm.lines[hsm.mark:]), "nothing was cut")


def broken(checks, hsm, key_file):
    """An HSM does not go on over a trail that was changed."""
    path = hsm.settings["audit"]
    with open(path, "r+b") as trail_file:
        trail_file.seek(100)
        trail_file.write(b"?")
    hsm.start()
    status = hsm.process.wait(20)
    hsm.reader.join()
    hsm.process.stderr.close()
    last = hsm.lines[-1].strip()
    checks.check(status == 2 and "line 1 was changed" in last, "a broken trail stops the start: %s" % last)
    checks.check(audit([path], key_file).returncode == 1, "and verify says why")


def main():
    fail_without_build()
    checks = Checks()
    folder = tempfile.mkdtemp(prefix="hsm-hardened-")
    hsm = None
    store, key_file, clients = (os.path.join(folder, name) for name in ("lmks", "audit.key", "clients"))
    try:
        assert create(store, PASSPHRASES, "--needed", "2").end() == 0
        form(store)
        refused(checks, store)
        unsafe(checks, store)
        with open(os.open(key_file, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as out:
            out.write(secrets.token_hex(32) + "\n")
        with open(clients, "w", encoding="utf-8") as out:
            out.write("-: *\n")
        ca = Authority(folder)
        ca.leaf("hsm", "an HSM", "subjectAltName=IP:127.0.0.1")
        ca.leaf("switch", "the switch")
        ca.leaf("stranger", "somebody else")
        hsm = Hardened(folder, tls_listen="127.0.0.1:0", tls_certificate=ca.path("hsm.pem"), tls_key=ca.path("hsm.key"),
                       tls_ca=ca.path("ca.pem"), listen="127.0.0.1:0", admin="127.0.0.1:0", lmk_store=store,
                       console=os.path.join(folder, "console"), guess_limit=5, plaintext_peers="127.0.0.1",
                       clients=clients, audit=os.path.join(folder, "audit.log"), audit_key=key_file)
        checks.check(bool(hsm.wait_log('"setting":"hsm.plaintext_peers"')), "what is unsafe is told")
        checks.check(hsm.ask("A00402U") == "A117", "no key is made without authority")
        checks.check(authorise(hsm, "generate.402.host") == 0, "two officers authorise it")
        made = hsm.ask("A00402U")
        checks.check(made.startswith("A100U") and len(made) == 4 + 33 + 6, "and a key is made")
        key = made[4:37]
        limits(checks, hsm, key)
        lists(checks, hsm, key)
        tls(checks, hsm, ca, key)
        metrics(checks, hsm, key)
        memory(checks, hsm, key_file)
        needles = {"card %d" % i: pan.encode() for i, pan in enumerate(PANS)}
        needles.update({"key": key[1:].encode(), "passphrase": PASSPHRASES[0].encode()})
        trail(checks, hsm, key_file, needles)
        tampered(checks, folder, hsm.settings["audit"], key_file)
        killed(checks, hsm, key, key_file)
        drained(checks, hsm, key)
        broken(checks, hsm, key_file)
    finally:
        if hsm and hsm.process.poll() is None:
            hsm.process.kill()
        shutil.rmtree(folder, ignore_errors=True)
    return checks.end()


sys.exit(main())
