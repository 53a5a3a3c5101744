"""Attempts of code to get out of its sandbox, or to take more than its limits: those of escapes.txt, and made ones.

In the file `- name` stands before the indented lines of an attempt, `= words` before those of one kind. PATH is a file
with the canary, PORT a listening socket, PID the process of the bot; the canary is in its environment too.
"""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

MADE = {
    "deep parentheses": "output = " + "(" * 50_000 + "1" + ")" * 50_000,
    "deep lists": "output = " + "[" * 50_000 + "]" * 50_000,
    "deep minus": "output = " + "-" * 200_000 + "1",
    "deep ifs": "".join(" " * depth + "if 1:\n" for depth in range(500)) + " " * 500 + "output = 1",
    "deep attributes": "x = 1\noutput = x" + ".real" * 100_000,
    "deep lambdas": "output = " + "lambda: " * 50_000 + "1",
    "null bytes": "output = 1\x00import os",
    "a coding cookie": "# coding: rot13\nvzcbeg bf\noutput = bf.environ",
    "a form feed": "\x0cimport subprocess",
    "wide letters": "\N{FULLWIDTH LATIN SMALL LETTER O}pen(PATH)",
}


def _attempts(part: str) -> Mapping[str, str]:
    """The attempts of one part of the file: their code by name."""
    text = (Path(__file__).parent / "escapes.txt").read_text(encoding="utf-8")
    lines = text.partition(f"== {part}\n")[2].partition("\n== ")[0].splitlines()
    attempts: dict[str, str] = {}
    for line in lines:
        if line.startswith("- "):
            attempts[name := line[2:]] = ""
        elif not line.startswith("= "):
            attempts[name] += line + "\n"
    return {name: dedent(code) for name, code in attempts.items()}


REFUSED = {**_attempts("refused"), **MADE}
"""They never come to their end."""

HARMLESS = _attempts("harmless")
"""They may come to their end, and have then learnt nothing."""
