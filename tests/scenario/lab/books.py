# SPDX-License-Identifier: Apache-2.0
"""The books after a storm: what merchants were told, against the rows of the ledger and every hold."""
import os
import random
import sqlite3
import threading
import time
import uuid

APPROVALS = ("00", "10", "11", "85")
INSIST_S, THINK_S, SETTLE_S, AMOUNT_MINOR = 30, 0.1, 90, 1000
_MARKS = ",".join("'%s'" % code for code in APPROVALS)


def rows(path, statement, *values):
    link = sqlite3.connect("file:%s?mode=ro" % path, uri=True, timeout=10)
    try:
        return link.execute(statement, values).fetchall()
    finally:
        link.close()


def doubled(path):
    """(card, counter) approved more than once."""
    return rows(path, "SELECT c.reference, a.ref, count(*) FROM auth a JOIN card c ON c.card_id = a.card_id "
                      "JOIN product p ON p.product_id = c.product_id WHERE p.mode = 'one_time' AND a.mti_class = '0100' "
                      "AND a.de39 IN (%s) GROUP BY a.card_id, a.ref HAVING count(*) > 1" % _MARKS)


def approvals(path):
    return rows(path, "SELECT c.reference, trim(a.de38), trim(a.de37), a.amount, a.reversed_amount, trim(a.de42) FROM auth a "
                      "JOIN card c ON c.card_id = a.card_id WHERE a.mti_class = '0100' AND de39 IN (%s)" % _MARKS)


def held(path):
    return dict(rows(path, "SELECT c.reference, a.held FROM card c JOIN account a ON a.account_id = c.account_id"))


def balances_wrong(path):
    """Cards whose account does not hold what their open approvals add up to."""
    open_sum = {}
    for card, _, _, amount, reversed_amount, _ in approvals(path):
        open_sum[card] = open_sum.get(card, 0) + amount - reversed_amount
    return [(card, sum_held, open_sum.get(card, 0)) for card, sum_held in held(path).items() if sum_held != open_sum.get(card, 0)]


def untold(path, told, sellers):
    """Open approvals of these merchants that they were not told."""
    known = {(card, rrn) for card, _, rrn in told}
    return [row[:3] for row in approvals(path) if row[5] in sellers and row[3] != row[4] and (row[0], row[2]) not in known]


def finds_a_planted_double(path):
    """A copy of the ledger with one approval twice must be reported."""
    copy = path + ".planted"
    with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
        source.backup(target)
        names = [row[1] for row in target.execute("PRAGMA table_info(auth)")]
        values = ", ".join("'planted'" if n == "auth_id" else "'X' || de11" if n == "de11" else n for n in names)
        target.execute("INSERT INTO auth (%s) SELECT %s FROM auth WHERE auth_id = (SELECT auth_id FROM auth a JOIN card c ON "
                       "c.card_id = a.card_id JOIN product p ON p.product_id = c.product_id WHERE p.mode = 'one_time' AND "
                       "a.de39 = '00' AND a.mti_class = '0100' LIMIT 1)" % (", ".join(names), values))
    found = len(doubled(copy)) == 1 and balances_wrong(copy)
    os.unlink(copy)
    return found


class Shopper(threading.Thread):
    """Pays until the work is done; keeps what its merchant was told."""

    def __init__(self, crowd, merchant):
        super().__init__(daemon=True)
        self.crowd, self.lab, self.merchant = crowd, crowd.lab, merchant
        self.random = random.Random(crowd.random.random())
        self.told, self.last = [], None
        self.start()

    def run(self):
        while self.crowd.take():
            time.sleep(self.random.uniform(0, THINK_S))
            card = self.random.choice(self.lab.cards)
            if self.last and self.random.random() < 0.3:
                card, code = self.last  # a code that may have been used
            elif not (code := self.show(card)):
                continue
            self.last = (card, code)
            self.pay(card, code)

    def show(self, card):
        until = time.monotonic() + INSIST_S
        while time.monotonic() < until:
            status, shown = self.lab.display(card, 5)
            if status == 200 and shown:
                return shown["cvv"]
            time.sleep(0.1)
        return None

    def pay(self, card, code):
        """As a merchant does: the same request under the same id until an answer comes."""
        request_id, until = str(uuid.uuid4()), time.monotonic() + INSIST_S
        while True:
            told = self.lab.charge(card, code, AMOUNT_MINOR, self.merchant, request_id)
            if (told.status not in (0, 503) and told.code != "136") or time.monotonic() > until:
                break
            time.sleep(0.1)
        self.crowd.answered(told.status)
        if told.approved:
            self.told.append((card["cardId"], told.details.get("approvalCode"), told.details.get("referenceNumber")))


class Crowd:
    def __init__(self, lab, count, payments, draw):
        self.lab, self.left, self.random, self.payments = lab, payments, draw, payments
        self.lock, self.status = threading.Lock(), {}
        self.shoppers = [Shopper(self, 1 + number) for number in range(count)]  # merchant 0 tells the story of the seeding

    def take(self):
        with self.lock:
            self.left -= 1
            return self.left >= 0

    def answered(self, status):
        with self.lock:
            self.status[status] = self.status.get(status, 0) + 1

    def busy(self):
        return any(shopper.is_alive() for shopper in self.shoppers)

    def torment(self, victims):
        """Kills one after the other at random moments until the payments are done, each at least once."""
        self.random.shuffle(victims)
        while self.busy() or min(victim.kills for victim in victims) == 0:
            victims.append(victim := victims.pop(0))
            time.sleep(self.random.uniform(0.05, 0.8))
            victim.kill()
            time.sleep(self.random.uniform(0.0, 0.3))
            victim.start()

    def join(self):
        for shopper in self.shoppers:
            shopper.join(120)
        print("        answers by HTTP status: %s" % self.status)
        return sum(self.status.values())

    def wrong(self, path):
        """What does not add up, in words; nothing: the books are right."""
        sellers = {self.lab.merchants[shopper.merchant]["merchantId"] for shopper in self.shoppers}
        told = [one for shopper in self.shoppers for one in shopper.told]
        ledger = {(row[0], row[2]) for row in approvals(path)}
        until = time.monotonic() + SETTLE_S
        while untold(path, told, sellers) and time.monotonic() < until:
            time.sleep(0.5)
        found = {"too few approvals": [] if len(told) > 20 else [len(told)],
                 "a code approved twice": doubled(path),
                 "told, and not in the ledger": [one for one in told if (one[0], one[2]) not in ledger],
                 "told twice": [one for one in set(told) if told.count(one) > 1],
                 "stands, and nobody was told": untold(path, told, sellers),
                 "a balance": balances_wrong(path),
                 "the oracle is blind": [] if finds_a_planted_double(path) else [True]}
        return ["%s: %s" % (what, list(rows_)[:3]) for what, rows_ in found.items() if rows_]
