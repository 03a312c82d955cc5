#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A gateway against a network that answers by script: outcomes, errors, encryption by openssl.

The network is a second implementation of the generic ISO 8583 profile, in Python; the encryptor is openssl's command line; every
answer is checked against the published API description."""
import base64
import http.client
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid

from lab.iso8583 import Network, build, send
from lab.process import free_port, wait_for
from sandbox import Checks, Demo, fail_without_build
from shop import CHARGES, PAN, Shop, VERIFY, codes, conforms, details, match, start_gateway

EXPIRY_YEAR = "source.card.expirationYear"
# By the last three digits of the amount: DE39 and the letter of the code.
SCRIPT = {100: ("00", "M"), 105: ("05", "N"), 151: ("51", "M"), 107: ("N7", "N"), 191: ("91", "P"), 110: ("10", "M"),
          122: ("00", "Q"), 0: ("85", "M"), 108: ("08", "M"), 111: ("11", "M"), 112: ("10", "M"), 113: ("00", "M")}
# Letters that no table has.
ODD = {int("2%02d" % place): letter for place, letter in enumerate("DIEZ1m\x07\x7f")}
PARTS = {110: 50, 112: 0, 113: 0}


class Script(Network):
    """Silent where the amount says so, or the first time that it does."""

    silenced = set()

    def authorise(self, link, request, answer):
        tail = int(request[4]) % 1000
        if tail == 155 or (tail == 156 and request[4] not in self.silenced):
            self.silenced.add(request[4])
            return
        answer[39], letter = SCRIPT.get(tail, ("00", ODD.get(tail, "M")))
        if answer[39] != "05":
            answer[38] = "A1B2C3"
        if tail in PARTS:
            answer[4] = "%012d" % PARTS[tail]
        answer[44] = " " * 10 + letter
        send(link, build(answer))


def check_outcomes(checks, shop, network):
    rows = [(1.00, "APPROVED", "000", "MATCHED", "CAPTURED"), (1.05, "DECLINED", "007", "NOT_MATCHED", "DECLINED"),
            (1.51, "DECLINED", "008", "MATCHED", "DECLINED"), (1.07, "DECLINED", "012", "NOT_MATCHED", "DECLINED"),
            (1.91, "DECLINED", "039", "NOT_PROCESSED", "DECLINED"), (1.10, "DECLINED", "001", "MATCHED", "DECLINED"),
            (1.12, "DECLINED", "001", "MATCHED", "DECLINED"), (1.13, "DECLINED", "000", "MATCHED", "DECLINED"),
            (1.08, "APPROVED", "000", "MATCHED", "CAPTURED"), (1.11, "APPROVED", "000", "MATCHED", "CAPTURED"),
            (1.22, "APPROVED", "000", "NOT_CHECKED", "CAPTURED")]
    for total, status, response, result, state in rows:
        http, answer = shop.post(CHARGES, shop.body(total))
        held = http == 201 and details(answer)["approvalStatus"] == status and details(answer)["responseCode"] == response
        held = held and match(answer) == result and answer["gatewayResponse"]["transactionState"] == state
        checks.check(held and conforms(answer, "ChargesResponse"), "charge of %.2f: %s %s %s" % (total, status, response, result))
        checks.check(PAN not in json.dumps(answer) and "securityCode\"" not in json.dumps(answer), "and no number or code in it")
        checks.check(answer["paymentReceipt"]["approvedAmount"]["total"] == total, "and the amount that was asked for")
        checks.check(("approvalCode" in details(answer)) == (status == "APPROVED"), "and an approval code if it is one")
    http, answer = shop.post(CHARGES, shop.body(1.07))
    checks.check(details(answer)["hostResponseCode"] == "C2", "a decline for the code is C2 on the host")
    sent = network.seen[-1]
    checks.check(sent[2] == PAN and sent[126][-3:] == "123" and sent[126][:2] == "11", "the code travels in 126.10, result wanted")
    body = shop.body(1.00)
    body["transactionDetails"]["captureFlag"] = False
    http, answer = shop.post("/ch" + CHARGES, body)
    checks.check(http == 201 and answer["gatewayResponse"]["transactionState"] == "AUTHORIZED",
                 "captureFlag false authorises, under /ch")


def check_parts(checks, shop, network):
    def ask(total, wanted):
        body = shop.body(total)
        body["transactionDetails"]["partialApproval"] = wanted
        return shop.post(CHARGES, body)[1]

    answer = ask("1.10", True)
    checks.check(details(answer)["approvalStatus"] == "APPROVED" and details(answer)["responseCode"] == "001" and
                 answer["paymentReceipt"]["approvedAmount"]["total"] == 0.5, "a part is approved where a part will do")
    for total, wanted in ((1.10, False), (1.12, True), (1.13, True)):
        before = len(network.reversals)
        answer = ask(total, wanted)
        checks.check(details(answer)["approvalStatus"] == "DECLINED", "%.2f in part, asked for: %s: a decline" % (total, wanted))
        held = wait_for(lambda: len(network.reversals) > before, 5)
        last = network.seen[-1]
        checks.check(held and network.reversals[before][90][4:20] == last[11] + last[7], "and what was approved is given back")


def check_letters(checks, shop):
    for tail, letter in ODD.items():
        answer = shop.post(CHARGES, shop.body("%.2f" % (tail / 100)))[1]
        result = details(answer)["bankAssociationDetails"]["avsSecurityCodeResponse"]
        checks.check(result["securityCodeMatch"] == "NOT_CHECKED" and result["association"]["securityCodeResponse"] == "X",
                     "the letter %a is told by its canonical value" % letter)


def check_again(checks, shop, network):
    """Commerce-hub.md 10: a request that ended in 504 runs again; one with another code does not."""
    body, name = json.dumps(shop.body(1.56)), str(uuid.uuid4())
    before = len(network.reversals)
    first = shop.post(CHARGES, body, name)
    checks.check(first[0] == 504 and first[1]["error"] == [
        {"type": "GATEWAY", "message": "The request timed out while waiting for the response."}], "no answer: 504 as published")
    http, answer = shop.post(CHARGES, body, name)
    checks.check(http == 201 and details(answer)["approvalStatus"] == "APPROVED", "the same id runs again: %s" % http)
    order = [kind for kind, _ in network.order[-3:]]
    checks.check(len(network.reversals) == before + 1 and order == ["0100", "0400", "0100"], "behind the reversal: %s" % order)
    checks.check(shop.post(CHARGES, body, name) == (http, answer), "and its answer is kept")
    http, answer = shop.post(CHARGES, json.dumps(shop.body(1.56, securityCode="999")), name)
    checks.check(http == 400 and codes(answer) == [("GATEWAY", "757", None)], "the same id with another code is 757")
    loose = json.dumps(shop.body(1.56), indent=2)
    checks.check(shop.post(CHARGES, loose, name)[0] == 201, "with other blanks it is the same request")


def check_echoes(checks, shop):
    body = shop.body(1.00)
    body["billingAddress"] = {"firstName": "Jane", "middleName": "Ray", "lastName": "Smith", "address": {
        "street": "1 Main", "houseNumberOrName": 213, "city": "Perth", "postalCode": 6000, "country": "AU", "county": "x"}}
    body["transactionDetails"].update(physicalGoodsIndicator=False, merchantOrderId=12345)
    http, answer = shop.post(CHARGES, body)
    wanted = json.loads(json.dumps(body["billingAddress"]))
    wanted["address"].update(houseNumberOrName="213", postalCode="6000")
    told = answer.get("transactionDetails", {})
    checks.check(http == 201 and answer["billingAddress"] == wanted and told["physicalGoodsIndicator"] is False and
                 told["merchantOrderId"] == "12345" and conforms(answer, "ChargesResponse"), "names, address and details come back")


def check_verification(checks, shop, network):
    body = shop.body(1.00)
    del body["amount"]
    for path in (VERIFY, "/ch" + VERIFY, "/payments/v1/accounts/verification"):
        http, answer = shop.post(path, body)
        held = http == 201 and answer["gatewayResponse"]["transactionState"] == "VERIFIED"
        held = held and answer["processorResponseDetails"] == details(answer) and match(answer) == "MATCHED"
        checks.check(held and conforms(answer, "AccountVerificationResponse"), "verification at " + path)
    checks.check(network.seen[-1][4] == "0" * 12 and network.seen[-1][25] == "51", "at amount zero, condition 51")


def check_authentication(checks, shop):
    body = json.dumps(shop.body(1.00))
    stale = str(int(time.time() * 1000) - 301000)
    ahead = str(int(time.time() * 1000) + 301000)
    cases = [("a stale timestamp", {"stamp": stale}), ("a timestamp ahead", {"stamp": ahead}), ("a wrong secret", {"secret": "x"}),
             ("an unknown key", {"Api-Key": "unknown"}), ("no MAC", {"Authorization": None}), ("no timestamp", {"Timestamp": None}),
             ("another body", {"signed": body.replace("1.0,", "0.1,")}), ("another scheme", {"Auth-Token-Type": "JWT"})]
    bodies = set()
    for name, how in cases:
        http, answer = shop.post(CHARGES, body, "req-1", **how)
        answer["gatewayResponse"]["transactionProcessingDetails"].pop("apiTraceId")
        bodies.add(json.dumps(answer, sort_keys=True))
        checks.check(http == 401 and codes(answer) == [("APIM", None, None)], "%s is 401" % name)
    checks.check(len(bodies) == 1, "and all of them read the same")
    for path, how, wanted in ((CHARGES, {"Content-Type": "text/plain"}, (415, "Media type is not supported.")),
                              ("/payments/v1/nothing", {}, (404, "Resource not found."))):
        http, answer = shop.post(path, body, **how)
        checks.check((http, answer["error"][0]["message"]) == wanted and "code" not in answer["error"][0], "%d as published" % http)


def raw(shop, headers, body):
    """(status, body) of headers in pairs, so that one may stand there twice."""
    link = http.client.HTTPConnection(shop.address, timeout=20)
    link.putrequest("POST", CHARGES)
    for name, value in headers:
        link.putheader(name, value)
    link.endheaders(body.encode())
    answer = link.getresponse()
    return answer.status, json.loads(answer.read())


def check_transport(checks, shop):
    """What is wrong below the API is told in its shape (docs/spec/commerce-hub.md 8)."""
    body = json.dumps(shop.body(101.0))
    length = ("Content-Length", str(len(body)))
    rows = [(name, [(name, "x")], 400) for name in ("Api-Key", "Client-Request-Id", "Timestamp", "Authorization")]
    rows += [("Content-Length", [length], 400), ("Transfer-Encoding", [("Transfer-Encoding", "chunked")], 400),
             ("a content coding", [("Content-Encoding", "gzip")], 415), ("a hundred", [("X-%d" % n, "v") for n in range(100)], 431),
             ("one of 20 KiB", [("X-Long", "v" * 20480)], 431)]
    for name, more, wanted in rows:
        status, answer = raw(shop, list(shop.headers(body, str(uuid.uuid4())).items()) + [length] + more, body)
        checks.check(status == wanted and answer["error"], "a header more, %s: %d %s" % (name, status, codes(answer)))
    status, answer = raw(shop, list(shop.headers("", str(uuid.uuid4())).items()) + [("Content-Length", "70000")], "")
    checks.check(status == 413 and answer["error"], "a body beyond the limit: %d" % status)


def check_fields(checks, shop, other):
    one = shop.body
    cases = [
        ("a number that fails Luhn", one(1.00, cardData="4005520000000128"), [("103", "source.card.cardData")]),
        ("a brand that is none", one(1.00, cardData="9999999999999995"), [("104", "source.card.cardData")]),
        ("a month 13", one(1.00, expirationMonth="13"), [("115", "source.card.expirationMonth")]),
        ("an expired card", one(1.00, expirationYear="2020"), [("115", EXPIRY_YEAR)]),
        ("no code either", one(1, expirationYear="2020", securityCode=None, securityCodeIndicator=None), [("115", EXPIRY_YEAR)]),
        ("a short code", one(1.00, securityCode="12"), [("100", "source.card.securityCode")]),
        ("a code of four on Visa", one(1.00, securityCode="1234"), [("100", "source.card.securityCode")]),
        ("PROVIDED without a code", one(1.00, securityCode=None), [("108", "source.card.securityCode")]),
        ("NOT_AVAILABLE with a code", one(1.00, securityCodeIndicator="NOT_AVAILABLE"), [("108", "source.card.securityCode")]),
        ("NOT_SUPPORTED with a code", one(1.00, securityCodeIndicator="NOT_SUPPORTED"), [("108", "source.card.securityCode")]),
        ("an amount with three decimals", one("1.001"), [("105", "amount.total")]),
        ("an amount of zero", one(0), [("105", "amount.total")]), ("a type that is wrong", one(True), [("100", "amount.total")]),
        ("no amount", {k: v for k, v in one(1).items() if k != "amount"}, [("106", "amount.total"), ("106", "amount.currency")]),
        ("several at once", one(0, cardData="1", expirationYear="30"),
         [("105", "amount.total"), ("103", "source.card.cardData"), ("115", "source.card.expirationYear")]),
        ("another merchant", dict(one(1), merchantDetails=other.details()), [("201", "merchantDetails.merchantId")]),
        ("an unknown terminal", dict(one(1), merchantDetails=dict(shop.details(), terminalId="9")),
         [("202", "merchantDetails.terminalId")]),
        ("an unknown currency", dict(one(1), amount={"total": 1, "currency": "XXX"}), [("247", "amount.currency")]),
        ("yen on an account in dollars", dict(one(1), amount={"total": 500, "currency": "JPY"}), [("247", "amount.currency")]),
        ("three decimals, too", dict(one(1), amount={"total": 12.045, "currency": "KWD"}), [("247", "amount.currency")]),
        ("a newline in the code", one(1.00, securityCode="12\n"), [("123", "source.card.securityCode")]),
        ("four faults of four kinds", one("x", expirationMonth="13", expirationYear="29", securityCode="12x"),
         [("105", "amount.total"), ("115", "source.card.expirationMonth"), ("115", EXPIRY_YEAR),
          ("100", "source.card.securityCode")]),
        ("a source that is unknown", dict(one(1), source={"sourceType": "Shells"}), [("102", "source.sourceType")]),
        ("a source that is not taken", dict(one(1), source={"sourceType": "ApplePay"}), [("205", "source.sourceType")]),
        ("no card", dict(one(1), source={"sourceType": "PaymentCard"}), [("129", "source.card")]),
        ("a duplicate name", json.dumps(one(1))[:-1] + ',"amount":{}}', [("121", None)]),
        ("half a body", json.dumps(one(1))[:50], [("121", None)]), ("no body", "", [("138", None)]),
        ("a control character", one(1.00, nameOnCard="a\u0001b"), [("123", "source.card.nameOnCard")]),
    ]
    for name, body, wanted in cases:
        http, answer = shop.post(CHARGES, body)
        got = [(code, field) for _, code, field in codes(answer)] if http == 400 else http
        checks.check(got == wanted and conforms(answer, "ErrorResponse"), "%s: %s" % (name, got))
    body = dict(one(1), source={"sourceType": "ApplePay"})
    http, answer = shop.post(VERIFY, body)
    checks.check(codes(answer)[0][1] == "303", "a source that cannot be verified is 303")
    http, answer = other.post(CHARGES, other.body(1.00))
    checks.check(codes(answer) == [("GATEWAY", "301", "source.card.cardData")], "a number in clear is 301 outside the sandbox")


def openssl(directory, spki, plain):
    """RSA-OAEP with SHA-256 twice, by openssl's own hand."""
    key = os.path.join(directory, "key.der")
    with open(key, "wb") as handle:
        handle.write(base64.b64decode(spki))
    done = subprocess.run(["openssl", "pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", key, "-pkeyopt",
                           "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256", "-pkeyopt", "rsa_mgf1_md:sha256"],
                          input=plain, capture_output=True, check=True)
    return base64.b64encode(done.stdout).decode()


def check_encryption(checks, shop, directory):
    generate, ask = "/security/v1/keys/generate", {"merchantDetails": shop.details()}
    http, answer = shop.post(generate, ask)
    key = answer["asymmetricKeyDetails"]
    checks.check(http == 201 and conforms(answer, "EncryptionKeyResponse") and len(key["encodedPublicKey"]) == 392 and
                 key["status"] == "ACTIVE", "a key of 2048 bits is made")
    told = answer["gatewayResponse"]["transactionProcessingDetails"].get("apiKey")
    checks.check(told == shop.seller["apiKey"], "for the key that asked")

    def charge(plain, fields, name=None, **change):
        data = {"encryptionType": "RSA", "encryptionTarget": "MANUAL", "encryptionBlockFields": fields, "keyId": key["keyId"],
                "encryptionBlock": openssl(directory, key["encodedPublicKey"], plain)}
        data.update(change)
        body = shop.body(1.00)
        body["source"] = {"sourceType": "PaymentCard", "encryptionData": {k: v for k, v in data.items() if v is not None}}
        return shop.post(CHARGES, body, name)

    fields = "card.cardData:16,card.nameOnCard:9,card.expirationMonth:2,card.expirationYear:4,card.securityCode:3"
    plain = PAN.encode() + "José Ruiz"[:8].encode() + b"122030123"
    http, answer = charge(plain, fields)
    checks.check(http == 201 and match(answer) == "MATCHED" and answer["source"]["card"]["last4"] == PAN[-4:],
                 "a block encrypted by openssl is taken, counts in bytes")
    checks.check(charge(plain, fields, encryptionTarget=None)[0] == 201, "without encryptionTarget, too")
    http, answer = charge(plain[:-3], fields[:-1] + "0")
    checks.check(http == 201 and match(answer) == "NONE", "a count of 0: there is no code")
    name = str(uuid.uuid4())
    first = charge(plain, fields, name)
    checks.check(first[0] == 201 and charge(plain, fields, name) == first, "encrypted anew it is the same request")
    http, answer = charge(plain[:-3] + b"999", fields, name)
    checks.check(codes(answer) == [("GATEWAY", "757", None)], "with another code it is not")
    cases = [
        ("a sum that does not fit", dict(encryptionBlockFields=fields[:-1] + "4"), "302"),
        ("a cut through a character", dict(encryptionBlockFields=fields.replace(":9", ":4").replace("Month:2", "Month:7")), "302"),
        ("an unknown field", dict(encryptionBlockFields="track1Data:3"), "302"),
        ("blanks", dict(encryptionBlockFields=" " + fields), "302"),
        ("another scheme", dict(encryptionType="ON_GUARD"), "302"), ("another target", dict(encryptionTarget="TRACK_2"), "302"),
        ("bad base64", dict(encryptionBlock="=s3ZmiL1SSZC8Q"), "302"),
        ("a block of another length", dict(encryptionBlock="QUJD"), "693"),
        ("a block of noise", dict(encryptionBlock=base64.b64encode(b"\1" * 256).decode()), "693"),
        ("an unknown key", dict(keyId=str(uuid.uuid4())), "666"), ("no key", dict(keyId=None), "666"),
    ]
    for name, change, code in cases:
        http, answer = charge(plain, fields, **change)
        checks.check(http == 400 and codes(answer)[0][1] == code, "%s is %s" % (name, code))
    http, answer = shop.post("/security/v1/keys/%s/revoke" % key["keyId"], ask)
    checks.check(http == 200 and answer["asymmetricKeyDetails"]["status"] == "REVOKED", "a key is revoked")
    checks.check(shop.post("/security/v1/keys/%s/revoke" % key["keyId"], ask)[0] == 200, "and again")
    checks.check(shop.post("/security/v1/keys/%s/revoke" % uuid.uuid4(), ask)[0] == 404, "an unknown key is 404")
    http, answer = charge(plain, fields)
    checks.check(codes(answer)[0][1] == "665", "a revoked key decrypts no more")


def check_store(checks, directory):
    base = sqlite3.connect(os.path.join(directory, "gateway.db"))
    wait_for(lambda: not base.execute("SELECT 1 FROM reversal WHERE state IN ('armed', 'queued')").fetchall(), 15)
    left = base.execute("SELECT state, count(*) FROM reversal GROUP BY state").fetchall()
    checks.check([state for state, _ in left] == ["accepted"], "every reversal ended accepted, none stays armed: %s" % left)
    states = dict(base.execute("SELECT state, count(*) FROM record GROUP BY state").fetchall())
    checks.check(all(states.get(s) for s in ("captured", "authorized", "verified", "processor_declined", "failed")),
                 "records of every state: %s" % states)
    sealed = {state for state, in base.execute("SELECT state FROM record WHERE length(pan_enc) > 0")}
    bare = {state for state, in base.execute("SELECT state FROM record WHERE length(pan_enc) = 0")}
    checks.check(sealed == {"captured", "authorized"} and not sealed & bare, "a number is kept, sealed, while something can follow")
    open_claims = base.execute("SELECT count(*) FROM claim WHERE answer_status = 0").fetchone()[0]
    checks.check(open_claims == 0, "no claim is left open")


def main():
    fail_without_build()
    checks = Checks()
    network = Script()
    with Demo() as demo, tempfile.TemporaryDirectory() as directory:
        world = demo.world()
        with sqlite3.connect(os.path.join(demo.dir, "gateway.db"), timeout=10) as base:
            base.execute("UPDATE merchant SET sandbox = 0 WHERE merchant_id = ?", (world.merchants[1]["merchantId"],))
        port = free_port()
        process = start_gateway(demo, network, port)
        shop = Shop("127.0.0.1:%d" % port, world.merchants[0])
        other = Shop("127.0.0.1:%d" % port, world.merchants[1])
        wait_for(lambda: shop.post(CHARGES, shop.body(1.00))[0] == 201)
        check_outcomes(checks, shop, network)
        check_parts(checks, shop, network)
        check_letters(checks, shop)
        check_again(checks, shop, network)
        check_echoes(checks, shop)
        check_verification(checks, shop, network)
        check_authentication(checks, shop)
        check_transport(checks, shop)
        check_fields(checks, shop, other)
        check_encryption(checks, shop, directory)
        shop.post(CHARGES, shop.body(1.55))
        check_store(checks, demo.dir)
        checks.check(process.stop() == 0, "an orderly stop is status 0")
    return checks.end()


sys.exit(main())
