#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a merchant can and cannot do with a request: forge it, hold it back, repeat it, and repeat it when no network is up.

A repeat gets the stored answer to the byte, whichever gateway process of the database it reaches and whether or not that one
could have sent the payment; a changed body under the same Client-Request-Id is refused; a herd of equal requests pays once.
"""
import base64
import hashlib
import hmac
import http.client
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
import uuid

from sandbox import COUNTERSIGN, Checks, Demo, fail_without_build, free_offset

CHARGES = "/payments/v1/charges"
REUSED = (400, "757")
UNDER_WAY = (400, "136")
HERD = 8
UP_S = 10


def send(address, merchant, request_id, body, stamp=None, sign_as=None, key=None):
    """(status, raw body) of a charge; `sign_as` is the body the MAC is over."""
    stamp, key = stamp or str(int(time.time() * 1000)), key or merchant["apiKey"]
    text = key + request_id + stamp + (body if sign_as is None else sign_as)
    mac = hmac.new(merchant["secret"].encode(), text.encode(), hashlib.sha256).digest()
    link = http.client.HTTPConnection(address, timeout=20)
    try:
        link.request("POST", CHARGES, body, {
            "Content-Type": "application/json", "Api-Key": key, "Client-Request-Id": request_id, "Timestamp": stamp,
            "Auth-Token-Type": "HMAC", "Authorization": base64.b64encode(mac).decode()})
        answer = link.getresponse()
        return answer.status, answer.read()
    finally:
        link.close()


def charge(world, card, merchant, code, total):
    return json.dumps({
        "amount": {"total": total, "currency": "AUD"},
        "source": {"sourceType": "PaymentCard", "card": {
            "cardData": card["pan"], "expirationMonth": card["expiry"][2:], "expirationYear": "20" + card["expiry"][:2],
            "securityCode": code, "securityCodeIndicator": "PROVIDED"}},
        "transactionDetails": {"captureFlag": True},
        "merchantDetails": {"merchantId": merchant["merchantId"], "terminalId": merchant["terminalId"]}})


def refusal(answer):
    """(status, error code)"""
    return answer[0], json.loads(answer[1])["error"][0]["code"]


def approvals(demo):
    """Authorisations the issuer's ledger holds."""
    database = sqlite3.connect("file:%s?mode=ro" % os.path.join(demo.dir, "ledger.db"), uri=True)
    try:
        return database.execute("SELECT count(*) FROM auth").fetchone()[0]
    finally:
        database.close()


class Unlinked:
    """A second gateway over the same database whose networks refuse connections."""

    def __init__(self, demo):
        self.port = free_offset() + 8080
        settings = ("gateway.node=gateway-unlinked", "rest.listen=127.0.0.1:%d" % self.port, "admin.listen=",
                    "link.visa.port=1", "link.eftpos.port=1")
        command = [COUNTERSIGN, "gateway", "--config", os.path.join(demo.dir, "gateway.ini")]
        for setting in settings:
            command += ["--set", setting]
        self.address = "127.0.0.1:%d" % self.port
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        until = time.monotonic() + UP_S
        while time.monotonic() < until:
            try:
                http.client.HTTPConnection(self.address, timeout=1).connect()
                break
            except OSError:
                time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def forged(checks, world, merchant, body):
    now = int(time.time() * 1000)
    status, _ = send(world.gateway, merchant, str(uuid.uuid4()), body, sign_as=body.replace("1.0,", "0.1,"))
    checks.check(status == 401, "a body the MAC is not over is refused")
    status, refused = send(world.gateway, dict(merchant, secret="not the secret"), str(uuid.uuid4()), body)
    checks.check(status == 401, "another secret is refused")
    status, unknown = send(world.gateway, merchant, str(uuid.uuid4()), body, key="no-such-key")
    checks.check(status == 401, "an unknown key is refused")
    error = [json.loads(text)["error"] for text in (refused, unknown)]
    checks.check(error[0] == error[1], "and with the same words as a wrong MAC")
    for away in (-301_000, 301_000):
        status, _ = send(world.gateway, merchant, str(uuid.uuid4()), body, stamp=str(now + away))
        checks.check(status == 401, "a Timestamp %d s away is refused" % (away // 1000))


def repeated(checks, demo, world, merchant, body):
    before, request_id = approvals(demo), str(uuid.uuid4())
    first = send(world.gateway, merchant, request_id, body)
    checks.check(first[0] == 201, "a charge is approved")
    checks.check(send(world.gateway, merchant, request_id, body) == first, "its repeat gets the same bytes")
    changed = body.replace("1.0,", "2.0,")
    checks.check(refusal(send(world.gateway, merchant, request_id, changed)) == REUSED,
                 "another body under its Client-Request-Id is refused")
    with Unlinked(demo) as other:
        checks.check(send(other.address, merchant, request_id, body) == first, "a gateway without networks repeats the answer too")
        checks.check(refusal(send(other.address, merchant, request_id, changed)) == REUSED, "and refuses the other body")
        fresh = str(uuid.uuid4())
        checks.check(send(other.address, merchant, fresh, body)[0] == 503, "what it has no answer to it cannot send")
        checks.check(send(other.address, merchant, fresh, body)[0] == 503, "nor the second time")
    checks.check(send(world.gateway, merchant, fresh, body)[0] == 201, "and it left no claim behind: the linked gateway sends it")
    checks.check(approvals(demo) == before + 2, "two authorisations in the ledger for two requests")


def herd(checks, demo, world, merchant, body):
    before, request_id, answers = approvals(demo), str(uuid.uuid4()), []
    shoppers = [threading.Thread(target=lambda: answers.append(send(world.gateway, merchant, request_id, body)))
                for _ in range(HERD)]
    for shopper in shoppers:
        shopper.start()
    for shopper in shoppers:
        shopper.join()
    paid = [raw for status, raw in answers if status == 201]
    checks.check(len(answers) == HERD and len(paid) >= 1 and len(set(paid)) == 1, "equal requests at once: one answer")
    checks.check(all(refusal(answer) == UNDER_WAY for answer in answers if answer[0] != 201), "or word that it is under way")
    checks.check(approvals(demo) == before + 1, "and one authorisation")


def main():
    fail_without_build()
    checks = Checks()
    with Demo() as demo:
        world = demo.world()
        merchant, card = world.merchants[0], world.of_mode("static")[0]
        status, shown = world.display(card)
        checks.check(status == 200, "the code is displayed")
        body = charge(world, card, merchant, shown["cvv"], 1.00)
        forged(checks, world, merchant, body)
        repeated(checks, demo, world, merchant, body)
        herd(checks, demo, world, merchant, body)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
