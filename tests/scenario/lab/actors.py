# SPDX-License-Identifier: Apache-2.0
"""The words of a script: one row a command, what it takes, what it gives back. `play --help` prints this table."""
import contextlib
import errno
import os
import signal
import sqlite3
import subprocess
import threading
import time
import uuid

from hsm_host import Host
from lab.books import Crowd
from lab.iso8583 import Acquirer, Played, original, parse
from lab.process import BUILD
from lab.world import SERVICES, Lab
from sandbox import seed
from tls_files import Authority

ROWS = {}
UNITS = {"ms": 1, "s": 1000, "m": 60000, "h": 3600000, "d": 86400000}
TO_NETWORK = ("link.visa.port=%d", "link.visa.profile=iso87-ascii", "link.visa.extract=generic_126_10", "link.visa.timeout_ms=700",
              "link.eftpos.port=0", "gateway.reversal_ms=300")


def command(takes, gives, doc):
    def keep(function):
        ROWS[function.__name__.replace("_", " ").strip()] = (function, takes, gives, doc)
        return function
    return keep


def minor(text):
    whole, _, cents = text.partition(".")
    return int(whole) * 100 + int(cents.ljust(2, "0") or 0)


def span_ms(text):
    digits = text.rstrip("smhd")
    return int(float(digits) * UNITS[text[len(digits):]])


def names(words):
    return SERVICES if words == ("all",) else words


class Stage:
    """The actors of one script. The lab comes up with the first command that needs it."""

    def __init__(self):
        self.made, self.network, self.crowd, self.again_args, self.first = None, None, None, None, {}
        self.more = {}

    @property
    def lab(self):
        if not self.made:
            self.made = Lab()
            self.till = Acquirer(self.made.world.text["switch"]["generic"])
        return self.made

    def close(self):
        if self.made:
            self.made.close()

    def logs(self):
        """The last lines of each service."""
        for process in (self.made.processes.values() if self.made else ()):
            if process.process:
                print("        == %s\n        %s" % (process.name, "\n        ".join(process.said().splitlines()[-3:])))

    # ---- processes

    @command("NAME...|all [key=value...]", "", "starts services with settings of their own and waits until each answers")
    def start(self, *words):
        settings = [word for word in words if "=" in word]
        for name in names(tuple(word for word in words if "=" not in word)):
            own = list(settings)
            if name == "gateway" and self.network:
                own += [word % self.network.port if "%" in word else word for word in TO_NETWORK]
            self.lab.start(name, *own)
        return []

    @command("NAME", "STATUS LINE", "tries to start a service that must refuse: its exit status and the last line it says")
    def refuse(self, name, *settings):
        process = self.lab.processes[name].start(*["--set=" + setting for setting in settings])
        return [str(process.process.wait(30)), process.said(process.mark).strip().splitlines()[-1]]

    @command("NAME...|all", "STATUS...", "asks services to end, and waits")
    def stop(self, *words):
        return [str(self.lab.processes[name].stop()) for name in reversed(names(words))]

    @command("NAME...", "", "SIGKILL")
    def kill(self, *words):
        for name in words:
            self.lab.processes[name].kill()
        return []

    @command("NAME", "", "SIGSTOP: it is there and does nothing")
    def pause(self, name):
        self.lab.processes[name].send(signal.SIGSTOP)
        return []

    @command("NAME", "", "SIGCONT")
    def resume(self, name):
        self.lab.processes[name].send(signal.SIGCONT)
        return []

    @command("NAME", "", "SIGHUP: it reads its settings again")
    def reload(self, name):
        self.lab.processes[name].send(signal.SIGHUP)
        return []

    @command("NAME PAGE", "STATUS", "an admin page: healthz, readyz, metrics")
    def page(self, name, path):
        return [str(self.lab.page(name, path)[0])]

    @command("NAME LINE", "VALUE", "one line of a service's metrics")
    def metric(self, name, line):
        return [str(self.lab.metric(name, line))]

    @command("NAME EVENT [MEMBER]", "VALUE", "waits for an event in the log since the last start")
    def log(self, name, event, member="event"):
        found = self.lab.processes[name].event(event)
        return [str(found[member]) if found else "none"]

    @command("NAME WORDS", "yes|no", "whether the log holds these words, or never did")
    def said(self, name, words):
        return ["yes" if words in self.lab.processes[name].said() else "no"]

    @command("NAME key=value...", "", "changes lines of a service's configuration file: section.key")
    def settings(self, name, *words):
        path = os.path.join(self.lab.dir, name + ".ini")
        with open(path, "a", encoding="utf-8") as out:
            for word in words:
                key, _, value = word.partition("=")
                section, _, member = key.partition(".")
                out.write("[%s]\n%s = %s\n" % (section, member, value))
        return []

    @command("NAME TEXT", "", "writes a file in the lab's folder, private; \\n ends a line")
    def file(self, name, text):
        path = os.path.join(self.lab.dir, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write(text.replace("\\n", "\n"))
        return []

    @command("NAME", "", "removes a database from the lab's folder, with the files beside it")
    def remove(self, name):
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.lab.dir, name + suffix))
        return []

    @command("full|read-only|fine", "", "how the disk under the databases takes what is written")
    def disk(self, how):
        self.lab.set_disk({"full": errno.ENOSPC, "read-only": errno.EROFS, "fine": 0}[how])
        return []

    # ---- time

    @command("TIME", "", "moves the wall clock of all services: 30s, 5m, 2h, 1d")
    def clock_ahead(self, text):
        self.lab.move_clock(span_ms(text))
        return []

    @command("", "", "moves it to the beginning of the next hour, where a window of one hour begins")
    def clock_hour(self):
        now = int(time.time() * 1000) + self.lab.ahead_ms
        self.lab.move_clock(3600000 - now % 3600000 + 1000)
        return []

    @command("TIME", "", "lets time pass")
    def wait(self, text):
        time.sleep(span_ms(text) / 1000)
        return []

    # ---- the app

    @command("CARD", "HTTP CODE", "displays a card; CARD is static-1, one_time-2, time_window-3 or an id")
    def app_show(self, card):
        status, shown = self.lab.display(self.lab.card(card))
        return [str(status), shown["cvv"] if status == 200 else "-"]

    @command("CODE...", "CODE", "a code that is none of these")
    def wrong(self, *known):
        return [next(code for code in ("%0*d" % (len(known[0]) if known else 3, n) for n in range(1000)) if code not in known)]

    # ---- the merchant

    @command("CARD CODE AMOUNT [merchant=N]", "HTTP APPROVED|DECLINED|ERROR MATCH", "a charge through the gateway")
    def merchant_pay(self, card, code, amount, merchant="merchant=0"):
        self.more["request_id"] = str(uuid.uuid4())
        self.again_args = (self.lab.card(card), code, minor(amount), int(merchant.partition("=")[2]))
        return self.charge()

    def charge(self):
        self.told = self.lab.charge(*self.again_args, request_id=self.more["request_id"])
        first = self.first.setdefault(self.more["request_id"], self.told.body)
        return self.told.words() + ["same" if self.told.body == first else "other"]

    @command("", "HTTP APPROVED|DECLINED|ERROR MATCH same|other", "the last charge again, under its id")
    def merchant_again(self):
        return self.charge()

    @command("NAME", "", "goes to this gateway from now on: gateway, or a second one such as gateway-b")
    def merchant_at(self, name):
        self.lab.world.gateway = self.lab.address[name]
        return []

    @command("COUNT CARD CODE AMOUNT once|each", "bodies=N WORD+WORD... WORD=COUNT...",
             "as many charges at once, under one id or each under its own; how many different bodies told an approval")
    def merchant_race(self, count, card, code, amount, how):
        answers, request_id = [], str(uuid.uuid4())
        def pay():
            answers.append(self.lab.charge(self.lab.card(card), code, minor(amount), 0, request_id if how == "once" else None))
        racers = [threading.Thread(target=pay) for _ in range(int(count))]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        words = [answer.words()[1] for answer in answers]
        bodies, kinds = {str(answer.body) for answer in answers if answer.approved}, sorted(set(words))
        return ["bodies=%d" % len(bodies), "+".join(kinds)] + ["%s=%d" % (word, words.count(word)) for word in kinds]

    @command("AMOUNT [CODE]", "HTTP ERROR", "another amount or code under the last charge's id")
    def merchant_change(self, amount, changed=None):
        card, code, _, merchant = self.again_args
        code = changed or code
        return self.lab.charge(card, code, minor(amount), merchant, self.more["request_id"]).words()

    @command("NAME[.NAME...]", "VALUE", "a member of the last answer's processorResponseDetails")
    def merchant_told(self, path):
        value = self.told.details
        for name in path.split("."):
            value = (value or {}).get(name)
        return [str(value)]

    # ---- an acquirer at the switch's generic link

    @command("CARD CODE AMOUNT [DEn=VALUE...]", "", "makes an authorisation and keeps it back; CODE none: without one")
    def acquirer_make(self, card, code, amount, *fields):
        self.lab.card(card)  # the lab is up
        code = None if code == "none" else code
        self.till.prepare(self.lab.card(card), code, minor(amount), **dict(field.split("=") for field in fields))
        return []

    @command("CARD CODE AMOUNT [DEn=VALUE...]", "DE39 LETTER", "makes an authorisation and sends it")
    def acquirer_pay(self, *words):
        self.acquirer_make(*words)
        self.till.answer = None
        return self.acquirer_send()

    @command("", "DE39 LETTER same|other", "sends the last authorisation, or sends it again")
    def acquirer_send(self):
        before, frame = self.till.answer, self.till.send()
        fields = parse(frame) if frame else {39: "none"}
        letter = fields.get(44, "").ljust(11)[10].strip() or "-"
        return [fields[39], letter, "same" if before == frame else "other"]

    @command("[AMOUNT]", "DE39", "reverses the last authorisation, or all of it but AMOUNT")
    def acquirer_reverse(self, left=None):
        frame = self.till.reverse(None if left is None else minor(left))
        return [parse(frame)[39] if frame else "none"]

    # ---- a network in the switch's place

    @command("", "", "a network by script; gateways that start from now on use it for Visa")
    def network_open(self):
        self.network = Played()
        return []

    @command("DE39 LETTER | silent | late SECONDS | garbage | another | twice", "", "how it answers authorisations")
    def network_answers(self, *how):
        self.network.how = how
        return []

    @command("yes|no", "", "whether it answers reversals")
    def network_reversals(self, answered):
        self.network.answer_reversals = answered == "yes"
        return []

    @command("", "AUTHORISATIONS REVERSALS", "how many messages it has been sent")
    def network_saw(self):
        return [str(len(self.network.seen)), str(len(self.network.reversals))]

    @command("", "MTI right|wrong", "the last reversal: its type, and whether it names the last authorisation; a repeat, the first")
    def network_reversed(self):
        if not self.network.reversals:
            return ["none"]
        sent, was = self.network.reversals[-1], self.network.seen[-1]
        right = sent[90] == original(was) and sent[37] == was[37] and sent[2] == was[2]
        if sent[0] == "0401":
            first = [one for one in self.network.reversals if one[0] == "0400"][-1]
            right = right and all(sent[number] == first[number] for number in (7, 11, 37, 90))
        return [sent[0], "right" if right else "wrong"]

    @command("", "unique|doubled", "whether each authorisation had a DE37, and a DE7 and DE11, of its own")
    def network_numbers(self):
        seen = self.network.seen
        own = len({one[37] for one in seen}) == len(seen) == len({(one[7], one[11]) for one in seen})
        return ["unique" if own else "doubled"]

    # ---- the HSM

    @command("COMMAND", "ANSWER", "a host command")
    def hsm_ask(self, text):
        host = Host(int(self.lab.world.text["hsm"]["address"].rsplit(":", 1)[1]))
        answer = host.ask(text)
        host.close()
        return [answer]

    # ---- certificates

    @command("NAME COMMON-NAME [EXTENSION]", "PATH", "a certificate and key of the lab's own authority; ca.pem stands beside it")
    def tls_make(self, name, common_name, extension="keyUsage=digitalSignature"):
        self.more.setdefault("ca", Authority(self.lab.dir) if "ca" not in self.more else None)
        self.more["ca"].leaf(name, common_name, extension)
        return [os.path.join(self.lab.dir, name)]

    # ---- the stores

    @command("CARD", "AMOUNT", "what its account holds")
    def ledger_held(self, card):
        held = self.lab.row("SELECT held FROM account a JOIN card c ON c.account_id = a.account_id WHERE c.reference = ?",
                            self.lab.card(card)["cardId"])[0]
        return ["%d.%02d" % divmod(held, 100)]

    @command("CARD", "STATE DECLINES", "its code: none, active, used, exhausted, expired")
    def ledger_code(self, card):
        found = self.lab.row("SELECT k.state, k.declines FROM card_code k JOIN card c ON c.card_id = k.card_id "
                             "WHERE c.reference = ?", self.lab.card(card)["cardId"])
        return [str(word) for word in found or ("none", 0)]

    @command("", "COUNT", "authorisations that the ledger holds")
    def ledger_count(self):
        return [str(self.lab.row("SELECT count(*) FROM auth")[0])]

    @command("PRODUCT name=value...", "", "changes columns of a card product, as an operator would")
    def ledger_product(self, product, *words):
        with sqlite3.connect(self.lab.ledger, timeout=10) as base:
            for word in words:
                column, _, value = word.partition("=")
                base.execute("UPDATE product SET version = version + 1, %s = ? WHERE product_id = ?" % column,
                             (int(value) if value.isdigit() and column != "deferred_mcc_group" else value, product))
        return []

    @command("", "STATE=COUNT...", "the gateway's reversals by state, in order")
    def gateway_reversals(self):
        return self.lab.made("reversal") or ["none"]

    @command("", "STATE=COUNT...", "the gateway's records by state, in order")
    def gateway_records(self):
        return self.lab.made("record") or ["none"]

    # ---- a crowd

    @command("COUNT PAYMENTS", "", "shoppers who display and pay in the background, some with a code that was used")
    def crowd_pay(self, count, payments):
        self.crowd = Crowd(self.lab, int(count), int(os.environ.get("PAYMENTS", payments)), seed())
        return []

    @command("NAME...", "", "kills one after the other at random until the crowd is done, each at least once")
    def crowd_torment(self, *words):
        self.crowd.torment([self.lab.processes[name] for name in words])
        return []

    @command("", "all|COUNT", "waits for the crowd: whether nine payments of ten were answered")
    def crowd_answered(self):
        count = self.crowd.join()
        return ["all" if count >= self.crowd.payments * 9 // 10 else str(count)]

    @command("", "right|WORDS", "what was told against ledger and holds; the oracle must see a planted double approval as well")
    def books(self):
        return self.crowd.wrong(self.lab.ledger) or ["right"]

    # ---- the program

    @command("WORD...", "STATUS LINE", "runs a program of the build: its exit status and the first line that it prints")
    def run(self, *words):
        done = subprocess.run([os.path.join(BUILD, words[0]), *words[1:]], capture_output=True, text=True, timeout=60, check=False)
        return [str(done.returncode), (done.stdout + done.stderr).strip().splitlines()[0]]
