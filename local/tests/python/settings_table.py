"""Prints a binary's settings, as its `--help` tells them, as the table that stands in the README.

    python local/tests/python/settings_table.py compute-gateway

Run it after a change of the flags and put the table between the README's markers; `test_settings.py` compares the two.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass

from processes import binary

HEADER = "| flag | environment variable | default | meaning |\n| --- | --- | --- | --- |"

# What clap adds at the end of a paragraph, or in paragraphs of its own.
BRACKETED = re.compile(r" ?\[(?P<kind>env|default|possible values): (?P<value>[^\[]*)\]$")


@dataclass
class Setting:
    """One flag. What it does not have is empty."""

    flag: str
    environment: str
    default: str
    meaning: str

    def row(self):
        # Outside of code, Markdown takes <X> for HTML.
        meaning = re.sub(r"`[^`]*`|<", lambda match: "\\<" if match[0] == "<" else match[0], self.meaning)
        cells = (code(self.flag), code(self.environment), self.default, meaning)
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def table(name):
    """The table of a binary's settings, in Markdown."""
    return "\n".join([HEADER, *(setting.row() for setting in settings(help_text(name)))])


def help_text(name):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COMPUTE_")}
    return subprocess.run([binary(name), "--help"], env=environment, capture_output=True, text=True, check=True).stdout


def settings(text):
    """The settings in the text that clap prints for `--help`, in its order; --help and --version are none."""
    usage, *_ = re.findall(r"^Usage: (.*?)\n\n", text, re.DOTALL | re.MULTILINE)
    required = re.findall(r"--[a-z-]+", re.sub(r"\[.*?\]", "", usage))
    # A flag stands at the start of its line, with or without a short form; what belongs to it is indented further.
    entries = re.findall(r"^ {2,6}(?:-\w, )?(--[a-z-]+.*)\n((?: {10}.*\n|\s*\n)*)", text, re.MULTILINE)
    for flag, description in entries:
        name = flag.split()[0]
        if name not in ("--help", "--version"):
            yield setting(flag, description, name in required)


def setting(flag, description, required):
    found = {"env": "", "default": ""}
    meaning = []
    for paragraph in re.split(r"\n\s*\n", description.strip()):
        lines = [line.strip() for line in paragraph.splitlines()]
        if lines[0] == "Possible values:":
            meaning.append("; ".join(possible_values(lines[1:])))
            continue
        text = " ".join(lines)
        while match := BRACKETED.search(text):
            found[match["kind"]] = match["value"]
            text = text[: match.start()]
        if text:
            meaning.append(text)
    default = "required" if required else code(found["default"])
    environment = found["env"].partition("=")[0]
    if "possible values" in found:
        meaning.append(f"One of: {found['possible values']}")
    return Setting(flag, environment, default, ". ".join(text.rstrip(".") for text in meaning))


def possible_values(lines):
    """`- text: For people` becomes `text`: For people. A long one goes on in the next line."""
    joined = re.split(r"(?:^| )- ", " ".join(lines))[1:]
    for value, _, description in (item.partition(":") for item in joined):
        yield f"{code(value)}: {description.strip().rstrip('.')}" if description else code(value)


def code(text):
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    print(table(sys.argv[1]))
