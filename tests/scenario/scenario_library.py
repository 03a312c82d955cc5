#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""libcountersign as others get it: installed into a tree, found by pkg-config, and held to the vectors from another language."""
import ctypes
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

from sandbox import BUILD, Checks, fail_without_build

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

OK, MISMATCH, FIELD, KEY_LENGTH = 0, 1, 2, 3
VECTORS = os.path.join(ROOT, "docs/spec/vectors/published.jsonl")


def run(*command, env=None):
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env, check=False)


# ---- what is visible


def api():
    """The functions that the header declares."""
    with open(os.path.join(ROOT, "include/countersign.h"), encoding="ascii") as handle:
        return set(re.findall(r"^COUNTERSIGN_API .*?\**(countersign_\w+)\(", handle.read(), re.M))


def exported(path, *options):
    listed = run("nm", "--defined-only", *options, path).stdout
    names = {line.split()[-1] for line in listed.splitlines() if len(line.split()) == 3}
    return names - {"COUNTERSIGN_0"}


def check_symbols(checks, lib):
    declared = api()
    shared = exported(os.path.join(lib, "libcountersign.so"), "--dynamic")
    checks.check(len(declared) >= 14, "the header declares %d functions" % len(declared))
    versioned = {name + "@@COUNTERSIGN_0" for name in declared}
    checks.check(shared == versioned, "the shared library shows these, versioned, and no others")
    archive = exported(os.path.join(lib, "libcountersign.a"), "--extern-only")
    checks.check(archive == declared, "so does the archive %s" % sorted(archive ^ declared)[:5])
    dynamic = run("objdump", "-p", os.path.join(lib, "libcountersign.so")).stdout
    checks.check(re.search(r"SONAME\s+libcountersign\.so\.0$", dynamic, re.M), "it is libcountersign.so.0")
    needed = set(re.findall(r"NEEDED\s+(\S+?)\.so", dynamic))
    checks.check(needed <= {"libcrypto", "libc"}, "it needs libcrypto and libc %s" % sorted(needed))


# ---- compiled against the tree


def check_example(checks, tree):
    lib = os.path.join(tree, "usr/lib")
    env = dict(os.environ, PKG_CONFIG_PATH=os.path.join(lib, "pkgconfig"), PKG_CONFIG_SYSROOT_DIR=tree, LD_LIBRARY_PATH=lib)
    version = run("pkg-config", "--modversion", "countersign", env=env).stdout.strip()
    flags = run("pkg-config", "--cflags", "--libs", "countersign", env=env).stdout.split()
    static = run("pkg-config", "--cflags", "--libs", "--static", "countersign", env=env).stdout.split()
    checks.check(re.fullmatch(r"\d+\.\d+\.\d+", version), "pkg-config finds version %s" % version)
    strict = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]
    static = [":libcountersign.a".join(("-l", "")) if flag == "-lcountersign" else flag for flag in static]
    alone = {name: value for name, value in env.items() if name != "LD_LIBRARY_PATH"}
    for how, options, world in (("shared", flags, env), ("static", static, alone)):
        program = os.path.join(tree, "cvv2-" + how)
        built = run("cc", *strict, "examples/cvv2.c", *options, "-o", program)
        checks.check(built.returncode == 0, "the example compiles as C99 and links, %s %s" % (how, built.stderr[:2000]))
        said = run(program, "0123456789ABCDEFFEDCBA9876543210", "2812", "4000000000020735", "123", env=world)
        lines = dict(line.split(" ", 1) for line in said.stdout.splitlines())
        # Vector cvv-twopass-1.
        checks.check(lines.get("4000000000020735") == "353", "its codes are right, %s" % how)
        checks.check(said.returncode == 1 and lines.get("123") == "a field is outside its rule", "a bad number is named, %s" % how)


# ---- the vectors, through the shared library


class Card(ctypes.Structure):
    _fields_ = [("pan", ctypes.c_char * 20), ("expiry", ctypes.c_char * 5), ("service", ctypes.c_char * 4)]


class Code(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("digits", ctypes.c_char * 4)]


class Dynamic(ctypes.Structure):
    _fields_ = [("pan", ctypes.c_char_p), ("psn", ctypes.c_char_p), ("expiry", ctypes.c_char_p), ("service", ctypes.c_char_p),
                ("method", ctypes.c_char)]


class Cvc3(ctypes.Structure):
    _fields_ = [("pan", ctypes.c_char_p), ("psn", ctypes.c_char_p), ("track2", ctypes.c_char_p),
                ("unpredictable", ctypes.c_char_p), ("counter", ctypes.c_uint16), ("method", ctypes.c_char)]


class Csc(ctypes.Structure):
    _fields_ = [("five", ctypes.c_char * 6), ("four", ctypes.c_char * 5), ("three", ctypes.c_char * 4)]


class Library:
    def __init__(self, path):
        self.c = ctypes.CDLL(path)

    def key(self, hexadecimal):
        raw, out = bytes.fromhex(hexadecimal), ctypes.c_void_p()
        status = self.c.countersign_key_load(raw, ctypes.c_size_t(len(raw)), ctypes.byref(out))
        return out if status == OK else None

    def cvv(self, key, pan, expiry, service, digits):
        code = ctypes.create_string_buffer(17)
        status = self.c.countersign_cvv_generate(key, pan, expiry, service, digits, code)
        return code.value.decode() if status == OK else status

    def batch(self, key, cards):
        codes = (Code * len(cards))()
        status = self.c.countersign_cvv_batch(key, (Card * len(cards))(*cards), ctypes.c_size_t(len(cards)), codes)
        return status, codes


def cvv_vector(library, v):
    i, digits = v["inputs"], len(v["expected"])
    key = library.key(v["keys"]["cvk"])
    fields = [i["pan"].encode(), i.get("expiry", "0000").encode(), i["service_code"].encode()]
    right = library.cvv(key, *fields, digits) == v["expected"]
    if digits >= 3:
        wrong = v["expected"][:-1] + str((int(v["expected"][-1]) + 1) % 10)
        right &= library.c.countersign_cvv_verify(key, *fields, v["expected"].encode()) == OK
        right &= library.c.countersign_cvv_verify(key, *fields, wrong.encode()) == MISMATCH
    if digits == 3:
        # A whole lot and a bit, with one bad card among them.
        cards = [Card(*fields)] * 600
        cards[7] = Card(b"4123X56789012345", *fields[1:])
        status, codes = library.batch(key, cards)
        right &= status == FIELD and codes[7].status == FIELD
        right &= all(codes[n].status == OK and codes[n].digits.decode() == v["expected"] for n in range(600) if n != 7)
    library.c.countersign_key_unload(key)
    return right


def dynamic_of(v):
    i = v["inputs"]
    return Dynamic(i["pan"].encode(), i.get("psn", "00").encode(), i["expiry"].encode(), i["service_code"].encode(),
                   i.get("method", "A").encode())


def dcvv_vector(library, v):
    key, code, card = library.key(v["keys"]["mk_ac"]), ctypes.create_string_buffer(4), dynamic_of(v)
    counter = ctypes.c_uint64(int(v["inputs"]["atc_digits"]))
    right = library.c.countersign_one_time_generate(key, ctypes.byref(card), counter, code) == OK
    right &= library.c.countersign_one_time_verify(key, ctypes.byref(card), counter, v["expected"].encode()) == OK
    library.c.countersign_key_unload(key)
    return right and code.value.decode() == v["expected"]


def window_vector(library, v):
    key, code, card = library.key(v["keys"]["mk_ac"]), ctypes.create_string_buffer(4), dynamic_of(v)
    when = (ctypes.c_int64(int(v["inputs"]["unix_time"])), ctypes.c_uint(int(v["inputs"]["twu_hours"])))
    right = library.c.countersign_window_generate(key, ctypes.byref(card), *when, code) == OK
    right &= library.c.countersign_window_verify(key, ctypes.byref(card), *when, v["expected"].encode()) == OK
    library.c.countersign_key_unload(key)
    return right and code.value.decode() == v["expected"]


def cvc3_vector(library, v):
    i, key, code = v["inputs"], library.key(v["keys"]["mk_cvc3"]), ctypes.create_string_buffer(6)
    atc = int(i["atc_hex"], 16) if "atc_hex" in i else int(i["atc"])
    given = Cvc3(i["pan"].encode(), i.get("psn", "00").encode(), i["static_track2"].encode(), i["un"].encode(), atc,
                 i.get("method", "A").encode())
    right = library.c.countersign_cvc3_generate(key, ctypes.byref(given), code) == OK
    library.c.countersign_key_unload(key)
    return right and code.value.decode() == v["expected"]


def csc_vector(library, v):
    i, key, made = v["inputs"], library.key(v["keys"]["csck"]), Csc()
    service = i["service_code"].encode() if i["flag"] == "2" else None
    right = library.c.countersign_csc_generate(key, i["account"].encode(), i["expiry"].encode(), service, ctypes.byref(made)) == OK
    library.c.countersign_key_unload(key)
    expected = [v["expected"][name] for name in ("csc5", "csc4", "csc3")]
    return right and [made.five.decode(), made.four.decode(), made.three.decode()] == expected


RUNNERS = {"cvv": cvv_vector, "cvv2": cvv_vector, "icvv": cvv_vector, "visa-dcvv": dcvv_vector, "t0-dcvv2": window_vector,
           "mastercard-cvc3": cvc3_vector, "amex-csc": csc_vector}


def check_vectors(checks, library):
    with open(VECTORS, encoding="ascii") as handle:
        vectors = [json.loads(line) for line in handle]
    for algorithm, runner in RUNNERS.items():
        # The library makes the IVCVC3 from the track itself: vectors that begin with one are not for it.
        mine = [v for v in vectors if v["algorithm"] == algorithm and "ivcvc3" not in v["inputs"]]
        failed = [v["id"] for v in mine if not runner(library, v)]
        checks.check(mine and not failed, "%d vectors of %s %s" % (len(mine), algorithm, failed))


def check_refusals(checks, library):
    checks.check(library.key("00" * 8) is None and library.key("00" * 24) is None, "keys of 8 and 24 bytes are refused")
    key = library.key("0123456789ABCDEFFEDCBA9876543210")
    good = (b"4123456789012345", b"8701", b"101")
    bad = [(None, b"8701", b"101"), (b"4123456789A12345", b"8701", b"101"), (b"41234567890", b"8701", b"101"),
           (good[0], b"870", b"101"), (good[0], b"87011", b"101"), (good[0], b"8701", b"10"), (good[0], b"8701", None)]
    checks.check(all(library.cvv(key, *fields, 3) == FIELD for fields in bad), "fields outside their rule are refused")
    checks.check(library.cvv(key, *good, 0) == FIELD and library.cvv(key, *good, 17) == FIELD, "so are 0 and 17 digits")
    library.c.countersign_key_unload(key)
    library.c.countersign_key_unload(None)


def main():
    fail_without_build()
    checks = Checks()
    with tempfile.TemporaryDirectory() as tree:
        installed = run("make", "-s", "install", "B=" + BUILD, "DESTDIR=" + tree, "PREFIX=/usr")
        checks.check(installed.returncode == 0, "make install fills a tree")
        for path in ("bin/countersign", "bin/countersign-hsm", "include/countersign.h", "lib/pkgconfig/countersign.pc",
                     "share/man/man3/countersign.3", "share/man/man1/countersign-hsm-lmk.1",
                     "share/bash-completion/completions/countersign", "share/bash-completion/completions/countersign-hsm"):
            checks.check(os.path.isfile(os.path.join(tree, "usr", path)), path)
        checks.check(glob.glob(os.path.join(tree, "usr/*/**/libcountersign*"), recursive=True), "the library is in lib")
        lib = os.path.join(tree, "usr/lib")
        check_symbols(checks, lib)
        check_example(checks, tree)
        library = Library(os.path.join(lib, "libcountersign.so.0"))
        check_vectors(checks, library)
        check_refusals(checks, library)
    return checks.end()


sys.exit(main())
