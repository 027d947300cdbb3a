"""The README's tables of settings are what each binary's `--help` says."""

import re

import pytest

from processes import REPOSITORY
from settings_table import help_text, settings, table

BINARIES = ["compute-gateway", "compute-worker", "compute-local"]

# What a standard has a variable for is set by that one.
OF_STANDARDS = {"otlp-endpoint": "OTEL_EXPORTER_OTLP_ENDPOINT"}


@pytest.mark.parametrize("name", BINARIES)
def test_the_table_in_the_readme_is_what_help_says(name):
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    start, end = f"<!-- settings: {name} -->", "<!-- /settings -->"
    tables = re.findall(f"{re.escape(start)}\\n(.*?)\\n{re.escape(end)}", readme, re.DOTALL)
    assert len(tables) == 1, f"README.md needs one table between {start} and {end}"
    assert tables[0].strip() == table(name), f"python local/tests/python/settings_table.py {name}"


@pytest.mark.parametrize("name", BINARIES)
def test_every_flag_has_an_environment_variable_and_a_meaning(name):
    text = help_text(name)
    found = list(settings(text))
    assert len(found) == len(re.findall(r"^ {2,6}(?:-\w, )?--", text, re.MULTILINE)) - 2, "all but --help and --version"
    for setting in found:
        name = setting.flag.split()[0].removeprefix("--")
        expected = OF_STANDARDS.get(name, f"COMPUTE_{name.upper().replace('-', '_')}")
        assert setting.environment == expected, setting
        assert setting.meaning, setting
