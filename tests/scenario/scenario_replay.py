#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a stranger can do with a signed request that was overheard: nothing but send it again, to the byte, and be told the same.

The signature is tried at another address, with digits moved between id, time and body, in other spellings, at another gateway
process of the same database, and after a restart. The log says what was wrong, without what was sent."""
import base64
import hashlib
import hmac
import http.client
import json
import os
import signal
import sqlite3
import sys
import time
import uuid

from lab.process import COUNTERSIGN, Process, free_port, listens, wait_for
from sandbox import Checks, Demo, fail_without_build

CHARGES, VERIFY = "/payments/v1/charges", "/payments-vas/v1/accounts/verification"
GENERATE, REVOKE = "/security/v1/keys/generate", "/security/v1/keys/%s/revoke"
UP_S = 10


class Gateway:
    """A process of its own over the demo's database; `linked`: it reaches the networks."""

    def __init__(self, demo, node, linked=True, more=()):
        self.address = "127.0.0.1:%d" % free_port()
        self.command = [COUNTERSIGN, "gateway", "--config", os.path.join(demo.dir, "gateway.ini")]
        settings = ["gateway.node=" + node, "rest.listen=" + self.address, "admin.listen=", *more]
        for setting in settings + ([] if linked else ["link.visa.port=1", "link.eftpos.port=1"]):
            self.command += ["--set", setting]
        self.process = Process(node, self.command)
        self.start()

    def start(self):
        self.process.start()
        if not wait_for(lambda: listens(self.address), UP_S):
            raise RuntimeError("the gateway does not come up")

    def stop(self, how=signal.SIGTERM):
        self.process.send(how)
        self.process.process.wait()

    def lines(self):
        return self.process.said()


class Request:
    """One signed request, as it was overheard."""

    def __init__(self, merchant, body, request_id=None, stamp=None, legacy=False):
        self.key, self.body, self.id = merchant["apiKey"], body, request_id or str(uuid.uuid4())
        self.stamp = stamp or str(int(time.time() * 1000))
        mac = hmac.new(merchant["secret"].encode(), (self.key + self.id + self.stamp + body).encode(), hashlib.sha256).digest()
        self.mac = base64.b64encode(mac.hex().encode() if legacy else mac).decode()

    def send(self, address, path, **changed):
        return self.ask(address, path, **changed)[:2]

    def ask(self, address, path, **changed):
        found = {"Content-Type": "application/json", "Api-Key": self.key, "Client-Request-Id": self.id, "Timestamp": self.stamp,
                 "Auth-Token-Type": "HMAC", "Authorization": self.mac}
        body = changed.pop("body", self.body)
        found.update({name.replace("_", "-"): value for name, value in changed.items()})
        link = http.client.HTTPConnection(address, timeout=20)
        try:
            link.request("POST", path, body, found)
            answer = link.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            link.close()


def payment(card, code, merchant):
    return json.dumps({
        "amount": {"total": 50.00, "currency": "AUD"},
        "source": {"sourceType": "PaymentCard", "card": {
            "cardData": card["pan"], "expirationMonth": card["expiry"][2:], "expirationYear": "20" + card["expiry"][:2],
            "securityCode": code, "securityCodeIndicator": "PROVIDED"}},
        "merchantDetails": {"merchantId": merchant["merchantId"], "terminalId": merchant["terminalId"]}})


def asked(database, question, *values):
    with sqlite3.connect("file:%s?mode=ro" % database, uri=True) as base:
        return base.execute(question, values).fetchall()


class Attack:
    def __init__(self, checks, demo, world):
        self.checks, self.demo, self.merchant = checks, demo, world.merchants[0]
        card = world.of_mode("static")[0]
        self.body = payment(card, world.display(card)[1]["cvv"], self.merchant)
        self.ask = json.dumps({"merchantDetails": {"merchantId": self.merchant["merchantId"]}})

    def approvals(self):
        return asked(os.path.join(self.demo.dir, "ledger.db"), "SELECT count(*) FROM auth")[0][0]

    def state_of(self, key_id):
        return asked(os.path.join(self.demo.dir, "gateway.db"), "SELECT state FROM encryption_key WHERE key_id = ?", key_id)[0][0]

    def refused(self, request, address, path, name, **changed):
        self.checks.check(request.send(address, path, **changed)[0] == 401, name + " is 401")

    def key(self, address):
        return json.loads(Request(self.merchant, self.ask).send(address, GENERATE)[1])["asymmetricKeyDetails"]["keyId"]

    def moved_digits(self, address):
        before = self.approvals()
        request = Request(self.merchant, self.body, "order-1000")
        self.checks.check(request.send(address, CHARGES)[0] == 201, "the charge itself is approved")
        for zeros in (1, 2, 3):
            self.refused(request, address, CHARGES, "%d zeros moved into the time" % zeros,
                         Client_Request_Id="order-1000"[:-zeros], Timestamp="0" * zeros + request.stamp)
        for stamp in ("0" + request.stamp, "+" + request.stamp, request.stamp[:12], request.stamp + "0", request.stamp + ".0"):
            self.refused(Request(self.merchant, self.body, stamp=stamp), address, CHARGES, "a signed time " + stamp)
        now = request.stamp
        request = Request(self.merchant, self.body, "order-" + now[:7], stamp=now)
        moved = {"Client_Request_Id": "order-", "Timestamp": now[:7] + now[:6], "body": now[6:] + self.body}
        self.checks.check(request.send(address, CHARGES)[0] == 201, "an id that ends like a time")
        self.refused(request, address, CHARGES, "digits moved from the id through the time into the body", **moved)
        self.checks.check(self.approvals() == before + 2, "and every signature was good for one charge")

    def other_addresses(self, address):
        before = self.approvals()
        request = Request(self.merchant, self.body)
        first = request.send(address, VERIFY)
        self.checks.check(first[0] == 201 and request.send(address, VERIFY) == first, "a verification, and its repeat")
        for path in (CHARGES, "/ch" + CHARGES, "/ch" + VERIFY, "/payments/v1/accounts/verification", GENERATE,
                     "/payments/v1/char%67es"):
            self.checks.check(request.send(address, path)[0] in (401, 404), "its signature is not good at " + path)
        self.refused(request, address, CHARGES, "nor for a charge")
        self.checks.check(request.send(address, CHARGES + "/")[0] in (401, 404), "nor with a slash behind")
        self.checks.check(request.send(address, VERIFY + "?a=b")[1] == first[1], "a query is no other address: the stored answer")
        self.checks.check(self.approvals() == before + 1, "and it asked the issuer once")

    def keys(self, address):
        first, second = self.key(address), self.key(address)
        made = Request(self.merchant, self.ask)
        self.checks.check(made.send(address, GENERATE)[0] == 201, "a key is made")
        for _ in range(3):
            self.refused(made, address, REVOKE % first, "its request, sent to revoke,")
        gone = Request(self.merchant, self.ask)
        told = gone.send(address, REVOKE % first)
        self.checks.check(told[0] == 200 and gone.send(address, REVOKE % first) == told, "a revocation, and its repeat")
        self.refused(gone, address, REVOKE % second, "its request for another key")
        self.checks.check(self.state_of(first) == "revoked" and self.state_of(second) == "active", "one key is revoked")

    def spellings(self, address):
        request = Request(self.merchant, self.body)
        digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        trailing = request.mac[:42] + digits[digits.index(request.mac[42]) ^ 1] + "="
        for name, mac in (("with other trailing bits", trailing), ("without padding", request.mac[:-1]),
                          ("with a space inside", request.mac[:20] + " " + request.mac[20:]), ("padded twice", request.mac + "="),
                          ("for URLs", request.mac.replace("+", "-").replace("/", "_")), ("with a scheme", "HMAC " + request.mac)):
            if mac != request.mac:
                self.refused(request, address, CHARGES, "the MAC " + name, Authorization=mac)
        with sqlite3.connect(os.path.join(self.demo.dir, "gateway.db"), timeout=10) as base:
            base.execute("UPDATE merchant_key SET legacy_mac = 1 WHERE api_key = ?", (self.merchant["apiKey"],))
        time.sleep(6)
        old = Request(self.merchant, self.body, legacy=True)
        self.checks.check(old.send(address, VERIFY)[0] == 201, "the older spelling, where the key takes it")
        new = Request(self.merchant, self.body, old.id, old.stamp)
        self.refused(new, address, CHARGES, "the newer spelling of the same MAC at another address")
        upper = base64.b64encode(base64.b64decode(old.mac).upper()).decode()
        self.refused(old, address, CHARGES, "and upper case", Authorization=upper)

    def nodes(self, one, two, unlinked):
        before = self.approvals()
        request = Request(self.merchant, self.body)
        first = request.send(one.address, VERIFY)
        self.checks.check(request.send(two.address, VERIFY) == first, "another process of the database repeats the answer")
        request = Request(self.merchant, self.body)
        request.send(one.address, VERIFY)
        self.refused(request, two.address, CHARGES, "at another process and another address")
        request = Request(self.merchant, self.ask)
        request.send(one.address, GENERATE)
        kept = self.key(one.address)
        self.refused(request, two.address, REVOKE % kept, "a key's request, sent to another process to revoke,")
        request = Request(self.merchant, self.body)
        self.checks.check(request.send(unlinked.address, VERIFY)[0] == 503, "a verification that could not be sent")
        time.sleep(0.5)
        self.refused(request, two.address, CHARGES, "as a charge where it can be sent")
        self.checks.check(self.approvals() == before + 2, "two verifications reached the issuer, and nothing else")

    def restart(self, one):
        spent = [Request(self.merchant, self.body) for _ in range(2)]
        told = [request.send(one.address, VERIFY) for request in spent]
        kept = self.key(one.address)
        gone = Request(self.merchant, self.ask)
        gone.send(one.address, GENERATE)
        one.stop(signal.SIGKILL)
        one.start()
        time.sleep(1)
        self.checks.check(spent[0].send(one.address, VERIFY) == told[0], "after a kill the same request gets the same answer")
        self.refused(spent[1], one.address, CHARGES, "a spent signature after a kill")
        self.refused(gone, one.address, REVOKE % kept, "so is that of a key")
        self.checks.check(self.state_of(kept) == "active", "and the key stays")

    def told(self, one):
        """G21: one answer for all, the reason in the log."""
        stranger = dict(self.merchant, secret="not the secret")
        late = str(int(time.time() * 1000) - 301_000)
        used = Request(self.merchant, self.body)
        used.send(one.address, VERIFY)
        nobody = dict(self.merchant, apiKey="no-such-key")
        for reason, request in (("mac", Request(stranger, self.body)), ("time", Request(self.merchant, self.body, stamp=late)),
                                ("key", Request(nobody, self.body)), ("replayed", used)):
            status, raw = request.send(one.address, CHARGES)
            trace = json.loads(raw)["gatewayResponse"]["transactionProcessingDetails"]["apiTraceId"]
            found = [line for line in one.lines().splitlines() if trace in line and "authentication_failed" in line]
            self.checks.check(status == 401 and len(found) == 1 and '"reason":"%s"' % reason in found[0],
                              "the log says %s under the trace id" % reason)
        for secret in (self.merchant["secret"], "no-such-key", used.mac):
            self.checks.check(secret not in one.lines(), "and nothing that was sent to prove it")


def main():
    fail_without_build()
    checks = Checks()
    with Demo() as demo:
        world = demo.world()
        attack = Attack(checks, demo, world)
        one, two, unlinked = Gateway(demo, "one"), Gateway(demo, "two"), Gateway(demo, "none", linked=False)
        try:
            time.sleep(1)
            attack.moved_digits(one.address)
            attack.other_addresses(one.address)
            attack.keys(one.address)
            attack.nodes(one, two, unlinked)
            attack.restart(one)
            attack.told(one)
            attack.spellings(one.address)
        finally:
            for gateway in (one, two, unlinked):
                gateway.stop()
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
