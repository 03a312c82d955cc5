# SPDX-License-Identifier: Apache-2.0
"""What the scenarios share: a running sandbox, a cardholder, a merchant, and the counting of checks."""
import base64
import hashlib
import hmac
import http.client
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import uuid

from lab.process import BUILD, COUNTERSIGN, PORTS, Process, free_offset, wait_for

READY_S = 40


class Checks:
    """Counts; the last line it prints is what tools/run-tests reads."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, held, what):
        if held:
            self.passed += 1
            print("ok      %s" % what, flush=True)
        else:
            self.failed += 1
            print("FAILED  %s" % what, flush=True)
        return held

    def end(self):
        print("%d passed, %d failed" % (self.passed, self.failed))
        return 1 if self.failed else 0


def seed():
    """A seed for the scenario's randomness, printed so that a failure can be replayed with SEED=..."""
    value = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
    print("SEED=%d" % value, flush=True)
    return random.Random(value)


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as handle:
        return [int(word) for word in handle.read().split()]


def command_line(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as handle:
            return handle.read().decode().split("\0")[:-1]
    except FileNotFoundError:
        return []


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as handle:
            return handle.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Demo:
    """`countersign demo` as a process, in a directory of its own."""

    def __init__(self, *options, keep_up=True, directory=None, offset=None):
        self.dir = directory or tempfile.mkdtemp(prefix="countersign-scenario-")
        self.offset = offset or free_offset(PORTS)
        command = [COUNTERSIGN, "demo", "--dir", self.dir, "--port-offset", str(self.offset)] + list(options)
        self.program = Process("demo", command).start()
        self.process = self.program.process
        if keep_up:
            self.wait_told()

    def output(self):
        return self.program.said()

    def wait_told(self):
        """Until the story has been told and the sandbox stays up."""
        told = lambda: "sandbox.json" in self.output() or '"step":10' in self.output()
        if not wait_for(lambda: told() or not self.program.runs(), READY_S) or not told():
            raise RuntimeError("the demo does not come up:\n" + self.output())

    def world(self):
        with open(os.path.join(self.dir, "sandbox.json"), encoding="utf-8") as handle:
            return World(json.load(handle))

    def services(self):
        """pid by name, of the services and of the tap."""
        found = {}
        for pid in children(self.process.pid):
            words = command_line(pid)
            if not words:
                continue
            name = "hsm" if words[0].endswith("countersign-hsm") else words[1]
            found["tap" if name == "demo" else name] = pid
        return found

    def wait(self, seconds):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, remove=True):
        self.program.stop()
        if remove:
            shutil.rmtree(self.dir, ignore_errors=True)
        if os.path.exists(self.program.log):
            os.unlink(self.program.log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class World:
    """sandbox.json, and what one can do with it."""

    def __init__(self, text):
        self.text = text
        self.gateway = text["gateway"]["url"].split("//")[1]
        self.issuer = text["issuer"]["url"].split("//")[1]
        self.merchants = text["merchants"]
        self.cards = text["cards"]

    def of_mode(self, mode):
        return [card for card in self.cards if card["mode"] == mode]

    def display(self, card, timeout=10):
        """The credentials of a card as the app's backend gets them: (status, body)."""
        path = "/v2/issuers/%s/cards/%s/credentials" % (self.text["issuer"]["issuerId"], card["cardId"])
        return call(self.issuer, "GET", path, {"X-Api-Key": self.text["issuer"]["apiKey"]}, None, timeout)

    def charge(self, card, code, total="10.00", merchant=0, request_id=None, timeout=20, ahead_ms=0):
        """A charge in clear, as a sandbox merchant may send it: (status, body)."""
        seller = self.merchants[merchant]
        body = {
            "amount": {"total": float(total), "currency": "AUD"},
            "source": {"sourceType": "PaymentCard",
                       "card": {"cardData": card["pan"], "expirationMonth": card["expiry"][2:],
                                "expirationYear": "20" + card["expiry"][:2], "securityCode": code,
                                "securityCodeIndicator": "PROVIDED"}},
            "transactionDetails": {"captureFlag": True},
            "merchantDetails": {"merchantId": seller["merchantId"], "terminalId": seller["terminalId"]},
        }
        return self.signed(seller, "/payments/v1/charges", json.dumps(body), request_id, timeout, ahead_ms)

    def signed(self, seller, path, body, request_id=None, timeout=20, ahead_ms=0):
        request_id = request_id or str(uuid.uuid4())
        stamp = str(int(time.time() * 1000) + ahead_ms)
        mac = hmac.new(seller["secret"].encode(), (seller["apiKey"] + request_id + stamp + body).encode(), hashlib.sha256).digest()
        headers = {"Content-Type": "application/json", "Api-Key": seller["apiKey"], "Client-Request-Id": request_id,
                   "Timestamp": stamp, "Auth-Token-Type": "HMAC", "Authorization": base64.b64encode(mac).decode()}
        return call(self.gateway, "POST", path, headers, body, timeout)


def call(address, method, path, headers, body, timeout):
    """(status, parsed body); (0, None) if nobody answered."""
    link = http.client.HTTPConnection(address, timeout=timeout)
    try:
        link.request(method, path, body=body, headers=headers)
        answer = link.getresponse()
        raw = answer.read()
        return answer.status, json.loads(raw) if raw else None
    except (OSError, http.client.HTTPException, ValueError):
        return 0, None
    finally:
        link.close()


def details(body):
    """processorResponseDetails of an answer."""
    return ((body or {}).get("paymentReceipt") or {}).get("processorResponseDetails") or {}


def approved(body):
    return details(body).get("approvalStatus") == "APPROVED"


def match_of(body):
    return details(body).get("bankAssociationDetails", {}).get("avsSecurityCodeResponse", {}).get("securityCodeMatch")


def fail_without_build():
    if not os.access(COUNTERSIGN, os.X_OK):
        print("%s is missing\n0 passed, 1 failed" % COUNTERSIGN)
        sys.exit(1)
