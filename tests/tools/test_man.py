#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The man pages: each renders without a warning, and says all that --help says."""
import glob
import os
import re
import subprocess
import sys

BUILD = os.environ.get("COUNTERSIGN_BUILD", "build")
HSM, SERVICES = os.path.join(BUILD, "countersign-hsm"), os.path.join(BUILD, "countersign")


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})


def rendered(page):
    """The page as people read it, on one long line: no hyphenation, no justification."""
    done = run("groff", "-man", "-ww", "-Tutf8", "-P-c", "-rLL=5000n", "-rHY=0", page)
    text = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)
    return re.sub(r"\s+", " ", text.replace("\u2212", "-").replace("\u2010", "-")), done.stderr


def options(*words):
    """Long options of a --help, less those that every program has."""
    said = run(*words, "--help")
    return set(re.findall(r"(?:^ +|, )(--[a-z][a-z0-9-]*)", said.stdout, re.M)) if said.returncode == 0 else None


def words_of(*words):
    """What stands in the first column of a list."""
    return re.findall(r"^  ([a-z0-9]+) ", run(*words, "--help").stdout, re.M)


def keys(*words):
    return set(re.findall(r"^  ([a-z0-9_]+\.[a-z0-9_.]+)", run(*words, "--help").stdout, re.M))


class Cases:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, held, what):
        self.passed += bool(held)
        self.failed += not held
        if not held:
            print("FAILED: " + what)

    def page_says(self, page, wanted, of):
        text, _ = rendered(page)
        absent = sorted(word for word in wanted or () if word not in text)
        self.check(wanted and not absent, "%s says all of %s: %d, absent %s" % (page, of, len(wanted or ()), absent))


def main():
    cases = Cases()
    pages = sorted(glob.glob("man/*.[1-8]"))
    for page in pages:
        text, warnings = rendered(page)
        cases.check(not warnings and len(text) > 500, "%s renders without a warning: %s" % (page, warnings))
        second = "SYNOPSIS" if page[-1] in "13" else "DESCRIPTION"
        cases.check("NAME" in text and second in text, page + " is whole")
    subcommands = words_of(HSM)
    cases.check({"serve", "lmk", "send", "calc", "batch"} <= set(subcommands), "subcommands are listed: %s" % subcommands)
    cases.page_says("man/countersign-hsm.1", set(subcommands), "countersign-hsm --help")
    cases.page_says("man/countersign-hsm.1", options(HSM, "serve"), "countersign-hsm serve --help")
    wide = [line for line in run(HSM, "serve", "--help").stdout.splitlines() if len(line) > 79]
    cases.check(not wide and len(keys(HSM, "serve")) > 30, "the keys of --help fit a terminal: %s" % wide)
    cases.page_says("man/countersign-hsm.conf.5", keys(HSM, "serve"), "the keys of countersign-hsm")
    for name in subcommands:
        page = "man/countersign-hsm-%s.1" % name
        if name == "serve":
            continue
        cases.check(page in pages, page + " is there")
        if name == "lmk":
            for command in words_of(HSM, name):
                cases.page_says(page, {command} | (options(HSM, name, command) - {"--usage", "--help", "--version"}), command)
        else:
            cases.page_says(page, options(HSM, name), name)
    for name in ("issuer", "switch", "gateway", "demo"):
        cases.page_says("man/countersign.1", {name} | options(SERVICES, name), "countersign %s --help" % name)
        if name != "demo":
            cases.page_says("man/countersign.1", keys(SERVICES, name), "the keys of " + name)
    print("%d passed, %d failed" % (cases.passed, cases.failed))
    return 1 if cases.failed else 0


sys.exit(main())
