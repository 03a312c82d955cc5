#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The HSM as README.md and docs/operations.md tell it: their commands, the packaged configuration and clients, the unit."""
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from ceremony import HSM, Terminal, create
from sandbox import Checks, fail_without_build
from tools_hsm import Hsm

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PASSPHRASES = ["the first of the officers", "a second one who watches", "and a third who is away"]
CARD = ("pan=4123456789012345", "expiry=3012", "service=101")


def text_of(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as page:
        return page.read()


def put(path, text, mode=0o644):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as out:
        out.write(text)


class Place:
    """A root of its own with everything in it that the page says to make."""

    def __init__(self, root):
        self.root = root
        self.etc, self.state, self.logs = (os.path.join(root, name) for name in ("etc/countersign", "var/lib/countersign",
                                                                                 "var/log/countersign"))
        for folder in (self.etc, self.state, self.logs, os.path.join(root, "run/countersign"), os.path.join(root, "credentials")):
            os.makedirs(folder, 0o700)
        self.store, self.trail = os.path.join(self.state, "lmk.store"), os.path.join(self.logs, "audit.log")
        self.conf = os.path.join(self.etc, "hsm.conf")
        self.clients = os.path.join(self.etc, "clients")
        self.commands()
        put(self.conf, self.rooted(text_of("packaging/countersign-hsm.conf")))
        shutil.copy(os.path.join(ROOT, "packaging/countersign-hsm.clients"), self.clients)
        for name in ("audit.key", "guess.key"):  # as an access list of systemd shows itself where root runs this
            shutil.move(os.path.join(self.etc, name), os.path.join(root, "credentials", name))
            os.chmod(os.path.join(root, "credentials", name), 0o440 if os.getgid() == 0 else 0o400)
        self.key = os.path.join(root, "credentials", "audit.key")

    def rooted(self, text):
        text = re.sub(r"(?m)^(\w+ = )(/(?:etc|var|run)/)", r"\g<1>%s\2" % self.root, text)
        return text.replace("0.0.0.0:2500", "127.0.0.1:0").replace("127.0.0.1:2501", "127.0.0.1:0")

    def commands(self):
        """The page's own lines for openssl."""
        page = text_of("docs/operations.md")
        block = page[page.index("## Certificates"):page.index("A question over TLS")]
        lines = [line[4:] for line in block.splitlines() if line.startswith("    ")]
        lines += [line[4:] for line in page.splitlines() if line.startswith("    (umask 077; openssl rand")]
        subprocess.run(["bash", "-euc", "\n".join(lines)], cwd=self.etc, check=True, capture_output=True)

    def command(self):
        """ExecStart of the unit."""
        unit = text_of("packaging/systemd/countersign-hsm.service")
        words = shlex.split(re.search(r"(?m)^ExecStart=(.+)$", unit).group(1))
        words = [word.replace("${CREDENTIALS_DIRECTORY}", os.path.join(self.root, "credentials")) for word in words]
        return [HSM] + [word.replace("/etc/countersign", self.etc) for word in words[1:]]

    def start(self):
        self.log = open(os.path.join(self.root, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(self.command(), stderr=self.log)
        self.started = self.wait("hsm.started")
        self.sandbox = self.wait("hsm.sandbox")

    def logged(self):
        with open(os.path.join(self.root, "log"), encoding="utf-8") as lines:
            return [json.loads(line) for line in lines.read().splitlines() if line.startswith("{")]

    def wait(self, event, since=0):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            for line in self.logged()[since:]:
                if line["event"] == event:
                    return line
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError("no %s: %s" % (event, self.logged()))

    def reload(self, event):
        since = len(self.logged())
        self.process.send_signal(signal.SIGHUP)
        return self.wait(event, since)

    def end(self):
        self.process.terminate()
        status = self.process.wait(20)
        self.log.close()
        return status

    def page(self, name):
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d/%s" % (self.started["admin_port"], name), timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, ""

    def send(self, client, *words):
        """The answer to a command over TLS, its fields by their labels."""
        etc = lambda name: os.path.join(self.etc, name)
        done = subprocess.run([HSM, "send", "--json", "--reveal", "--to", "127.0.0.1:%d" % self.started["tls_port"], "--tls-ca",
                               etc("ca.pem"), "--tls-certificate", etc(client + ".pem"), "--tls-key", etc(client + ".key"), *words],
                              capture_output=True, text=True, timeout=60, check=False)
        if done.returncode > 1:
            raise RuntimeError("%s: %s" % (words[0], done.stderr))
        return {part["field"]: part["value"] for part in json.loads(done.stdout)["answer"]["parts"]}

    def officers(self, *words, who=(1, 2)):
        t = Terminal("lmk", *words, "--config", self.conf)
        for number in who:
            t.officer(number, PASSPHRASES[number - 1])
        return t.end(), t.screen

    def verify(self, *files):
        return subprocess.run([HSM, "audit", "verify", "--key", self.key, *files], capture_output=True, text=True, timeout=60,
                              check=False)


def ceremony(place):
    assert create(place.store, PASSPHRASES).end() == 0
    media = [os.path.join(place.root, "component-%d" % number) for number in (1, 2, 3)]
    sums = []
    for path in media:
        t = Terminal("lmk", "component", path, "--kind", "variant")
        t.secret("New passphrase of ", "words of the medium")
        t.secret("The same again: ", "words of the medium")
        sums.append(t.expect(r"Check value: ([0-9A-F]{6})").group(1))
        assert t.end() == 0, t.screen
    t = Terminal("lmk", "form", "--store", place.store, "--id", "00", "--components", "3", "--kind", "variant")
    t.officer(1, PASSPHRASES[0])
    t.officer(3, PASSPHRASES[2])
    for path, check in zip(media, sums):
        t.secret("path of its file: ", path)
        t.secret("Passphrase of the component file: ", "words of the medium")
        t.answer("Check value %s. Is that the one on the paper\\? " % check, "yes")
    formed = t.expect(r"NC: ([0-9A-F]{16})").group(1)
    t.answer("Keep it as LMK 00, variant, live", "yes")
    assert t.end() == 0, t.screen
    return formed


def one_place(checks):
    """calc refuses clear keys where the HSM of this machine is hardened: it must look where the unit has the configuration."""
    used = re.search(r"--config (\S+)", text_of("packaging/systemd/countersign-hsm.service")).group(1)
    told = subprocess.run([HSM, "calc", "--help"], capture_output=True, text=True, check=False).stdout
    checks.check(used in told and used in text_of("docs/operations.md") and used in text_of("docs/ceremony.md"),
                 "unit, tools and pages mean the same file: " + used)


def loading(checks, place, formed):
    checks.check(place.started["mode"] == "hardened" and place.started["port"] == 0 and place.started["tls_port"] > 0,
                 "the packaged configuration starts a hardened HSM on TLS alone")
    checks.check(not [line for line in place.logged() if line["event"] == "hsm.unsafe"], "without a setting that it calls unsafe")
    checks.check(place.page("healthz")[0] == 200 and place.page("readyz")[0] == 503, "alive at once, and not ready")
    told = subprocess.run([HSM, "lmk", "state", "--config", place.conf], capture_output=True, text=True, check=False).stdout
    checks.check("lmk: none is loaded" in told, "lmk state says what is missing: %r" % told)
    checks.check(place.send("keys", "NC")["error"] == "13", "commands on keys answer 13")
    status, screen = place.officers("load")
    checks.check(status == 0 and "Officer 1 is counted: 1 of 2 officers." in screen, "two officers load the LMK")
    told = subprocess.run([HSM, "lmk", "state", "--config", place.conf], capture_output=True, text=True, check=False).stdout
    checks.check("lmk: id 00, kind variant, use live, state current, check value %s," % formed in told,
                 "lmk state tells it: %r" % told)
    checks.check(place.page("readyz")[0] == 200 and place.send("keys", "NC")["LMK check"] == formed,
                 "with the check value of the ceremony")


def keys(checks, place):
    cvk = ("mode=0", "key-type=402", "lmk-scheme=U")
    checks.check(place.send("keys", "A0", *cvk)["error"] == "17", "no key is made unasked")
    for activity in ("generate.402.host", "generate.000.host", "export.402.host"):
        checks.check(place.officers("authorise", activity, "5", "--id", "00", who=(3, 1))[0] == 0, activity + " is authorised")
    made = place.send("keys", "A0", *cvk)
    pair = place.send("keys", "AS")
    zone = place.send("keys", "A0", "mode=0", "key-type=000", "lmk-scheme=U")
    checks.check([made["error"], pair["error"], zone["error"]] == ["00"] * 3, "A0 and AS make keys")
    named = lambda answer: next(value for field, value in answer.items() if field.lower().startswith("key"))
    key, zmk = named(made), named(zone)
    header = ("attr.usage=C0", "attr.algorithm=T2", "attr.mode=V", "attr.version=00", "attr.exportability=N",
              "attr.optional-blocks=00")
    sent = place.send("keys", "A8", "key-type=402", "zmk=" + zmk, "key=" + key, "zmk-scheme=R", *header, "--block-version", "B")
    checks.check(sent["error"] == "00", "A8 sends it out")
    checks.check(place.send("switch", "A0", *cvk)["error"] == "68", "not for a client that has no business with keys")
    place.officers("cancel", "--id", "00", who=())
    checks.check(place.send("keys", "A0", *cvk)["error"] == "17", "nor after lmk cancel")
    return key


def codes(checks, place, key):
    checks.check(place.send("switch", "CW", "key=" + key, *CARD)["error"] == "68",
                 "the packaged clients let the switch verify only")
    put(place.clients, text_of("packaging/countersign-hsm.clients").replace("CY PM", "CW CY PM"))
    checks.check(place.reload("hsm.reloaded").get("needs_a_start") == "", "a changed clients file is taken at SIGHUP")
    code = place.send("switch", "CW", "key=" + key, *CARD)["CVV"]
    wrong = "%03d" % ((int(code) + 1) % 1000)
    answers = [place.send("switch", "CY", "key=" + key, "cvv=" + digits, *CARD)["error"] for digits in (code, wrong)]
    checks.check(answers == ["00", "01"], "a code is made and verified over TLS")
    put(place.clients, "switch.bank.example: CW XX\n")
    checks.check("XX" in json.dumps(place.reload("hsm.reload_refused")), "a bad one is refused by its word")
    checks.check(place.send("switch", "CY", "key=" + key, "cvv=" + code, *CARD)["error"] == "00", "and changes nothing")


def watched(checks, place):
    _, text = place.page("metrics")
    have = set(re.findall(r"(?m)^# TYPE (\w+)", text))
    wanted = set(re.findall(r"countersign_hsm_\w+", text_of("docs/operations.md")))
    checks.check(wanted and wanted <= have, "every metric of the page is there: %s" % sorted(wanted - have))


def trail(checks, place):
    files = [os.path.join(place.logs, name) for name in sorted(os.listdir(place.logs)) if re.fullmatch(r"audit\.log\.\d+", name)]
    checks.check(place.verify(*files, place.trail).returncode == 0, "the trail verifies")
    keyless = subprocess.run([HSM, "audit", "verify", place.trail], capture_output=True, text=True, timeout=60, check=False)
    checks.check(keyless.returncode == 1 and "without --key" in keyless.stderr, "and who forgets the key is told")
    copy = os.path.join(place.root, "copy")
    shutil.copy(place.trail + ".head", copy + ".head")
    with open(place.trail, encoding="ascii") as lines:
        put(copy, lines.read().replace('"command":"A8"', '"command":"A6"', 1))
    told = place.verify(copy)
    checks.check(told.returncode == 1 and re.search(r"line \d+", told.stdout), "a changed line is named: %s" % told.stdout.strip())


def zeroised(checks, place):
    t = Terminal("lmk", "zeroise", "--config", place.conf)
    t.answer("Type ZEROISE to go on: ", "ZEROISE")
    checks.check(t.end() == 0 and not os.path.exists(place.store) and place.page("readyz")[0] == 503, "zeroise ends it")
    checks.check(place.send("keys", "NC")["error"] == "13" and place.end() == 0, "and the HSM stops in order")


def readme(checks):
    """The README's commands in one shell; `# ...: WORDS` behind a command is what its answer holds."""
    page = text_of("README.md")
    part = page[page.index("## The HSM in a dozen commands"):page.index("With LMKs of your own")]
    lines = [line[4:] for line in part.replace("|\n   ", "|").splitlines() if line.startswith("    ")]
    with Hsm() as hsm:
        asked = [line for line in lines if "serve" not in line and not line.startswith("make")]
        script = "\n".join("%s; echo; echo '-- answer'" % line.partition("  #")[0] for line in asked)
        script = script.replace("countersign-hsm send", "countersign-hsm send --to " + hsm.address)
        path = os.path.abspath(os.path.dirname(HSM)) + ":" + os.environ["PATH"]
        done = subprocess.run(["bash", "-uc", script], capture_output=True, text=True, env=dict(os.environ, PATH=path), check=False)
    answers = done.stdout.split("-- answer\n")
    checks.check(len(asked) >= 11 and "Try " not in done.stderr, "the README's commands are understood")
    for line, answer in zip(asked, answers):
        wanted = line.partition("  #")[2].rpartition(": ")[2].strip()
        if wanted:
            checks.check(wanted in answer, "%s: %s" % (line.split("  ")[0], wanted))


def main():
    fail_without_build()
    checks = Checks()
    readme(checks)
    one_place(checks)
    with tempfile.TemporaryDirectory(prefix="countersign-operations-") as root:
        place = Place(root)
        place.start()
        try:
            checks.check(place.wait("hsm.unready")["setting"] == "hsm.lmk_store", "an HSM without its store says so")
            formed = ceremony(place)
            loading(checks, place, formed)
            codes(checks, place, keys(checks, place))
            watched(checks, place)
            trail(checks, place)
            zeroised(checks, place)
        finally:
            if place.process.poll() is None:
                place.process.kill()
                place.process.wait()
    return checks.end()


sys.exit(main())
