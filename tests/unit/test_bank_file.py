"""What is read of a bank's CSV, and what of it is refused, with the number of the line."""

import tracemalloc
from pathlib import Path

import pytest

from core.admin.bank_file import ROW_MAX_LINES, BankBooking, Layout, UnreadableFile, minor_units, read
from core.ledger.money import AMOUNT_MAX


def rows(folder: Path, text: str | bytes, layout: Layout = Layout()) -> list[BankBooking]:  # noqa: B008  # it is frozen
    file = folder / "bank.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(read(file, layout))


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ("reference,amount\ninv-1,1050\n", Layout()),
        ("reference,amount\r\ninv-1,+1050\r\n", Layout()),
        ("reference,amount\ninv-1,1050", Layout()),
        ("\ufeffreference,amount\ninv-1,1050\n", Layout()),
        ("reference,amount\n\ninv-1,1050\n\n", Layout()),
        ("amount, reference ,other\n 1050 , inv-1 ,x\n", Layout()),
        ("reference,amount\ninv-1,10.5\n", Layout(decimals=2)),
        ("reference,amount\ninv-1,1050\n", Layout(decimals=0)),
        ("reference;amount\ninv-1;10.50\n", Layout(decimals=2, delimiter=";")),
        ("reference\tamount\ninv-1\t1050\n", Layout(delimiter="\t")),
        ("Zweck,Betrag\ninv-1,1050\n", Layout(reference="Zweck", amount="Betrag")),
        ("reference,amount\ninv-1,-1050\n", Layout(unsigned=True)),
    ],
)
def test_a_row_is_read_in_each_layout(tmp_path: Path, text: str, layout: Layout) -> None:
    assert [row._replace(line=0) for row in rows(tmp_path, text, layout)] == [BankBooking(0, "inv-1", 1050, "USD", "")]


def test_a_row_has_the_number_of_its_line_its_currency_and_its_date(tmp_path: Path) -> None:
    text = 'reference,amount,currency,date\n"a\nb",1,JPY,2026-01-31\nc,-2,USD,\n,3,USD,\n'

    assert rows(tmp_path, text) == [
        BankBooking(3, "a\nb", 1, "JPY", "2026-01-31"),
        BankBooking(4, "c", -2, "USD", ""),
        BankBooking(5, "", 3, "USD", ""),
    ]


def test_an_encoding_is_read_where_it_is_named(tmp_path: Path) -> None:
    text = "reference,amount\nM\u00fcller,1\n".encode("iso-8859-1")

    assert rows(tmp_path, text, Layout(encoding="iso-8859-1"))[0].reference == "M\u00fcller"


@pytest.mark.parametrize(
    ("text", "layout", "message"),
    [
        (b"reference,amount\nM\xfcller,1\n", Layout(), "line 2 is not utf-8: name the file's encoding with --encoding"),
        (b"r\0e\0f\0\n\0", Layout(), "line 1 has a NUL byte"),
        (b"", Layout(), "line 1: there is no column 'reference'; the header has nothing"),
        (b"reference;amount\n", Layout(), "line 1: there is no column 'reference'; the header has 'reference;amount'"),
        (b"reference,value\n", Layout(), "line 1: there is no column 'amount'; the header has 'reference', 'value'"),
        (b"reference,amount,amount\n", Layout(), "line 1: the column 'amount' stands there twice"),
        (b"reference,amount\na,1\nb\n", Layout(), "line 3 has 1 values, and the header has 2"),
        (b"reference,amount\na,1\nb,2,3\n", Layout(), "line 3 has 3 values, and the header has 2"),
        (b"reference,amount\na,12.50\n", Layout(), "line 2: the amount '12.50' is no integer of minor units"),
        (b"reference,amount\na,\n", Layout(), "line 2: the amount '' is no integer of minor units"),
        (b"reference,amount\na,1e3\n", Layout(), "line 2: the amount '1e3' is no integer of minor units"),
        (b"reference,amount\na,12.345\n", Layout(decimals=2), "line 2: the amount '12.345' has more than 2 decimals"),
        (b'reference,amount\na,"1,050"\n', Layout(decimals=2), "line 2: the amount '1,050' is no number such as"),
        (b"reference,amount\na,\xd9\xa1\n", Layout(), "is no integer of minor units"),  # an Arabic digit
        (b"reference,amount\na,9007199254740992\n", Layout(), "line 2: the amount '9007199254740992' is larger than"),
        (b"reference,amount,currency\na,1,usd\n", Layout(), "line 2: the currency 'usd' is not three capital letters"),
        (b"reference,amount,currency\na,1,\n", Layout(), "line 2: the currency '' is not three capital letters"),
        (b'reference,amount\n"a,1\n', Layout(), "line 2: unexpected end of data"),
        (b'reference,amount\n"a"b,1\n', Layout(), "line 2: "),
        (b'reference,amount\n"a,1\n' + b"b,1\n" * ROW_MAX_LINES, Layout(), "has more than 100 lines; a quote may be open"),
        (b"reference,amount\n" + b"a" * 70_000, Layout(), "line 2 has more than 65536 bytes"),
    ],
)
def test_a_bad_file_is_refused_with_the_line_and_the_reason(tmp_path: Path, text: bytes, layout: Layout, message: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        rows(tmp_path, text, layout)

    assert message in str(refused.value)
    assert len(str(refused.value)) < 400


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="cannot be read: No such file"):
        list(read(tmp_path / "none", Layout()))


@pytest.mark.parametrize(
    ("text", "decimals", "amount"),
    [
        ("0", None, 0),
        ("-1", None, -1),
        ("-0.05", 2, -5),
        ("+0.5", 2, 50),
        ("7", 2, 700),
        ("1.234", 3, 1234),
        (str(AMOUNT_MAX), None, AMOUNT_MAX),
        ("-90071992547409.91", 2, -AMOUNT_MAX),
    ],
)
def test_an_amount_becomes_minor_units_exactly(text: str, decimals: int | None, amount: int) -> None:
    assert minor_units(text, decimals) == amount


def test_the_memory_for_a_long_file_does_not_grow_with_it(tmp_path: Path) -> None:
    file = tmp_path / "bank.csv"
    file.write_text("reference,amount\n" + "".join(f"inv-{number},1\n" for number in range(20_000)))

    tracemalloc.start()
    count = sum(1 for _ in read(file, Layout()))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 20_000
    assert most < 200_000
