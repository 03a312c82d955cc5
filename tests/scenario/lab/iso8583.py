# SPDX-License-Identifier: Apache-2.0
"""The generic ISO 8583 profile, written a second time: an acquirer that asks the switch, and a network that answers the gateway."""
import socket
import struct
import threading
import time

FIXED = {3: 6, 4: 12, 7: 10, 11: 6, 12: 6, 13: 4, 14: 4, 18: 4, 22: 3, 25: 2, 37: 12, 38: 6, 39: 2, 41: 8, 42: 15, 49: 3, 70: 3,
         90: 42, 95: 42}
COUNTED = {2: 2, 32: 2, 44: 2, 47: 3, 48: 3, 126: 3}
ECHOED = (2, 3, 4, 7, 11, 12, 13, 32, 37, 41, 42, 49, 70, 90)


def parse(frame):
    text = frame.decode("ascii")
    bits = int(text[4:20], 16)
    width, at = 64, 20
    if bits >> 63:
        bits, width, at = int(text[4:36], 16), 128, 36
    fields = {0: text[:4]}
    for number in range(2, width + 1):
        if not bits >> (width - number) & 1:
            continue
        size = FIXED.get(number)
        if size is None:
            digits = COUNTED[number]
            size, at = int(text[at:at + digits]), at + digits
        fields[number], at = text[at:at + size], at + size
    assert at == len(text), "trailing bytes"
    return fields


def build(fields):
    width = 128 if any(number > 64 for number in fields) else 64
    bits = (1 << 127) if width == 128 else 0
    body = ""
    for number in sorted(set(fields) - {0}):
        bits |= 1 << (width - number)
        value = fields[number]
        body += value if number in FIXED else "%0*d%s" % (COUNTED[number], len(value), value)
    return (fields[0] + "%0*X" % (width // 4, bits) + body).encode("ascii")


def send(link, frame):
    link.sendall(struct.pack(">H", len(frame)) + frame)


def receive(stream):
    """A frame; None when the peer has closed."""
    head = stream.read(2)
    return stream.read(struct.unpack(">H", head)[0]) if len(head) == 2 else None


def original(fields):
    """DE90 of a reversal."""
    return fields[0] + fields[11] + fields[7] + fields[32].zfill(11) + "0" * 11


class Acquirer:
    """Builds requests, sends each on a connection of its own, and keeps the last one."""

    def __init__(self, address):
        self.address, self.trace = address, int(time.time() * 1000) % 10 ** 9
        self.request = self.answer = None

    def prepare(self, card, code, amount_minor, **fields):
        self.trace += 1
        self.request = {0: "0100", 2: card["pan"], 3: "000000", 4: "%012d" % amount_minor,
                        7: time.strftime("%m%d%H%M%S", time.gmtime()), 11: "%06d" % (self.trace % 10 ** 6), 14: card["expiry"],
                        18: "5999", 22: "010", 25: "59" if amount_minor else "51", 32: "12345678901", 37: "%012d" % self.trace,
                        41: "TERM0001", 42: "MERCHANT0000001", 49: "036"}
        if code:
            self.request[126] = "11%s " % code.rjust(3) if len(code) == 4 else "11 %s" % code
        self.request.update({int(name[2:]): value for name, value in fields.items()})

    def exchange(self, fields):
        host, port = self.address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=20) as link:
            send(link, build(fields))
            frame = receive(link.makefile("rb"))
        return frame

    def send(self):
        self.answer = self.exchange(self.request)
        return self.answer

    def reverse(self, left_minor=None):
        self.trace += 1
        fields = {number: value for number, value in self.request.items() if number not in (14, 126)}
        fields.update({0: "0400", 11: "%06d" % (self.trace % 10 ** 6), 37: "%012d" % self.trace, 90: original(self.request)})
        if left_minor is not None:
            fields[95] = "%012d" % left_minor + "0" * 12 + "C00000000" * 2
        return self.exchange(fields)


class Network:
    """One listener in the place of a network. It signs on whoever comes, and answers authorisations as `authorise` says."""

    def __init__(self):
        self.seen, self.reversals, self.answer_reversals = [], [], True
        self.order = []  # of both: MTI and fields
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(link,), daemon=True).start()

    def talk(self, link):
        stream = link.makefile("rb")
        try:
            while frame := receive(stream):
                self.handle(link, parse(frame))
        except OSError:
            return

    def handle(self, link, request):
        answer = {number: request[number] for number in ECHOED if number in request}
        answer.update({0: "%04d" % (int(request[0]) // 10 * 10 + 10), 39: "00"})
        if request[0] == "0800":
            send(link, build(answer))
        elif request[0] in ("0400", "0401"):
            self.order.append((request[0], request))
            self.reversals.append(request)
            if self.answer_reversals:
                send(link, build(answer))
        else:
            self.order.append((request[0], request))
            self.seen.append(request)
            self.authorise(link, request, answer)


class Played(Network):
    """Answers as it was told last: a DE39 and a letter, or one of the ways in which an answer does not come."""

    def __init__(self):
        super().__init__()
        self.how = ("00", "M")

    def authorise(self, link, request, answer):
        how = self.how[0]
        if how == "silent":
            return
        if how == "garbage":
            send(link, b"garbage!!")
            return
        if how == "late":
            time.sleep(float(self.how[1]))
        if how == "another":
            answer[37] = "0" * 12
        answer[39], letter = self.how if how.isalnum() and len(how) == 2 else ("00", "M")
        if answer[39] in ("00", "10", "85"):
            answer[38] = "A1B2C3"
        answer[44] = " " * 10 + letter
        send(link, build(answer))
        if how == "twice":
            send(link, build(answer))
