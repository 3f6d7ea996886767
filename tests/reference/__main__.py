"""python -m tests.reference: write the reference pages. `make reference` runs it."""

from tests.reference import PAGES
from tests.system import ROOT


def main() -> None:
    for name, page in PAGES.items():
        file = ROOT / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page())
        print(name)


if __name__ == "__main__":
    main()
