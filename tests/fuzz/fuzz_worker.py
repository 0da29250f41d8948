"""Reads fuzzed inputs in a process of its own, so that its end is seen: a line for each on stdin, and on stdout.

`python fuzz_worker.py TARGET FILE` reads one again, to find out what a fault was.
"""

import json
import resource
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

from fuzz_targets import TARGETS

from csvexport.errors import CsvexportError
from csvexport.sources import confining

LONGEST_MESSAGE = 100_000
MEMORY = 6 << 30


def read(name, path):
    """Read an input; gives what is wrong, empty if nothing is."""
    try:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            TARGETS[name].call(Path(path), Path(folder))
    except CsvexportError as error:
        return _judged(error)
    except BaseException:  # noqa: BLE001 - whatever it is, it is what is looked for
        return traceback.format_exc()
    return ""


def _judged(error):
    """See that a message is one that can be shown."""
    message = str(error)
    lines = getattr(error, "mistakes", (message,))
    try:
        message.encode()
    except UnicodeEncodeError:
        return f"the message holds half of a character: {message!r}"
    if any(not letter.isprintable() and letter not in "\xa0\u3000" for line in lines for letter in line):
        return f"the message holds what a terminal would obey: {message!r}"
    if not message.strip() or len(message) > LONGEST_MESSAGE:
        return f"the message says nothing, or more than anybody reads: {len(message)} characters"
    return ""


def main():
    if len(sys.argv) > 1:
        print(read(*sys.argv[1:]) or "nothing wrong")
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    # Else each input would begin a process.
    kept = [confining._process(library) for library in ("workbooks", "tables")]  # noqa: SLF001
    for line in sys.stdin:
        kept = [confining._process(library) for library in ("workbooks", "tables")]  # noqa: SLF001
        print(json.dumps(read(*json.loads(line))), flush=True)
    kept.clear()


if __name__ == "__main__":
    main()
