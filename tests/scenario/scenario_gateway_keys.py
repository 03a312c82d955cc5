#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One merchant asks for 400 encryption keys at once: it gets what the limits say, and an encrypted payment of another is served
meanwhile. What has expired or was revoked counts no more."""
import base64
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

from lab.process import wait_for
from sandbox import Checks, Demo, fail_without_build
from scenario_replay import CHARGES, GENERATE, REVOKE, Gateway, Request, asked, payment

AT_ONCE, LIVE = 400, 6


def generate(address, merchant):
    """(status, body, Retry-After)"""
    body = json.dumps({"merchantDetails": {"merchantId": merchant["merchantId"]}})
    status, raw, headers = Request(merchant, body).ask(address, GENERATE)
    return status, json.loads(raw), headers.get("Retry-After")


def encrypted(spki, plain):
    """RSA-OAEP with SHA-256 twice, by openssl's own hand."""
    with tempfile.NamedTemporaryFile() as key:
        key.write(base64.b64decode(spki))
        key.flush()
        done = subprocess.run(["openssl", "pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", key.name, "-pkeyopt",
                               "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256", "-pkeyopt", "rsa_mgf1_md:sha256"],
                              input=plain, capture_output=True, check=True)
    return base64.b64encode(done.stdout).decode()


def block(card, code, merchant, key):
    """A charge whose card comes encrypted."""
    plain = (card["pan"] + card["expiry"][2:] + "20" + card["expiry"][:2] + code).encode()
    body = json.loads(payment(card, code, merchant))
    body["source"] = {"sourceType": "PaymentCard", "encryptionData": {
        "encryptionType": "RSA", "encryptionTarget": "MANUAL", "keyId": key["keyId"],
        "encryptionBlock": encrypted(key["encodedPublicKey"], plain),
        "encryptionBlockFields": "card.cardData:%d,card.expirationMonth:2,card.expirationYear:4,card.securityCode:%d"
                                 % (len(card["pan"]), len(code))}}
    return json.dumps(body)


def live(demo, merchant):
    return asked(os.path.join(demo.dir, "gateway.db"),
                 "SELECT count(*) FROM encryption_key WHERE merchant_id = ? AND state = 'active' AND expires_at > ?",
                 merchant["merchantId"], int(time.time() * 1000))[0][0]


def flood(checks, demo, gateway, world):
    greedy, honest = world.merchants[:2]
    card = world.of_mode("static")[0]
    key = generate(gateway.address, honest)[1]["asymmetricKeyDetails"]
    body, answers = block(card, world.display(card)[1]["cvv"], honest, key), []
    askers = [threading.Thread(target=lambda: answers.append(generate(gateway.address, greedy))) for _ in range(AT_ONCE)]
    for asker in askers:
        asker.start()
    paid = Request(honest, body).send(gateway.address, CHARGES)
    checks.check(paid[0] == 201, "an encrypted payment of another merchant is served: %d" % paid[0])
    for asker in askers:
        asker.join()
    made = [answer for answer in answers if answer[0] == 201]
    refused = [answer for answer in answers if answer[0] == 429]
    checks.check(len(made) + len(refused) == AT_ONCE and refused, "%d keys, %d refused as too many" % (len(made), len(refused)))
    checks.check(all(int(answer[2]) >= 1 for answer in refused), "each refusal says when to come again")
    checks.check(refused and [e["type"] for e in refused[0][1]["error"]] == ["APIM"], "in the words of the API")
    checks.check(live(demo, greedy) <= LIVE, "no more keys live than the limit")
    return greedy, honest


def limits(checks, demo, gateway, greedy, honest):
    while generate(gateway.address, greedy)[0] == 201:
        pass
    checks.check(live(demo, greedy) == LIVE, "one after the other: up to the limit")
    status, _, wait = generate(gateway.address, greedy)
    checks.check(status == 429 and 19 * 86400 < int(wait) <= 20 * 86400, "then wait until the first expires")
    checks.check(generate(gateway.address, honest)[0] == 201, "another merchant's limit is its own")
    database = os.path.join(demo.dir, "gateway.db")
    key_id = asked(database, "SELECT key_id FROM encryption_key WHERE merchant_id = ?", greedy["merchantId"])[0][0]
    body = json.dumps({"merchantDetails": {"merchantId": greedy["merchantId"]}})
    checks.check(Request(greedy, body).send(gateway.address, REVOKE % key_id)[0] == 200, "a key is revoked")
    checks.check(generate(gateway.address, greedy)[0] == 201, "and makes room")
    with sqlite3.connect(database, timeout=10) as base:
        base.execute("UPDATE encryption_key SET expires_at = 1000 WHERE merchant_id = ?", (greedy["merchantId"],))
    checks.check(generate(gateway.address, greedy)[0] == 201, "so do keys that have expired")
    gateway.stop()
    gateway.start()
    count = "SELECT count(*) FROM encryption_key WHERE merchant_id = ?"
    swept = wait_for(lambda: asked(database, count, greedy["merchantId"])[0][0] == 1, 10)
    checks.check(swept, "and the sweep takes them away")


def main():
    fail_without_build()
    checks = Checks()
    with Demo() as demo:
        world = demo.world()
        gateway = Gateway(demo, "keys", more=("gateway.keys_live=%d" % LIVE,))
        try:
            time.sleep(1)
            limits(checks, demo, gateway, *flood(checks, demo, gateway, world))
        finally:
            gateway.stop()
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
