# SPDX-License-Identifier: Apache-2.0
"""As much of C as the style checks need: text without comments and strings, includes, functions and file-scope objects."""
import re

TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", re.M)
INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*([\"<])([^\">]+)[\">]", re.M)
ATTRIBUTE = re.compile(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)")
DECLARATOR = re.compile(r"([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)*$")


class Function:
    def __init__(self, head, line, last_line):
        before = ATTRIBUTE.sub("", head)
        opening = matching_open(before)
        self.name = (re.findall(r"[A-Za-z_]\w*", before[:opening]) or ["?"])[-1]
        self.static = re.search(r"\bstatic\b", before[:opening]) is not None
        self.parameters = count_parameters(before[opening + 1:before.rindex(")")])
        self.line = line
        self.length = last_line - line + 1


def matching_open(head):
    """The parenthesis that opens the parameter list, which is the last one to close."""
    depth = 0
    for at in range(len(head) - 1, -1, -1):
        if head[at] == ")":
            depth += 1
        elif head[at] == "(":
            depth -= 1
            if depth == 0:
                return at
    return 0


def count_parameters(text):
    if text.strip() in ("", "void"):
        return 0
    depth = commas = 0
    for letter in text:
        depth += letter in "([{"
        depth -= letter in ")]}"
        commas += letter == "," and depth == 0
    return commas + 1


def blank(match):
    text = match.group(0)
    if text[0] in "\"'":
        return text[0] + " " * (len(text) - 2) + text[0]
    return re.sub(r"[^\n]", " ", text)


def without_directives(match):
    return re.sub(r"[^\n]", " ", match.group(0))


class Source:
    def __init__(self, path, text, lines):
        self.path, self.lines = path, lines
        uncommented = TOKEN.sub(lambda m: m.group(0) if m.group(0)[0] in "\"'" else blank(m), text)
        self.includes = [(self.line_of(uncommented, m.start()), m.group(1), m.group(2)) for m in INCLUDE.finditer(uncommented)]
        self.code = TOKEN.sub(blank, text)
        self.bare = DIRECTIVE.sub(without_directives, self.code)
        self.functions, self.objects, self.bodies = [], [], []
        self.split()

    @staticmethod
    def line_of(text, at):
        return text.count("\n", 0, at) + 1

    def find(self, pattern):
        return [self.line_of(self.code, m.start()) for m in re.finditer(pattern, self.code)]

    def calls(self, name):
        """Line and arguments of each call of `name`."""
        for m in re.finditer(r"\b%s\s*\(" % name, self.code):
            depth, at = 1, m.end()
            while at < len(self.code) and depth:
                depth += {"(": 1, ")": -1}.get(self.code[at], 0)
                at += 1
            yield self.line_of(self.code, m.start()), self.code[m.end():at - 1]

    def split(self):
        """Cuts the file into functions and file-scope declarations."""
        start, depth, function_head = 0, 0, None
        body_start = 0
        for at, letter in enumerate(self.bare):
            if letter == "{":
                if depth == 0:
                    head = self.bare[start:at]
                    is_function = ATTRIBUTE.sub("", head).rstrip().endswith(")") and "=" not in re.sub(r"\([^()]*\)", "", head)
                    function_head = head if is_function else None
                    body_start = at
                depth += 1
            elif letter == "}":
                depth = max(0, depth - 1)
                if depth == 0 and function_head is not None:
                    self.add_function(function_head, start, at)
                    self.bodies.append((body_start, at))
                    start, function_head = at + 1, None
            elif letter == ";" and depth == 0:
                self.objects.append((start, self.bare[start:at]))
                start = at + 1

    def add_function(self, head, start, end):
        first = start + len(head) - len(head.lstrip())
        self.functions.append(Function(head, self.line_of(self.bare, first), self.line_of(self.bare, end)))

    def mutable_objects(self):
        """File-scope objects and static locals that are not constant."""
        for start, text in self.objects:
            name = mutable_name(text)
            # a header without `static` only declares (functions through their type)
            if name and (not self.path.endswith(".h") or re.match(r"\s*static\b", text)):
                yield self.line_of(self.bare, start + len(text) - len(text.lstrip())), name
        for begin, end in self.bodies:
            for m in re.finditer(r"[{};\n]\s*((?:static|_Thread_local)\b[^;{=]*)", self.bare[begin:end]):
                name = mutable_name(m.group(1))
                if name:
                    yield self.line_of(self.bare, begin + m.start(1)), name


def mutable_name(text):
    """The name a declaration gives to a mutable object, or None."""
    head = re.split(r"=(?!=)", without_braces(ATTRIBUTE.sub("", text)))[0].strip()
    if re.match(r"(typedef|extern|_Static_assert|static_assert)\b", head) or re.match(r"(struct|union|enum)\b\s*\w*$", head):
        return None
    pointer = re.match(r"[^(]*\(\s*\*\s*(const\s+)?(\w+)\s*(\[[^\]]*\]\s*)*\)", head)
    if pointer:  # a function pointer
        return None if pointer.group(1) else pointer.group(2)
    if "(" in head or not re.search(r"\w\s+\w|\*\s*\w", head):
        return None
    found = DECLARATOR.search(head)
    if not found:
        return None
    after_star = head.rsplit("*", 1)[1] if "*" in head else head
    return None if re.search(r"\bconst\b", after_star) else found.group(1)


def without_braces(text):
    """What stands outside braces."""
    kept, depth = [], 0
    for letter in text:
        depth += letter == "{"
        if depth == 0:
            kept.append(letter)
        depth -= letter == "}"
    return "".join(kept)
