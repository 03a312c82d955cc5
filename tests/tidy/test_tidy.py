#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/tidy must report a planted violation of each kind, and nothing in a clean tree."""
import os
import shutil
import subprocess
import sys
import tempfile

TIDY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/tidy")
GENDOC = "build/gendoc"
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
HEADER = SPDX + ("/*\n * A thing.\n *\n * Purpose    To be clean.\n * Threading  None.\n */\n"
                 "#ifndef X_H\n#define X_H\nint cvv_code(int a);\n#endif\n")
CLEAN = SPDX + '''#include "cvv/code.h"
#include "card/pan.h"

struct row {
    const char *name;
    int (*run)(int a);
};
enum kind { KIND_ONE, KIND_TWO };
static const struct row rows[] = {{"malloc(", 0}};
static const char *const names[] = {"time(NULL) == NULL", "\\\\"};

/* time() and rand() in a comment are nobody's business: free(x). As switch.md 6 step 2 and S-1 say. */
static int helper(const struct row *row)
{
    static const int table[] = {1, 2};
    return row->run(table[0]) + names[0][0];
}

int cvv_code(int a)
{
    return helper(&rows[0]) + a + KIND_ONE;
}
'''


def function(name, lines=4, parameters="int a"):
    return "int %s(%s)\n{\n%s    return a;\n}\n" % (name, parameters, "    a++;\n" * (lines - 4))


# (what is planted, the check that must report it, path, text)
PLANTED = [
    ("an include through a closed door", "doors", "src/cvv/x.c", SPDX + '#include "keys/lmk.h"\n'),
    ("a service that includes another", "doors", "src/switch/x.c", SPDX + '#include "gateway/gateway.h"\n'),
    ("base that includes upwards", "doors", "src/base/x.c", SPDX + '#include "wire/wire.h"\n'),
    ("a room outside the table", "doors", "src/cellar/x.c", SPDX),
    ("another room's private header", "private", "src/cvv/x.c", SPDX + '#include "card/internal.h"\n'),
    ("a test that reads a private header", "private", "tests/unit/x.c", SPDX + '#include "cvv/internal.h"\n'),
    ("a sub-room's private header", "private", "src/cvv/x.c", SPDX + '#include "cvv/kernel/internal.h"\n'),
    ("a private header of another name", "private", "src/cvv/x_internal.h", HEADER),
    ("a long private header", "private", "src/cvv/internal.h", SPDX + "\n" * 120),
    ("OpenSSL outside crypto", "libraries", "src/cvv/x.c", SPDX + "#include <openssl/evp.h>\n"),
    ("sqlite outside store", "libraries", "src/ledger/x.c", SPDX + "#include <sqlite3.h>\n"),
    ("a long function", "function", "src/cvv/x.c", SPDX + function("cvv_long", 71)),
    ("a long function, brace on its line", "function", "src/cvv/x.c", SPDX + function("cvv_long", 72).replace(")\n{", ") {", 1)),
    ("a long file", "file", "src/cvv/x.c", SPDX + "\n" * 500),
    ("a long header", "header", "src/cvv/x.h", HEADER + "\n" * 250),
    ("seven parameters", "parameters", "src/cvv/x.c",
     SPDX + function("cvv_wide", 4, "int a, int b, int c, int d, int e, int f, int (*g)(int, int)")),
    ("time()", "calls", "src/cvv/x.c", SPDX + "int cvv_a(void)\n{\n    return (int)time(0);\n}\n"),
    ("rand()", "calls", "src/cvv/x.c", SPDX + "int cvv_a(void)\n{\n    return rand ();\n}\n"),
    ("malloc()", "calls", "src/cvv/x.c", SPDX + "void *cvv_a(void)\n{\n    return malloc(3);\n}\n"),
    ("free()", "calls", "src/cvv/x.c", SPDX + "void cvv_a(void *p)\n{\n    free(p);\n}\n"),
    ("strcpy()", "calls", "src/cvv/x.c", SPDX + "void cvv_a(char *p)\n{\n    strcpy(p, p);\n}\n"),
    ("sprintf()", "calls", "src/cvv/x.c", SPDX + "void cvv_a(char *p)\n{\n    sprintf(p, p);\n}\n"),
    ("memcmp of a key", "secrets", "src/cvv/x.c", SPDX + "int cvv_a(char *key, char *b)\n{\n    return memcmp(key, b, 8);\n}\n"),
    ("memcmp of a code", "secrets", "src/cvv/x.c", SPDX + "int cvv_a(char *a, char *b)\n{\n    return memcmp(a, b->code, 3);\n}\n"),
    ("a name without its room", "prefixes", "src/cvv/x.c", SPDX + function("verify_code")),
    ("iso8583 under a short name", "prefixes", "src/iso8583/x.c", SPDX + function("iso_parse")),
    ("a tag without its room", "prefixes", "src/cvv/x.h", HEADER + "struct row {\n    int a;\n};\n"),
    ("a constant without its room", "prefixes", "src/cvv/x.h", HEADER + "enum cvv_kind { CVV_ONE, KIND_TWO = 4 };\n"),
    ("a macro without its room", "prefixes", "src/cvv/x.h", HEADER + "#define ROW(x) (x)\n"),
    ("an object without its room", "prefixes", "src/cvv/x.h", HEADER + "extern const int rows[4];\n"),
    ("an inline function without its room", "prefixes", "src/cvv/x.h", HEADER + "static inline " + function("code_of")),
    ("an opaque tag without its room", "prefixes", "src/cvv/x.h",
     {"src/cvv/x.h": HEADER + "struct machine;\n", "src/cvv/x.c": SPDX + "struct machine {\n    int a;\n};\n"}),
    ("a sub-room's own name", "prefixes", "src/cvv/kernel/x.h", HEADER + "struct kernel_row {\n    int a;\n};\n"),
    ("a macro of the library without its prefix", "prefixes", "include/x.h", SPDX + "#define CVV_LEN 3\n"),
    ("files in a circle", "circles", "src/cvv/x.c",
     {"src/cvv/x.c": SPDX + '#include "cvv/y.h"\n', "src/cvv/y.h": HEADER + '#include "cvv/z.h"\n',
      "src/cvv/z.c": SPDX + '#include "cvv/x.h"\n'}),
    ("files in a circle through a private header", "circles", "src/cvv/x.c",
     {"src/cvv/x.c": SPDX + '#include "cvv/internal.h"\n', "src/cvv/internal.h": SPDX + '#include "cvv/y.h"\n',
      "src/cvv/y.h": HEADER + '#include "cvv/x.h"\n'}),
    ("sub-rooms in a circle", "circles", "src/cvv/a/x.c",
     {"src/cvv/a/x.c": SPDX + '#include "cvv/b/y.h"\n', "src/cvv/b/z.c": SPDX + '#include "cvv/a/w.h"\n'}),
    ("a comparison with NULL", "dialect", "src/cvv/x.c", SPDX + "int cvv_a(char *p)\n{\n    return p == NULL;\n}\n"),
    ("a comparison of NULL", "dialect", "tests/unit/x.c", SPDX + "int cvv_a(char *p)\n{\n    return NULL != p;\n}\n"),
    ("declarations on top", "dialect", "src/cvv/x.c",
     SPDX + "int cvv_a(void)\n{\n    struct row *a = 0;\n    unsigned b, c[2];\n\n    b = 3;\n    return b;\n}\n"),
    ("a mutable global", "globals", "src/cvv/x.c", SPDX + "static int counter;\n"),
    ("a mutable array", "globals", "src/cvv/x.c", SPDX + "static char room[8] = {0};\n"),
    ("mutable pointers to constants", "globals", "src/cvv/x.c", SPDX + 'static const char *names[] = {"a"};\n'),
    ("a mutable static local", "globals", "src/cvv/x.c", SPDX + "int cvv_a(void)\n{\n    static int n;\n    return n++;\n}\n"),
    ("a header without its contract", "contract", "src/cvv/x.h", SPDX + "#ifndef X_H\n#define X_H\n#endif\n"),
    ("no licence line", "licence", "src/cvv/x.c", "int cvv_x;\n"),
    ("a tab", "whitespace", "src/cvv/x.c", SPDX + "/*\tx */\n"),
    ("trailing whitespace", "whitespace", "tests/unit/x.c", SPDX + "/* x */ \n"),
    ("a section that the page does not have", "citations", "src/cvv/x.c", SPDX + "/* switch.md 6 and 6.1 */\n"),
    ("a page that is not there", "citations", "src/cvv/x.c", SPDX + "/* issuer.md 3 */\n"),
    ("an invariant that the page does not have", "citations", "tests/unit/x.c", SPDX + "/* switch.md 6, S-2 */\n"),
    ("a citation without a section", "citations", "src/cvv/x.c", SPDX + "/* as switch.md says */\n"),
    ("a citation in another form", "citations", "src/cvv/x.c", SPDX + "/* switch spec 6 */\n"),
    ("a page that cites what is not there", "citations", "docs/keys.md", "As [docs/spec/switch.md 7](spec/switch.md) says.\n"),
    ("a specification that cites itself wrongly", "citations", "docs/spec/gateway.md", "## 1. A\nsee section 4.1\n"),
    ("a table that the specification does not have", "citations", "docs/spec/gateway.md", "## 1. A\nin `data/letters.tsv`\n"),
    ("a long line", "columns", "src/cvv/x.c", SPDX + "/* " + "x" * 130 + " */\n"),
]


def tidy(root):
    result = subprocess.run([TIDY, "--root", root], capture_output=True, text=True, check=False)
    return result.returncode, result.stdout + result.stderr


def write(root, path, text):
    path = os.path.join(root, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(text)


def clean_tree(root):
    write(root, "src/cvv/code.c", CLEAN)
    write(root, "src/cvv/code.h", HEADER)
    write(root, "docs/spec/switch.md", "# Switch\n\n## 6. Batches\n\nSee section 6 and `switch.md` 6.\n\n| S-1 | once |\n")


def planted_is_found(root, check, path, text):
    clean_tree(root)
    for name, content in text.items() if isinstance(text, dict) else [(path, text)]:
        write(root, name, content)
    status, said = tidy(root)
    return status == 1 and any(line.startswith("%s:" % path) and " %s: " % check in line for line in said.splitlines()), said


def clean_passes(root):
    clean_tree(root)
    status, said = tidy(root)
    return status == 0 and said.endswith(" passed, 0 failed\n"), said


def stale_document_is_found(root):
    """A changed reference page, with the real gendoc."""
    clean_tree(root)
    shutil.copytree("docs/reference", os.path.join(root, "docs/reference"))
    shutil.copytree("docs/spec", os.path.join(root, "docs/spec"), dirs_exist_ok=True)
    shutil.copytree("man", os.path.join(root, "man"))
    os.makedirs(os.path.join(root, "build"))
    shutil.copy(GENDOC, os.path.join(root, GENDOC))
    fresh, said = tidy(root)
    if fresh != 0:
        return False, said
    with open(os.path.join(root, "docs/reference/errors.md"), "a", encoding="utf-8") as handle:
        handle.write("| SURPRISE |\n")
    status, said = tidy(root)
    return status == 1 and "errors.md:1: documents: " in said, said


def other_layout_is_found(root):
    """With the real .clang-format: a tree that it would write so passes, one line that it would break does not."""
    clean_tree(root)
    shutil.copy(os.path.join(os.path.dirname(TIDY), "../.clang-format"), root)
    fresh, said = tidy(root)
    if fresh != 0:
        return False, said
    write(root, "tests/unit/x.c", SPDX + "int cvv_a(int a) {\n    return a;\n}\n")
    status, said = tidy(root)
    return status == 1 and "tests/unit/x.c:2: format: " in said, said


def old_exceptions_are_found(root):
    """In a tree with the tables and nothing that they except, each row is one too many."""
    clean_tree(root)
    os.makedirs(os.path.join(root, "tools"))
    shutil.copy(os.path.join(os.path.dirname(TIDY), "tidy_rules.py"), os.path.join(root, "tools/tidy_rules.py"))
    status, said = tidy(root)
    told = [line for line in said.splitlines() if " exceptions: " in line]
    return status == 1 and any("CIRCLES_ALLOWED" in line for line in told) and any("PRIVATE_READERS" in line for line in told), said


def main():
    cases = [("a clean tree passes", clean_passes), ("a stale document", stale_document_is_found),
             ("another layout than clang-format's", other_layout_is_found), ("exceptions of old", old_exceptions_are_found)]
    for what, check, path, text in PLANTED:
        cases.append((what, lambda root, c=check, p=path, t=text: planted_is_found(root, c, p, t)))
    passed = failed = 0
    for what, case in cases:
        with tempfile.TemporaryDirectory() as root:
            held, said = case(root)
        if held:
            passed += 1
        else:
            failed += 1
            print("FAILED: %s\n%s" % (what, said))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


sys.exit(main())
