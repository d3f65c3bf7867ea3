"""Writes tests/golden/lists/: tables of images as Python's csv module and people write them, and what csv reads of them."""

import csv
import io
import json
import pathlib

target = pathlib.Path(__file__).parent.parent / "tests" / "golden" / "lists"
target.mkdir(exist_ok=True)

rows = [
    ("a/1.png", "tabby cat"),
    ("b/two, three.jpg", 'a "small" dog'),
    ("b/Känguru.JPG", "Känguru"),
    ("c/semi;colon.png", "tabby cat"),
    ("d/line\nbreak.png", "a;b"),
]
header = ("image_path", "label")
expected = {}


def write(name, table, encoding="utf-8", **dialect):
    text = io.StringIO(newline="")
    csv.writer(text, **dialect).writerows(table)
    (target / name).write_bytes(text.getvalue().encode(encoding))
    dialect.pop("quoting", None)
    dialect.pop("lineterminator", None)
    read = list(csv.reader(io.StringIO(text.getvalue(), newline=""), **dialect))
    expected[name] = read[1:] if read[0] == list(header) else read


write("excel.csv", [header, *rows])
write("bom.csv", [header, *rows], "utf-8-sig")
write("all_quoted.csv", rows, quoting=csv.QUOTE_ALL, lineterminator="\n")
write("semicolons.csv", [header, *rows], delimiter=";")
write("tabs.tsv", [header, *rows], delimiter="\t")
write("wide.txt", [header, *rows], "utf-16", delimiter="\t")
(target / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")
