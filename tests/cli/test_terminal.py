"""What reaches a terminal or a pipe: colours, hostile texts, questions, ends of pipes, a fast start."""

import json
import os
import pty
import re
import subprocess
import sys
import termios
from typing import Any

import pytest

from cli.app import GROUPS, NOUNS
from cli.safe import safe, safe_json
from core.version import VERSION
from tests.caller import Caller
from tests.cli.conftest import Teller, started
from tests.system import ROOT

ESCAPE = "\x1b"
HOSTILE = "\u200fevil \u061c[red]\u200b \U000e0041"  # marks and tags that the API takes in a name; [red] is markup of rich


def wallet(client: Any) -> str:
    return str(client["wallet"]["id"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zoë 中文 👍", "Zoë 中文 👍"),
        ("\x1b[31mred", "\\u001b[31mred"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x9b31m\x7f", "\\u009b31m\\u007f"),
        ("a\u202eb\u2066c\u200fd\ufeff", "a\\u202eb\\u2066c\\u200fd\\ufeff"),
        ("\u2028\ud800\U000e0041", "\\u2028\\ud800\\udb40\\udc41"),
    ],
)
def test_what_could_do_more_than_be_seen_is_escaped(text: str, shown: str) -> None:
    assert safe(text) == shown
    assert json.loads(safe_json({"a": text}, indent=2)) == {"a": text}
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", safe_json([text], indent=2))


def read_all(terminal: int) -> str:
    read = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # the other side is closed
            return read.decode()
        if not part:
            return read.decode()
        read += part


def at_terminal(*arguments: str, url: str, typed: str = "", columns: int = 80) -> tuple[int, str]:
    """Call `teller` at a terminal of its own. Return its exit status, and what the terminal got."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    if typed:
        os.write(ours, typed.encode())
    process = started(*arguments, url=url, terminal=theirs)
    os.close(theirs)
    shown = read_all(ours)
    os.close(ours)
    return process.wait(20), shown


def test_a_terminal_gets_a_question_with_names_and_no_means_no(caller: Caller, ada: Any, bob: Any) -> None:
    status, shown = at_terminal("transfer", wallet(ada), wallet(bob), "1", url=caller.url, typed="n\n")

    assert status == 2
    assert f"Move 1.00 USD from Ada ({ada['external_id']}" in shown
    assert "nothing is done" in shown
    assert caller.balance(wallet(bob)) == 0
    status, shown = at_terminal("transfer", wallet(ada), wallet(bob), "1", url=caller.url, typed="y\n")
    assert (status, "idempotency key" in shown, caller.balance(wallet(bob))) == (0, True, 100)


def test_a_terminal_gets_colours_and_none_with_no_color_and_never_a_hostile_name(
    caller: Caller, ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = caller.new_client(HOSTILE)
    monkeypatch.setenv("TERM", "xterm-256color")
    _, coloured = at_terminal("show", wallet(ada), url=caller.url)
    assert f"{ESCAPE}[1m" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    for command in (["clients", "list", "--limit", "1"], ["clients", "get", client["id"], "--json"]):
        status, shown = at_terminal(*command, url=caller.url)
        assert status == 0
        assert "evil" in shown
        assert "[red]" in shown
        assert not re.search(r"[\u200f\u061c\u200b\U000e0041]", shown)
        assert not re.search(rf"{ESCAPE}\[[0-9;]*3[0-9]", shown)


@pytest.mark.parametrize("columns", [30, 80, 114, 132])
def test_ids_are_whole_and_columns_aligned_on_a_terminal_of_any_width(caller: Caller, ada: Any, columns: int) -> None:
    paid = caller.deposit(wallet(ada), 5).body
    caller.new_client("long " + "n" * 150)
    for command, ids in (
        (["transfers", "list", "--wallet", wallet(ada)], [paid["id"]]),
        (["clients", "list", "--limit", "9"], [ada["id"], wallet(ada)]),
    ):
        status, shown = at_terminal(*command, url=caller.url, columns=columns)
        lines = [re.sub(rf"{ESCAPE}\[[0-9;]*m", "", line) for line in shown.splitlines()]

        assert status == 0
        assert all(any(id in line for line in lines) for id in ids)
        assert all(" USD" in line for line in lines if re.search(r"\d\.\d\d", line))
        assert sum("amount" in line.lower() or "balance" in line.lower() for line in lines) == 1
    head, row = (next(line for line in lines if mark in line) for mark in ("FIRST WALLET", wallet(ada)))
    assert head.index("FIRST WALLET") == row.index(wallet(ada))


def test_a_refusal_reads_as_one_sentence(command: Teller, caller: Caller) -> None:
    done = command("clients", "list", "--url", caller.url, "--key", "tlr_" + "x" * 40)

    assert done.status == 2
    assert re.search(r"was revoked; .*TELLER_KEY.* \(unauthorized, request [0-9a-f]+\)$", done.err.strip())


def test_a_terminal_is_told_why_it_waits() -> None:
    status, shown = at_terminal("clients", "list", "--retry-within", "0.3", url="http://127.0.0.1:9")

    assert (status, shown.count("trying again"), shown.count("was not reached")) == (2, 1, 1)


def test_a_pipe_gets_no_escape_and_whole_ids(teller: Teller, ada: Any) -> None:
    done = teller("clients", "list", "--external-id", ada["external_id"])

    assert ESCAPE not in done.out
    assert ada["id"] in done.out
    assert wallet(ada) in done.out


def test_a_reader_that_goes_away_is_no_error(caller: Caller, ada: Any) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = started("clients", "get", ada["id"], url=caller.url, output=writing)
    os.close(writing)
    _, err = process.communicate(timeout=20)

    assert (process.returncode, err) == (141, "")


def test_a_payments_outcome_is_told_to_a_script_that_does_not_read_it(caller: Caller, ada: Any, bob: Any) -> None:
    for amount, status in (("1", 0), ("1000", 3)):
        reading, writing = os.pipe()
        os.close(reading)
        process = started("transfer", wallet(ada), wallet(bob), amount, "--yes", url=caller.url, output=writing)
        os.close(writing)
        _, err = process.communicate(timeout=20)

        assert (process.returncode, len(err.splitlines())) == (status, 1)


def test_a_stream_ends_when_its_reader_goes_away(caller: Caller, ada: Any) -> None:
    process = started("events", "tail", "--from-start", url=caller.url)
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()

    assert process.wait(20) == 141
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()


def test_an_encoding_without_the_character_of_a_name_gets_an_escape(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    client = caller.new_client("Zoë")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    process = started("clients", "get", client["id"], url=caller.url)
    out, err = process.communicate(timeout=20)

    assert (process.returncode, err) == (0, "")
    assert "Zo\\xeb" in out


def test_version_and_help_do_not_import_the_world() -> None:
    for arguments in (["version"], ["--help"], ["clients", "--help"]):
        code = f"""
import sys
from cli.__main__ import main
main({arguments!r})
print(sorted({{"httpx", "psycopg", "pydantic", "teller_client", "iso4217", "asyncio"}} & set(sys.modules)))
"""
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "[]", arguments


def test_the_help_names_every_command_and_the_exit_statuses(command: Teller) -> None:
    told = command("--help").out

    assert all(f" {name} " in told for commands in GROUPS.values() for name in commands)
    assert all(f" {noun} " in told for noun in NOUNS)
    assert re.sub(r"\s+", " ", told).count("4 unknown: the outcome is not known yet") == 1
    assert "Repeat" not in command("wrong").out
    assert command("wrong").status == 2
    assert command("clients", "get").status == 2


def test_options_of_every_command_may_stand_before_it(command: Teller, caller: Caller) -> None:
    given = ["--url", caller.url, f"--key={caller.key}", "--json"]

    assert command(*given, "clients", "list", "--limit", "1").json["has_more"] in {True, False}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_of_each_shell_knows_commands_and_options(command: Teller, shell: str) -> None:
    script = command("completion", shell).out

    assert "statement" in script
    assert "idempotency-key" in script
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
        code = f"{script}\nCOMP_WORDS=(teller wal) COMP_CWORD=1; _teller; echo ${{COMPREPLY[*]}}"
        done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "wallets"


def test_the_version_is_printed(command: Teller) -> None:
    assert command("version").out == command("--version").out == f"teller {VERSION}\n"
    assert command("version", "--json").json == {"version": VERSION}


def test_every_command_is_called_by_a_test() -> None:
    text = "\n".join(file.read_text() for file in (ROOT / "tests" / "cli").glob("test_*.py"))
    named = {f'"{name}"' for commands in GROUPS.values() for name in commands}
    named |= {f'"{noun}", "{name}"' for noun, (_, commands) in NOUNS.items() for name in commands}

    assert sorted(name for name in named if name not in text) == []
