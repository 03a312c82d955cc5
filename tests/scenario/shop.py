# SPDX-License-Identifier: Apache-2.0
"""A merchant of the gateway, what it reads in an answer, and a gateway whose one link leads to a network of the scenario."""
import atexit
import base64
import hashlib
import hmac
import json
import os
import re
import time
import uuid

from lab.process import COUNTERSIGN, Process
from sandbox import call

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "../../docs/spec/data/commerce-hub-openapi-subset.json"), encoding="utf-8") as handle:
    SCHEMAS = json.load(handle)["components"]["schemas"]

PAN = "4005520000000129"
CHARGES, VERIFY = "/payments/v1/charges", "/payments-vas/v1/accounts/verification"


class Shop:
    def __init__(self, address, seller):
        self.address, self.seller = address, seller

    def headers(self, body, request_id, stamp=None, secret=None, signed=None, **changed):
        """`signed`: the body that the MAC is over, where it is another one."""
        stamp = stamp or str(int(time.time() * 1000))
        key = changed.get("Api-Key", self.seller["apiKey"])
        signed = (key + request_id + stamp + (signed or body)).encode()
        mac = hmac.new((secret or self.seller["secret"]).encode(), signed, hashlib.sha256).digest()
        found = {"Content-Type": "application/json", "Api-Key": key, "Client-Request-Id": request_id, "Timestamp": stamp,
                 "Auth-Token-Type": "HMAC", "Authorization": base64.b64encode(mac).decode()}
        found.update(changed)
        return {name: value for name, value in found.items() if value is not None}

    def post(self, path, body, request_id=None, **how):
        text = body if isinstance(body, str) else json.dumps(body)
        return call(self.address, "POST", path, self.headers(text, request_id or str(uuid.uuid4()), **how), text, 20)

    def details(self):
        return {"merchantId": self.seller["merchantId"], "terminalId": self.seller["terminalId"]}

    def body(self, total, **card):
        source = {"cardData": PAN, "expirationMonth": "12", "expirationYear": "2030", "securityCode": "123",
                  "securityCodeIndicator": "PROVIDED"}
        source.update(card)
        source = {name: value for name, value in source.items() if value is not None}
        return {"amount": {"total": total, "currency": "AUD"}, "source": {"sourceType": "PaymentCard", "card": source},
                "transactionDetails": {"captureFlag": True}, "merchantDetails": self.details()}


def codes(answer):
    return [(e["type"], e.get("code"), e.get("field")) for e in answer["error"]]


def details(answer):
    """The processor's part, or the errors in its place, so that a check fails instead of stopping the rest."""
    if "paymentReceipt" not in answer:
        print("        " + json.dumps(answer.get("error")))
        return {"approvalStatus": None, "responseCode": None, "hostResponseCode": None,
                "bankAssociationDetails": {"avsSecurityCodeResponse": {"securityCodeMatch": None}}}
    return answer["paymentReceipt"]["processorResponseDetails"]


def match(answer):
    return details(answer)["bankAssociationDetails"]["avsSecurityCodeResponse"]["securityCodeMatch"]


def violations(value, schema, path="$"):
    """What the description forbids: types, lengths, patterns. Members it does not know are left alone."""
    while "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rsplit("/", 1)[1]]
    kind = schema.get("type")
    types = {"string": str, "boolean": bool, "array": list, "object": dict, "integer": int}
    if kind == "number":
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return ["%s is no number" % path]
    elif kind and not isinstance(value, types[kind]):
        return ["%s is no %s" % (path, kind)]
    found = []
    if isinstance(value, str):
        if len(value) > schema.get("maxLength", 1 << 20):
            found.append("%s is too long" % path)
        if "pattern" in schema and not re.search(schema["pattern"], value):
            found.append("%s breaks its pattern" % path)
    if isinstance(value, dict):
        for name, member in value.items():
            if name in schema.get("properties", {}):
                found += violations(member, schema["properties"][name], path + "." + name)
    if isinstance(value, list):
        for index, item in enumerate(value):
            found += violations(item, schema.get("items", {}), "%s[%d]" % (path, index))
    return found


def conforms(answer, name):
    return not violations(answer, SCHEMAS[name])


def start_gateway(demo, network, port):
    links = ["link.visa.port=%d" % network.port, "link.visa.profile=iso87-ascii", "link.visa.extract=generic_126_10",
             "link.visa.timeout_ms=700", "link.eftpos.port=0", "gateway.node=scripted", "gateway.reversal_ms=300",
             "rest.listen=127.0.0.1:%d" % port, "admin.listen="]
    command = [COUNTERSIGN, "gateway", "--config", os.path.join(demo.dir, "gateway.ini")]
    for link in links:
        command += ["--set", link]
    process = Process("gateway", command).start()
    atexit.register(process.stop)
    return process
