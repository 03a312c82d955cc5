#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Published test values of Commerce Hub, on a gateway whose network must not be asked (docs/spec/commerce-hub.md 9)."""
import sys
import uuid

from lab.iso8583 import Network, build, send
from lab.process import free_port, wait_for
from sandbox import Checks, Demo, fail_without_build
from shop import CHARGES, PAN, Shop, VERIFY, codes, conforms, details, start_gateway


class Quiet(Network):
    """Approves whatever comes."""

    def authorise(self, link, request, answer):
        answer[38] = "A1B2C3"
        send(link, build(answer))


APPROVED_CARDS = ("4012001928706700", "5500007287297385", "341111227713933", "6011114305944707")
CODE_CARDS = ("4012001472472642", "5500008286090219", "341111880552552", "6011111273436666")
ADDRESS_CARDS = ("4012008565774776", "5500002389250960", "341111565369561", "6011116171399338")
BY_CODE = {"111": "MATCHED", "999": "NOT_MATCHED", "888": "NOT_PROCESSED", "222": "NOT_PRESENT", "333": "NOT_CERTIFIED",
           "444": "NOT_CHECKED"}
BY_AMOUNT = {5070: "MATCHED", 5071: "NOT_MATCHED", 5072: "NOT_PROCESSED", 5073: "NOT_PRESENT", 5074: "NOT_CERTIFIED",
             5075: "NOT_CHECKED", 12: "NOT_CHECKED"}
BY_ADDRESS = {5080: ("MATCHED", "MATCHED"), 5081: ("NOT_MATCHED", "MATCHED"), 5082: ("NOT_CHECKED", "MATCHED"),
              5083: ("NO_INPUT_DATA", "MATCHED"), 5086: ("MATCHED", "NOT_MATCHED"), 5087: ("MATCHED", "NOT_CHECKED"),
              5088: ("MATCHED", "NO_INPUT_DATA"), 12: ("NONE", "MATCHED")}


def check_test_values(checks, shop, network):
    def ask(pan, code, total, postal=None, seller=shop, path=CHARGES):
        body = seller.body(total, cardData=pan, securityCode=code, securityCodeIndicator="PROVIDED" if code else None)
        if postal:
            body["billingAddress"] = {"address": {"postalCode": postal}}
        http, answer = seller.post(path, body)
        found = details(answer)
        result = found["bankAssociationDetails"]["avsSecurityCodeResponse"]
        return (http, found["approvalStatus"], found["responseCode"], result["securityCodeMatch"]), result, answer

    def good(pan):
        return "7777" if len(pan) == 15 else "777"

    before = len(network.order)
    for pan in APPROVED_CARDS:
        told, _, answer = ask(pan, good(pan), 4999.99)
        checks.check(told == (201, "APPROVED", "000", "MATCHED") and conforms(answer, "ChargesResponse"), "%s is approved" % pan)
        checks.check(ask(pan, None, 10)[0] == (201, "APPROVED", "000", "NONE"), "without a code as well")
    for pan in CODE_CARDS:
        wrong = [total for total, match in BY_AMOUNT.items() if ask(pan, good(pan), total)[0] != (201, "APPROVED", "000", match)]
        checks.check(not wrong, "results by amount with %s: %s" % (pan, wrong))
    for pan in ADDRESS_CARDS:
        wrong = [total for total, matches in BY_ADDRESS.items()
                 if tuple(ask(pan, good(pan), total)[1][name] for name in ("streetMatch", "postalCodeMatch")) != matches]
        checks.check(not wrong, "results of the address with %s: %s" % (pan, wrong))
    names = [ask(ADDRESS_CARDS[2], "7777", 5090 + n)[1]["association"].get("cardholderNameResponse") for n in range(1, 9)]
    checks.check(names == list("12345678"), "and of the name: %s" % names)
    for pan in (PAN, "378282246310005"):
        codes_of = {code + code[0] if len(pan) == 15 else code: match for code, match in BY_CODE.items()}
        wrong = [code for code, match in codes_of.items() if ask(pan, code, 10)[0] != (201, "APPROVED", "000", match)]
        checks.check(not wrong, "results by code with %s: %s" % (pan, wrong))
    declined = [ask(PAN, "777", 5000 + n)[0] for n in (7, 12, 51, 999)]
    wanted = [(201, "DECLINED", "%03d" % n, "MATCHED") for n in (7, 12, 51, 999)]
    checks.check(declined == wanted, "declines by amount: %s" % declined)
    told, _, answer = ask("4012000033330026", "777", 44.67)
    refused = told[1:3] == ("DECLINED", "012") and details(answer)["hostResponseCode"] == "C2"
    checks.check(refused, "a decline for the code: %s" % (told,))
    postal = [ask(PAN, "111", 10, code)[1]["postalCodeMatch"] for code in ("11111", "22222", "33333")]
    checks.check(postal == ["MATCHED", "NOT_MATCHED", "NOT_CHECKED"], "results by postal code: %s" % postal)
    checks.check(ask(APPROVED_CARDS[0], "777", 10, path=VERIFY)[0] == (201, "APPROVED", "000", "MATCHED"), "a verification")
    brandless = shop.post(CHARGES, shop.body(1, cardData="4000300011112220"))[1]
    checks.check(codes(brandless)[0][1] == "104", "a number of no brand: 104")
    checks.check([kind for kind, _ in network.order[before:] if kind == "0100"] == [], "none of them was sent anywhere")
    ask(APPROVED_CARDS[0], "778", 1)
    checks.check(network.seen[-1][2] == APPROVED_CARDS[0], "another code is really verified")
    name, body = str(uuid.uuid4()), shop.body(10, cardData=APPROVED_CARDS[0], securityCode="777")
    checks.check(shop.post(CHARGES, body, name) == shop.post(CHARGES, body, name), "a repeat gets the stored answer")


def main():
    fail_without_build()
    checks = Checks()
    network = Quiet()
    with Demo() as demo:
        port = free_port()
        process = start_gateway(demo, network, port)
        shop = Shop("127.0.0.1:%d" % port, demo.world().merchants[0])
        wait_for(lambda: shop.post(CHARGES, shop.body(1.00))[0] == 201)
        check_test_values(checks, shop, network)
        checks.check(process.stop() == 0, "an orderly stop is status 0")
    return checks.end()


sys.exit(main())
