"""Prints Cooper's public names, for src/test/resources/cooper-names.txt: classes with what they
declare, and functions."""

import dataclasses
import enum
import inspect
import pkgutil

import cooper

MODULES = [cooper.__name__] + [m.name for m in pkgutil.walk_packages(cooper.__path__, "cooper.")]


def members(cls):
    own = {name for name in vars(cls) if not name.startswith("_")}
    fields = {field.name for field in dataclasses.fields(cls)} if dataclasses.is_dataclass(cls) else set()
    values = {member.name for member in cls} if issubclass(cls, enum.Enum) else set()
    return sorted(own | fields | values)


def main():
    seen = set()
    for module in map(__import__, MODULES):
        pass
    for name in MODULES:
        module = __import__(name, fromlist=["_"])
        for attribute, value in sorted(vars(module).items()):
            own = getattr(value, "__module__", "").startswith("cooper")
            if attribute.startswith("_") or not own or value in seen:
                continue
            if inspect.isclass(value):
                seen.add(value)
                print(value.__name__)
                for member in members(value):
                    print(f"{value.__name__}.{member}")
            elif inspect.isfunction(value):
                seen.add(value)
                print(value.__name__)


if __name__ == "__main__":
    main()
