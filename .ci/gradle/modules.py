"""Gives each of Gradle's modules, which gradle-api has in one jar, a jar of its own that refers to it."""
import pathlib
import sys
import zipfile

lib = pathlib.Path(sys.argv[1])
api = next(lib.glob("gradle-api-*.jar"))
version = api.stem.rpartition("-")[2]
runtime = ",".join(sorted(path.name for path in lib.glob("*.jar")))
with zipfile.ZipFile(api) as jar:
    for name in jar.namelist():
        module = name.removesuffix("-classpath.properties")
        if module != name and "/" not in name:
            with zipfile.ZipFile(lib / f"{module}-{version}.jar", "w") as file:
                file.writestr(name, f"projects=\nruntime={runtime}\n")
