# SPDX-License-Identifier: Apache-2.0
"""Citations of the specifications: `switch.md 6.2` names a page of docs/spec and a section that stands in it."""
import glob
import os
import re

import tidy_rules as rules

PAGES = "|".join(rules.SPECIFICATIONS)
ITEM = r"(?:sections? |§)?(?:\d+(?:\.\d+)*(?: steps? \d+)?|[A-Z]-\d+)"
CITATION = re.compile(r"(?:(?<![\w/.-])|(?<=docs/spec/))(%s)\.md`?(?:,? (%s(?:(?:,| and| to|, and) %s)*))?" % (PAGES, ITEM, ITEM))
NUMBER = re.compile(r"(?<!step )(?<!steps )(?<![\d.-])\d+(?:\.\d+)*|[A-Z]-\d+")
OTHER_FORM = re.compile(r"\b(?:%s) (?:spec|specification)\b|(?<![\w\"/.-])(?:%s) (?:section )?\d|\bspecification,? (?:section )?\d"
                        % (PAGES, "|".join(name for name in rules.SPECIFICATIONS if "-" in name)), re.I)
HEADING = re.compile(r"^#{2,4} (\d+(?:\.\d+)*)\.? ")
LABEL = re.compile(r"^\| ([A-Z]-\d+) \|")
WITHIN = re.compile(r"(?:(?<!\d )\b[Ss]ections? |§)(\d+(?:\.\d+)*)")
BESIDE = re.compile(r"`((?:data|vectors)/[^`]+)`")


def sections(root):
    """What each page offers: numbers of headings and labels of rows, and the files beside it."""
    offered = {}
    for name in rules.SPECIFICATIONS:
        path = os.path.join(root, "docs/spec", name + ".md")
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as handle:
            lines = handle.read().split("\n")
        found = [pattern.match(line) for line in lines for pattern in (HEADING, LABEL)]
        offered[name] = {match.group(1) for match in found if match}
        offered[name] |= {os.path.relpath(file, os.path.join(root, "docs/spec")) for file in glob.glob(root + "/docs/spec/*/*")}
    return offered


def check_citations(path, lines, offered):
    """Comments and strings of the code, and the pages for people."""
    if any(path == place or path.startswith(place) for place in rules.CITATIONS_EXEMPT):
        return
    is_page = path.endswith(".md")
    for number, line in enumerate(lines, 1):
        for match in CITATION.finditer(line):
            name, items = match.group(1), match.group(2)
            if items is None:
                if not is_page:
                    yield path, number, "citations", "%s.md is cited without a section" % name
                continue
            for item in NUMBER.findall(items):
                if item not in offered.get(name, ()):
                    yield path, number, "citations", "docs/spec/%s.md has no section %s" % (name, item)
        if not is_page and OTHER_FORM.search(line):
            yield path, number, "citations", "write `page.md N` of docs/spec for `%s`" % OTHER_FORM.search(line).group(0)
        if path.startswith("docs/spec/"):
            own = offered.get(os.path.basename(path)[:-3], ())
            for item in WITHIN.findall(CITATION.sub("", line)):
                if item not in own:
                    yield path, number, "citations", "this page has no section %s" % item
            for file in BESIDE.findall(line):
                if file not in own:
                    yield path, number, "citations", "docs/spec has no %s" % file


def pages(root):
    """The pages whose citations are checked beside the code."""
    for pattern in rules.CITING_PAGES:
        for path in sorted(glob.glob(os.path.join(root, pattern))):
            yield os.path.relpath(path, root)
