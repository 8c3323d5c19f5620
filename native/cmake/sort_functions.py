"""Sorts the functions of a file that JavaCPP's generator wrote.

It writes them in the order in which the JVM lists a class's methods, which differs from run to run;
sorted, two builds are equal. Arguments: the file to read, the file to write.
"""

import pathlib
import re
import sys

text = pathlib.Path(sys.argv[1]).read_text()
function = re.compile(r"^JNIEXPORT .*?^}\n", re.MULTILINE | re.DOTALL)
functions = iter(sorted(function.findall(text)))
pathlib.Path(sys.argv[2]).write_text(function.sub(lambda _: next(functions), text))
