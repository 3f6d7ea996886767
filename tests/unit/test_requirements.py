"""requirements-lock.txt, which the images install, is what requirements.txt asks for, whole and with hashes."""

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import requires

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
WANTED = list(requirements((ROOT / "requirements.txt").read_text()))
CONSTRAINTS = pins(requirements((ROOT / "constraints.txt").read_text()))


def installed_here(found: Iterable[Requirement], extra: str = "") -> Iterator[Requirement]:
    return (one for one in found if one.marker is None or one.marker.evaluate({"extra": extra}))


def below(one: Requirement) -> Iterator[Requirement]:
    """What this requirement brings on this Python, with its extras."""
    found = [Requirement(line) for line in requires(one.name) or ()]
    for extra in ("", *one.extras):
        yield from installed_here(found, extra)


def test_the_lock_pins_what_is_asked_for_and_what_it_brings_and_nothing_else() -> None:
    reached: set[str] = set()
    left = list(WANTED)
    while left:
        one = left.pop()
        if (key := f"{canonicalize_name(one.name)}{sorted(one.extras)}") not in reached:
            reached.add(key)
            left += below(one)

    assert {key.partition("[")[0] for key in reached} == {canonicalize_name(one.name) for one in installed_here(LOCKED.values())}


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
