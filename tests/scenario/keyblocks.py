# SPDX-License-Identifier: Apache-2.0
"""Key blocks read and written by the openssl command and nothing of ours: the other side of an exchange.

Layout and bindings are those of ANSI X9.143 / TR-31 and of the published blocks in docs/spec; blocks() proves this reading on
the vectors before it is used on anything else.
"""
import binascii
import json
import os
import subprocess

UNIT = {"0": 8, "A": 8, "B": 8, "C": 8, "D": 16}
MAC = {"0": 4, "A": 4, "B": 8, "C": 4, "D": 16}
PARITY = bytes(b & 0xFE | (bin(b >> 1).count("1") % 2 ^ 1) for b in range(256))


def openssl(arguments, data):
    return subprocess.run(["openssl"] + arguments, input=data, stdout=subprocess.PIPE, check=True).stdout


def cipher(key, aes):
    return {16: "aes-128", 24: "aes-192", 32: "aes-256"}[len(key)] if aes else "des-ede3"


def triple(key):
    return {8: key * 3, 16: key + key[:8], 24: key}[len(key)]


def cbc(key, iv, data, aes=False, decrypt=False):
    wide = key if aes else triple(key)
    way = ["-d"] if decrypt else []
    return openssl(["enc", "-" + cipher(key, aes) + "-cbc", "-nopad", "-K", wide.hex(), "-iv", iv.hex()] + way, data)


def ecb(key, data, decrypt=False):
    return b"".join(cbc(key, bytes(8), data[at:at + 8], decrypt=decrypt) for at in range(0, len(data), 8))


def cmac(key, data, aes):
    wide = key if aes else triple(key)
    name = cipher(key, aes) + "-cbc"
    made = openssl(["mac", "-cipher", name, "-macopt", "hexkey:" + wide.hex(), "-in", "-", "CMAC"], data)
    return binascii.unhexlify(made.strip())


def varied(key, byte):
    return bytes(b ^ byte for b in key)


def derived(kbpk, usage, aes):
    size = 16 if aes else 8
    indicator = {16: 2, 24: 3, 32: 4}[len(kbpk)] if aes else {16: 0, 24: 1}[len(kbpk)]
    out = b""
    while len(out) < len(kbpk):
        block = bytes([len(out) // size + 1, 0, usage, 0, 0, indicator]) + (8 * len(kbpk)).to_bytes(2, "big")
        out += cmac(kbpk, block, aes)
    return out[:len(kbpk)]


def mac_of(version, kbpk, head, data):
    if version in "BD":
        return cmac(derived(kbpk, 1, version == "D"), head + data, version == "D")
    chained = cbc(varied(kbpk, 0x4D), bytes(8), head + data)
    return chained[-8:][:4]


def optional_length(text):
    length = int(text[2:4], 16)
    if length == 0:
        assert text[4:6] in ("02", "04"), text[:10]
        length = int(text[6:10], 16)
    return length


def head_length(block):
    at = 16
    for _ in range(int(block[12:14])):
        at += optional_length(block[at:])
    return at


def unwrap(kbpk, block):
    """The key and the header with its optional blocks; the tag S or R is left out."""
    version, at = block[0], head_length(block)
    assert int(block[1:5]) == len(block) and at % UNIT[version] == 0, block
    head = block[:at].encode()
    mac = binascii.unhexlify(block[len(block) - 2 * MAC[version]:])
    data = binascii.unhexlify(block[at:len(block) - 2 * MAC[version]])
    aes = version == "D"
    if version in "BD":
        plain = cbc(derived(kbpk, 0, aes), mac, data, aes, decrypt=True)
        assert mac_of(version, kbpk, head, plain) == mac, "MAC of " + block
    else:
        assert mac_of(version, kbpk, head, data) == mac, "MAC of " + block
        plain = cbc(varied(kbpk, 0x45), head[:8], data, decrypt=True)
    length = int.from_bytes(plain[:2], "big") // 8
    return plain[2:2 + length], block[:at]


def wrap(kbpk, header, key, hidden=0):
    """`header` as 16 characters and optional blocks, of any length field; `hidden` bytes of padding hide the key length."""
    version, unit = header[0], UNIT[header[0]]
    plain = (8 * len(key)).to_bytes(2, "big") + key + os.urandom(hidden)
    plain += os.urandom(-len(plain) % unit)
    total = len(header) + 2 * len(plain) + 2 * MAC[version]
    head = ("%s%04d%s" % (version, total, header[5:])).encode()
    if version in "BD":
        mac = mac_of(version, kbpk, head, plain)
        data = cbc(derived(kbpk, 0, version == "D"), mac, plain, version == "D")
    else:
        data = cbc(varied(kbpk, 0x45), head[:8], plain)
        mac = mac_of(version, kbpk, head, data)
    return head.decode() + data.hex().upper() + mac.hex().upper()


SCHEMES = {"": (0, 0, 0), "Z": (0,), "X": (0, 0), "Y": (0, 0, 0), "U": (0xA6, 0x5A), "T": (0x6A, 0xDE, 0x2B)}


def variant(zmk, scheme, key, decrypt=False, atalla=0):
    """A key under a ZMK in one of the forms without a header; without its tag."""
    zmk = bytearray(zmk)
    for at in range(0, len(zmk), 8):
        zmk[at] ^= 8 * atalla
    out = b""
    for part, at in zip(SCHEMES[scheme], range(0, len(key), 8)):
        under = bytearray(zmk)
        if part:
            under[8] ^= part
        out += ecb(bytes(under), key[at:at + 8], decrypt)
    return out


def kcv(key, aes=False):
    return (cmac(key, bytes(16), True) if aes else ecb(key, bytes(8)))[:3].hex().upper()


def odd(key):
    return key.translate(PARITY)


def proven(path="docs/spec/vectors/published.jsonl"):
    """How many published blocks this reading opens, and rebuilds from what it read where the padding is known."""
    count = 0
    with open(path, encoding="ascii") as lines:
        for line in lines:
            vector = json.loads(line)
            if vector["algorithm"].startswith("tr31-") or vector["algorithm"] == "thales-keyblock-v0":
                block = vector["expected"].lstrip("SR")
                key, _ = unwrap(bytes.fromhex(vector["keys"]["kbpk"]), block)
                assert key.hex().upper() == vector["keys"]["key"], vector["id"]
                count += 1
    return count
