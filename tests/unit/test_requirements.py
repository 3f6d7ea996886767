"""requirements-lock.txt, which the images install, is what requirements.txt asks for, whole and with hashes.

requirements-run.txt, which `make run` installs, is what requirements-run.in asks for, without what the Makefile leaves out.
"""

import os
import re
import subprocess
from collections.abc import Container, Iterable, Iterator
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.system import ROOT

LOCK = (ROOT / "requirements-lock.txt").read_text()


def requirements(text: str) -> Iterator[Requirement]:
    for line in text.splitlines():
        if line and not line.startswith(("#", "-", " ")):
            yield Requirement(line.removesuffix("\\"))


def pins(found: Iterable[Requirement]) -> dict[str, str]:
    return {canonicalize_name(one.name): str(one.specifier) for one in found}


LOCKED = {canonicalize_name(one.name): one for one in requirements(LOCK)}
RUN = list(requirements((ROOT / "requirements-run.txt").read_text()))
[left_out] = re.findall(r"^LEFT_OUT := (.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)
LEFT_OUT = left_out.split()
WANTED = list(requirements((ROOT / "requirements.txt").read_text()))
CONSTRAINTS = pins(requirements((ROOT / "constraints.txt").read_text()))


def installed_here(found: Iterable[Requirement], extra: str = "") -> Iterator[Requirement]:
    return (one for one in found if one.marker is None or one.marker.evaluate({"extra": extra}))


def below(one: Requirement) -> Iterator[Requirement]:
    """What this requirement brings on this Python, with its extras."""
    found = [Requirement(line) for line in requires(one.name) or ()]
    for extra in ("", *one.extras):
        yield from installed_here(found, extra)


def reached(wanted: Iterable[Requirement], left_out: Container[str] = ()) -> set[str]:
    """The names of these requirements and of all that they bring, but for those left out and what only those bring."""
    keys: set[str] = set()
    left = list(wanted)
    while left:
        one = left.pop()
        name = canonicalize_name(one.name)
        if (key := f"{name}{sorted(one.extras)}") not in keys and name not in left_out:
            keys.add(key)
            left += below(one)
    return {key.partition("[")[0] for key in keys}


def test_the_lock_pins_what_is_asked_for_and_what_it_brings_and_nothing_else() -> None:
    assert reached(WANTED) == {canonicalize_name(one.name) for one in installed_here(LOCKED.values())}


def test_make_run_installs_what_it_asks_for_and_what_that_brings_but_for_what_is_left_out() -> None:
    wanted = [*WANTED, *requirements((ROOT / "requirements-run.in").read_text())]

    assert reached(wanted, LEFT_OUT) == {canonicalize_name(one.name) for one in installed_here(RUN)}
    assert not set(pins(RUN)) & set(LEFT_OUT)
    assert set(LEFT_OUT) <= reached(wanted)


def test_make_run_installs_the_versions_of_the_tests() -> None:
    run = pins(RUN)

    assert {name: CONSTRAINTS.get(name) for name in run} == run
    assert {name: run.get(name) for name in pins(WANTED)} == pins(WANTED)


def test_make_run_installs_its_list_alone_and_make_test_adds_the_rest(tmp_path: Path) -> None:
    def installs(target: str) -> list[str]:
        """What make would install for this target in a new environment, in order."""
        argv = ["make", "--dry-run", f"VENV={tmp_path}/venv", target]
        plain = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # of a make that runs the tests
        dry = subprocess.run(argv, cwd=ROOT, env=plain, capture_output=True, text=True, check=True, timeout=60)
        return re.findall(r"pip install .* -r (\S+)", dry.stdout)

    assert installs("run") == installs("audit") == ["requirements-run.txt"]
    assert installs("test") == ["requirements-run.txt", "requirements-dev.txt"]
    assert installs("bench") == ["requirements-run.txt", "requirements-dev.txt", "requirements-bench.txt"]


def test_make_run_installs_at_most_half_of_what_the_tests_need() -> None:
    tests = [*WANTED, *(one for file in ("run.in", "dev.txt") for one in requirements((ROOT / f"requirements-{file}").read_text()))]

    assert 2 * len(list(installed_here(RUN))) <= len(reached(tests))


def test_the_lock_has_the_versions_of_requirements_and_constraints() -> None:
    locked = pins(LOCKED.values())

    assert {name: CONSTRAINTS.get(name) for name in locked} == locked
    assert {name: locked.get(name) for name in pins(WANTED)} == pins(WANTED)


def test_the_lock_has_hashes_for_each_and_names_no_index() -> None:
    entries = re.split(r"\n(?=\S)", LOCK.strip())

    assert len(entries) == len(LOCKED)
    for entry in entries:
        assert re.fullmatch(r"[\w.-]+==[\w.]+( ;[^\\]*)?( \\\n    --hash=sha256:[0-9a-f]{64})+", entry), entry


def test_all_images_install_the_lock_and_refuse_what_it_does_not_list() -> None:
    for name in ("Dockerfile.api", "Dockerfile.console", "Dockerfile.worker"):
        installs = re.findall(r"pip install .*", (ROOT / name).read_text())

        assert len(installs) == 1
        assert installs[0].endswith("--require-hashes -r requirements-lock.txt")
