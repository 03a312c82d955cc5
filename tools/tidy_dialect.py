# SPDX-License-Identifier: Apache-2.0
"""One dialect of C, and one layout of it."""
import concurrent.futures
import os
import re
import shutil
import subprocess

NULL = re.compile(r"[=!]=\s*NULL\b|\bNULL\s*[=!]=")
DECLARATION = re.compile(r"\s+(?!return\b|goto\b|static\b|extern\b|case\b)(?:[A-Za-z_]\w*\s+)+\**\s*\w+(?:\[[^\]]*\])*"
                         r"(?:\s*(?:=[^;]*)?,\s*\**\w+(?:\[[^\]]*\])*)*\s*(=[^;]*)?;\s*$")
FAULT = re.compile(r"^(.*?):(\d+):\d+: error: .*? \[-Wclang-format-violations\]$", re.M)
BATCH = 40


def check_dialect(source):
    for line in source.find(NULL):
        yield source.path, line, "dialect", "write `!pointer` or `pointer`, not a comparison with NULL"
    code = source.code.split("\n")
    for begin, end in source.bodies:
        first = source.line_of(source.bare, begin)  # the line after the brace, from 0
        at, bare = first, False
        while at < len(code) and DECLARATION.match(code[at]):
            bare = bare or "=" not in code[at]
            at += 1
        if bare and at < len(code) and not source.lines[at].strip() and at < source.line_of(source.bare, end):
            yield source.path, first + 1, "dialect", "declare at first use, not in a block on top of the function"


def formatted(root, batch):
    result = subprocess.run(["clang-format", "--dry-run", "-Werror", "--style=file"] + batch, cwd=root, capture_output=True,
                            text=True, check=False)
    faults = {}
    for path, line in FAULT.findall(result.stderr):
        faults.setdefault(path, int(line))
    return sorted(faults.items())


def check_format(root, paths):
    """clang-format over all files, two batches at a time; the first fault of a file is told."""
    if not os.path.exists(os.path.join(root, ".clang-format")):
        return
    if not shutil.which("clang-format"):
        yield ".clang-format", 1, "format", "clang-format is missing: run tools/setup --test"
        return
    batches = [paths[at:at + BATCH] for at in range(0, len(paths), BATCH)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for faults in pool.map(lambda batch: formatted(root, batch), batches):
            for path, line in faults:
                yield path, line, "format", "clang-format would write it otherwise: clang-format -i %s" % path
