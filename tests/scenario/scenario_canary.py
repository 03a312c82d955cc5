#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No clear card number and no code stays behind: not in databases, logs, metrics, nor in the memory of any process.

Pays with cards of all three modes, lets the sandbox rest, then searches its files and the memory of every process (of the HSM all
but its locked pages) for each card number used, as text, EBCDIC and packed decimal, and for each code in the contexts of the
messages that carried it. The search itself is tested first: it must find what is planted in a helper process and in a file.
"""
import http.client
import json
import os
import re
import subprocess
import sys
import time

from sandbox import Checks, Demo, approved, fail_without_build

CHUNK = 1 << 20
OVERLAP = 64
REST_S = 1.5


# ---- what is searched for


def ebcdic(text):
    return text.encode("cp037")


def needles_of_pan(pan):
    yield "PAN as text", pan.encode()
    yield "PAN in EBCDIC", ebcdic(pan)
    yield "PAN packed", bytes.fromhex(pan if len(pan) % 2 == 0 else "0" + pan)


# A code is three digits, or four: it counts only where a message would carry it.
CONTEXTS = [
    ("code in JSON", re.compile(rb'"(?:securityCode|cvv)"\s*:\s*"([0-9]{3,4})"')),
    ("code of four in DE126", re.compile(rb"0061[01]([0-9]{4})")),
    ("code in RY", re.compile(rb"FFFFF([0-9]{4})FFF")),
    ("code in a reply of RY", re.compile(rb"RZ003[0-9]{5}([0-9]{4})[0-9]{3}")),
    ("code in DE126 as text", re.compile(rb"1[01] ([0-9]{3})(?![0-9])")),
    ("code in DE126 in EBCDIC", re.compile(rb"\xf1[\xf0\xf1]\x40([\xf0-\xf9]{3})")),
    ("code in a reply of the HSM", re.compile(rb"(?:QZ|CX|PN)00([0-9]{3})")),
    ("code in PM, one-time", re.compile(rb";[0-9]{13}([0-9]{3})(?![0-9])")),
    ("code in PM, window", re.compile(rb";[0-9]{19}([0-9]{3})(?![0-9])")),
]


class Search:
    """Card numbers as they stand (a CY command holds one beside its code), and codes in their contexts."""

    def __init__(self, pans, codes):
        self.literals = [needle for pan in sorted(pans) for needle in needles_of_pan(pan)]
        self.codes = {code.encode() for code in codes} | {ebcdic(code) for code in codes}

    def names(self, data):
        found = {name for name, needle in self.literals if needle in data}
        for name, pattern in CONTEXTS:
            if any(hit.group(1) in self.codes for hit in pattern.finditer(data)):
                found.add(name)
        return found


# ---- where it is searched


def maps_of(pid, skip_locked):
    """Readable mappings with anything in memory that the process wrote. A private mapping of a file that is not writable and of
    which no page was changed is the file itself: the help of countersign-hsm has a code in JSON as its example, and one day a
    payment has the same."""
    start = end = None
    readable, resident, flags, file, changed = False, 0, [], False, 0
    with open("/proc/%d/smaps" % pid, encoding="utf-8", errors="replace") as handle:
        for line in handle:
            head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ ([0-9]+)", line)
            if head:
                start, end, readable = int(head.group(1), 16), int(head.group(2), 16), head.group(3)[0] == "r"
                file, resident = head.group(3) in ("r--p", "r-xp") and head.group(4) != "0", 0
            elif line.startswith("Anonymous:"):
                changed = int(line.split()[1])
            elif line.startswith("Rss:"):
                resident = int(line.split()[1])
            elif line.startswith("VmFlags:"):
                flags = line.split()[1:]
                locked = "lo" in flags or "dd" in flags
                if file and changed == 0:
                    continue
                if readable and resident and not (skip_locked and locked) and "io" not in flags and "pf" not in flags:
                    yield start, end


def search_memory(search, pid, skip_locked):
    found, total = set(), 0
    with open("/proc/%d/mem" % pid, "rb", buffering=0) as memory:
        for start, end in maps_of(pid, skip_locked):
            kept = b""
            while start < end:
                try:
                    memory.seek(start)
                    part = memory.read(min(CHUNK, end - start))
                except (OSError, ValueError, OverflowError):
                    break
                if not part:
                    break
                start += len(part)
                total += len(part)
                if part.count(0) == len(part):  # never written
                    kept = b""
                    continue
                found |= search.names(kept + part)
                kept = part[-OVERLAP:]
    return found, total


def search_file(search, path):
    with open(path, "rb") as handle:
        return search.names(handle.read())


# ---- the scanner's own test

HELPER = """
import sys, time
held = [bytes(b ^ 0x5A for b in bytes.fromhex(word)) for word in sys.argv[1:]]
print("ready", flush=True)
time.sleep(60)
"""


def planted(checks, directory):
    pan, code = "4999990000000013", "739"
    search = Search({pan}, {code, "7394"})
    things = {
        "PAN as text": b"x" + pan.encode() + b"x", "PAN in EBCDIC": ebcdic(pan), "PAN packed": bytes.fromhex(pan),
        "code in JSON": b'{"cvv":"739"}', "code in DE126 as text": b"11 739",
        "code in DE126 in EBCDIC": b"\xf1\xf1\x40\xf7\xf3\xf9",
        "code of four in DE126": b"006117394", "code in RY": b"FFFFF7394FFF", "code in a reply of RY": b"RZ003123457394123",
        "code in a reply of the HSM": b"QZ00739", "code in PM, one-time": b";2912998000007739",
    }
    for name, value in things.items():
        # the helper's command line holds it only masked, so that a hit is a hit in its memory
        masked = bytes(b ^ 0x5A for b in value).hex()
        with subprocess.Popen([sys.executable, "-c", HELPER, masked], stdout=subprocess.PIPE) as helper:
            helper.stdout.readline()
            found, _ = search_memory(search, helper.pid, False)
            helper.kill()
        checks.check(name in found, "the scanner finds a planted %s in memory" % name)
    path = os.path.join(directory, "planted")
    with open(path, "wb") as handle:
        handle.write(b"\0" * 1000 + pan.encode())
    checks.check("PAN as text" in search_file(search, path), "the scanner finds a planted PAN in a file")
    os.unlink(path)


# ---- the scenario


def pay(checks, world):
    """Payments of every kind; gives the card numbers and the codes used."""
    pans, codes, good, bad = set(), set(), 0, 0
    for mode in ("static", "one_time", "time_window"):
        for card in world.of_mode(mode)[1:8]:
            status, shown = world.display(card)
            if status != 200:
                continue
            pans.add(card["pan"])
            codes.add(shown["cvv"])
            good += approved(world.charge(card, shown["cvv"])[1])
            wrong = "%03d" % ((int(shown["cvv"]) + 500) % 1000)
            codes.add(wrong)
            bad += not approved(world.charge(card, wrong)[1])
    checks.check(good == 21 and bad == 21, "21 payments approved and 21 refused (%d, %d)" % (good, bad))
    brands = world.text["otherBrands"]
    for card in brands:
        code = world.display(card)[1]["cvv"]
        good += approved(world.charge(card, code)[1])
        pans.add(card["pan"])
        codes.add(code)
    checks.check(good == 21 + len(brands), "and one with each card of other brands")
    return pans, codes


# Where a request has free text, and how people write card numbers.
TEXTS = ["source.card.nameOnCard", "transactionDetails.merchantOrderId", "transactionDetails.merchantTransactionId",
         "transactionDetails.merchantInvoiceNumber", "transactionInteraction.eciIndicator",
         "transactionInteraction.posConditionCode", "transactionInteraction.posEntryMode", "storedCredentials.initiator",
         "billingAddress.address.street", "billingAddress.address.houseNumberOrName", "billingAddress.address.city",
         "billingAddress.address.stateOrProvince", "billingAddress.address.country"]


def spellings(pan):
    groups = [pan[at:at + 4] for at in range(0, len(pan), 4)]
    return [pan, " ".join(groups), "-".join(groups), "a" + pan + "z"]


def texts(checks, world):
    """Card numbers where they do not belong; gives them."""
    card, seller = world.of_mode("static")[9], world.merchants[0]
    pan, code = card["pan"], world.display(card)[1]["cvv"]

    def charge(request_id=None, path=None, text=None):
        body = {"amount": {"total": 1.00, "currency": "AUD"},
                "source": {"sourceType": "PaymentCard", "card": {
                    "cardData": pan, "expirationMonth": card["expiry"][2:], "expirationYear": "20" + card["expiry"][:2],
                    "securityCode": code}},
                "merchantDetails": {"merchantId": seller["merchantId"], "terminalId": seller["terminalId"]}}
        if path:
            *folders, leaf = path.split(".")
            at = body
            for folder in folders:
                at = at.setdefault(folder, {})
            at[leaf] = text
        return world.signed(seller, "/payments/v1/charges", json.dumps(body), request_id)

    for path in TEXTS:
        refused = [charge(path=path, text=text) for text in spellings(pan) if len(text) <= 22]
        checks.check(all(status == 400 and [(e["code"], e["field"]) for e in body["error"]] == [("100", path)]
                         for status, body in refused), "a card number is refused in " + path)
    for text in spellings(pan):
        status, body = charge(request_id="order " + text)
        checks.check(status == 400 and body["error"][0].get("field") == "Client-Request-Id" and pan not in json.dumps(body),
                     "and as the id of a request")
    status, body = charge(path=TEXTS[1], text="20261201034610123")
    checks.check(status == 201, "an order number that is only long is taken")
    return {text for text in spellings(pan)[1:3]}, pan, code


def metrics(port):
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    link.request("GET", "/metrics")
    return link.getresponse().read()


def examples(checks, pid):
    """Codes that stand in the program's own texts are no codes of a payment."""
    with open("/proc/%d/exe" % pid, "rb") as program:
        codes = {hit.group(1).decode() for _, pattern in CONTEXTS[:1] for hit in pattern.finditer(program.read())}
    found, _ = search_memory(Search(set(), codes), pid, True)
    checks.check(codes and not found, "the examples in the help of the hsm are not taken for codes %s" % sorted(codes))


def main():
    fail_without_build()
    checks = Checks()
    with Demo() as demo:
        planted(checks, demo.dir)
        examples(checks, demo.services()["hsm"])
        world = demo.world()
        pans, codes = pay(checks, world)
        spelled, pan, code = texts(checks, world)
        time.sleep(REST_S)
        search = Search(pans | {pan}, codes | {code})
        search.literals += [("PAN in groups", text.encode()) for text in sorted(spelled)]
        for name in sorted(os.listdir(demo.dir)):
            if name == "sandbox.json":  # it is there to tell the card numbers
                continue
            found = search_file(search, os.path.join(demo.dir, name))
            checks.check(not found, "%s is clean%s" % (name, ": " + ", ".join(sorted(found)) if found else ""))
        for name, port in (("hsm", 2837), ("gateway", 9417), ("issuer", 9418), ("switch", 9920)):
            found = search.names(metrics(port + demo.offset))
            checks.check(not found, "the metrics of %s are clean" % name)
        for name, pid in sorted(demo.services().items()):
            found, total = search_memory(search, pid, name == "hsm")
            checks.check(not found and total > 1 << 20, "the memory of %s is clean, %d MiB read%s" % (
                name, total >> 20, ": " + ", ".join(sorted(found)) if found else ""))
    return checks.end()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError) as problem:
        print(problem)
        print("0 passed, 1 failed")
        sys.exit(1)
