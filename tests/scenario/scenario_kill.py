#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at random points during 500 payments; then the books must be right.

The sandbox's directory is seeded by `countersign demo --once`; this scenario then runs the services itself from the configuration
files there, so that it can kill each of them and start it again. Afterwards:
  - no one-time code was approved twice, neither in the ledger nor in what merchants were told;
  - every approval a merchant was told stands in the ledger;
  - every account holds exactly what its open approvals add up to, and every approval that no merchant was told is reversed.
SEED=... repeats a run's choices. Its own oracle is tested: a ledger with a doubled approval must be reported.
"""
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import uuid

from sandbox import BUILD, COUNTERSIGN, Checks, Demo, approved, details, fail_without_build, seed

PAYMENTS = int(os.environ.get("PAYMENTS", "500"))
SHOPPERS = 4
AMOUNT_MINOR = 1000
SETTLE_S = 90
INSIST_S = 30
THINK_S = 0.1  # a shopper's pause, so that the payments outlast a couple of dozen kills
APPROVALS = ("00", "10", "11", "85")


class Service:
    """One process that may die at any time and is started again."""

    def __init__(self, name, command, log):
        self.name, self.command, self.log, self.process, self.kills = name, command, log, None, 0

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.kills += 1

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def services(directory, offset):
    def log(name):
        return os.path.join(directory, name + ".log")

    listen = "127.0.0.1:%d" % (1500 + offset)
    hsm = [os.path.join(BUILD, "countersign-hsm"), "--test-lmk", "--listen", listen, "--header", "4"]
    found = [Service("hsm", hsm, log("hsm"))]
    for name in ("issuer", "switch", "gateway"):
        found.append(Service(name, [COUNTERSIGN, name, "--config", os.path.join(directory, name + ".ini")], log(name)))
    return found


class Shop(threading.Thread):
    """Pays until the work is done; keeps what it was told."""

    def __init__(self, world, work, number, generator):
        super().__init__(daemon=True)
        self.world, self.work, self.random, self.merchant = world, work, random.Random(generator.random()), number
        self.told = []  # (cardId, approval code, RRN)
        self.last = None

    def run(self):
        while self.work.take():
            time.sleep(self.random.uniform(0, THINK_S))
            try:
                self.pay()
            except (KeyError, TypeError, AttributeError):
                pass  # half an answer of a dying process is no answer

    def pay(self):
        card = self.random.choice(self.world.cards)
        if self.last and self.random.random() < 0.3:
            card, code = self.last  # a code that may have been used
        else:
            code = self.show(card)
            if not code:
                return
        self.last = (card, code)
        status, body = self.insist(card, code)
        self.work.answered(status)
        if status == 201 and approved(body):
            found = details(body)
            self.told.append((card["cardId"], found.get("approvalCode"), found.get("referenceNumber")))


    def show(self, card):
        """The app's user tries again as well."""
        until = time.monotonic() + INSIST_S
        while time.monotonic() < until:
            status, shown = self.world.display(card, 5)
            if status == 200:
                return shown["cvv"]
            time.sleep(0.1)
        return None

    def insist(self, card, code):
        """As a merchant does: the same request under the same id until an answer comes."""
        request_id = str(uuid.uuid4())
        until = time.monotonic() + INSIST_S
        while True:
            status, body = self.world.charge(card, code, "%d.%02d" % divmod(AMOUNT_MINOR, 100), self.merchant, request_id)
            running = status == 400 and (body or {}).get("error", [{}])[0].get("code") == "136"
            if (status not in (0, 503) and not running) or time.monotonic() > until:
                return status, body
            time.sleep(0.1)


class Work:
    def __init__(self, count):
        self.left, self.lock, self.status = count, threading.Lock(), {}

    def take(self):
        with self.lock:
            self.left -= 1
            return self.left >= 0

    def answered(self, status):
        with self.lock:
            self.status[status] = self.status.get(status, 0) + 1

    def done(self):
        with self.lock:
            return self.left <= 0


# ---- the oracle


def rows(path, statement):
    link = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
    try:
        return link.execute(statement).fetchall()
    finally:
        link.close()


def doubled(path):
    """(card, counter) approved more than once."""
    marks = ",".join("'%s'" % code for code in APPROVALS)
    return rows(path, "SELECT a.card_id, a.ref, count(*) FROM auth a JOIN card c ON c.card_id = a.card_id "
                      "JOIN product p ON p.product_id = c.product_id WHERE p.mode = 'one_time' AND a.mti_class = '0100' "
                      "AND a.de39 IN (%s) GROUP BY a.card_id, a.ref HAVING count(*) > 1" % marks)


def approvals(path):
    marks = ",".join("'%s'" % code for code in APPROVALS)
    return rows(path, "SELECT card_id, trim(de38), trim(de37), amount, reversed_amount, trim(de42) FROM auth "
                      "WHERE mti_class = '0100' AND de39 IN (%s)" % marks)


def held_by_card(path):
    return dict(rows(path, "SELECT c.card_id, a.held FROM card c JOIN account a ON a.account_id = c.account_id"))


def balances_wrong(path):
    """Cards whose account does not hold what their open approvals add up to."""
    open_sum = {}
    for card, _, _, amount, reversed_amount, _ in approvals(path):
        open_sum[card] = open_sum.get(card, 0) + amount - reversed_amount
    return [(card, held, open_sum.get(card, 0)) for card, held in held_by_card(path).items() if held != open_sum.get(card, 0)]


def untold(path, told, sellers):
    """Open approvals of these merchants that they were not told."""
    known = {(card, rrn) for card, _, rrn in told}
    return [row[:3] for row in approvals(path) if row[5] in sellers and row[3] != row[4] and (row[0], row[2]) not in known]


def oracle_is_tested(checks, path, directory):
    copy = os.path.join(directory, "doubled.db")
    source, target = sqlite3.connect(path), sqlite3.connect(copy)
    source.backup(target)
    source.close()
    names = [row[1] for row in target.execute("PRAGMA table_info(auth)")]
    chosen = target.execute("SELECT auth_id FROM auth a JOIN card c ON c.card_id = a.card_id JOIN product p ON "
                            "p.product_id = c.product_id WHERE p.mode = 'one_time' AND a.de39 = '00' AND a.mti_class = '0100' "
                            "LIMIT 1").fetchone()
    values = ", ".join("'planted'" if n == "auth_id" else "'X' || de11" if n == "de11" else n for n in names)
    target.execute("INSERT INTO auth (%s) SELECT %s FROM auth WHERE auth_id = ?" % (", ".join(names), values), chosen)
    target.commit()
    target.close()
    checks.check(len(doubled(copy)) == 1 and balances_wrong(copy), "a planted double approval is reported by the oracle")


# ---- the run


def wait_ready(world):
    """Until a payment goes through."""
    card = world.of_mode("static")[0]
    until = time.monotonic() + SETTLE_S
    while time.monotonic() < until:
        status, shown = world.display(card, 5)
        if status == 200 and world.charge(card, shown["cvv"], "0.01")[0] == 201:
            return True
        time.sleep(0.1)
    return False


def torment(running, work, generator):
    """Kills one after the other at random moments until the work is done, each at least once."""
    order = list(running)
    generator.shuffle(order)
    while not work.done() or min(service.kills for service in running) == 0:
        victim = order[0]
        order = order[1:] + [victim]
        time.sleep(generator.uniform(0.05, 0.8))
        victim.kill()
        time.sleep(generator.uniform(0.0, 0.3))
        victim.start()
        if work.done() and min(service.kills for service in running) > 0:
            return


def judge(checks, shops, path, world):
    # the probes and the seeding's story paid at merchant 0
    sellers = {world.merchants[shop.merchant]["merchantId"] for shop in shops}
    told = [one for shop in shops for one in shop.told]
    ledger = {(row[0], row[2]) for row in approvals(path)}
    missing = [one for one in told if (one[0], one[2]) not in ledger]
    checks.check(len(told) > 20, "%d approvals were told to merchants" % len(told))
    checks.check(not doubled(path), "no code was approved twice %s" % doubled(path)[:3])
    checks.check(not missing, "every approval that was told stands in the ledger %s" % missing[:3])
    checks.check(len(set(told)) == len(told), "no approval was told twice")
    until = time.monotonic() + SETTLE_S
    while untold(path, told, sellers) and time.monotonic() < until:
        time.sleep(0.5)
    left = untold(path, told, sellers)
    checks.check(not left, "every approval nobody was told is reversed %s" % left[:3])
    checks.check(not balances_wrong(path), "balances are right %s" % balances_wrong(path)[:3])


def scenario(checks, directory, offset, world):
    generator = seed()
    running = services(directory, offset)
    work = Work(PAYMENTS)
    path = os.path.join(directory, "ledger.db")
    for service in running:
        service.start()
    try:
        checks.check(wait_ready(world), "the services run from the sandbox's files")
        shops = [Shop(world, work, number, generator) for number in range(1, SHOPPERS + 1)]
        for shop in shops:
            shop.start()
        torment(running, work, generator)
        for shop in shops:
            shop.join(120)
        checks.check(sum(work.status.values()) >= PAYMENTS * 9 // 10, "%d payments were answered" % sum(work.status.values()))
        print("kills: %s; answers by HTTP status: %s" % (", ".join("%s %d" % (s.name, s.kills) for s in running), work.status))
        checks.check(wait_ready(world), "payments go through again")
        judge(checks, shops, path, world)
        oracle_is_tested(checks, path, directory)
    finally:
        for service in running:
            service.stop()


def main():
    fail_without_build()
    checks = Checks()
    directory = tempfile.mkdtemp(prefix="countersign-kill-")
    demo = Demo("--once", keep_up=False, directory=directory)
    try:
        if checks.check(demo.wait(120) == 0, "a sandbox is seeded"):
            scenario(checks, directory, demo.offset, demo.world())
        if checks.failed:
            for name in ("hsm", "issuer", "switch", "gateway"):
                print("== %s.log" % name)
                subprocess.run(["tail", "-n", "5", os.path.join(directory, name + ".log")], check=False)
    finally:
        demo.stop(remove=False)
        shutil.rmtree(directory, ignore_errors=True)
    return checks.end()


sys.exit(main())
