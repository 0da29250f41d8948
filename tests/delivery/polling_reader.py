"""A reader that fetches one file without pause, in a process of its own, until its standard input is closed.

What is delivered describes itself, so that the reader can tell a whole file from anything else. At the end it prints,
as JSON, how often it has read, which versions it has seen, and what was wrong.
"""

import hashlib
import http.client
import json
import os
import random
import select
import ssl
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

_SIZES = (0, 1, 300, 70_000, 1 << 20, (1 << 20) + 1, 1_500_000)


def make_content(number: int) -> bytes:
    """Make a version of the file: the first line has its number, and size and hash of what follows."""
    body = random.Random(number).randbytes(_SIZES[number % len(_SIZES)])
    return b"%d %d %s\n" % (number, len(body), hashlib.sha256(body).hexdigest().encode()) + body


def version(content: bytes) -> int:
    """Give the number of a version.

    Raises:
        ValueError: the content is not whole.
    """
    head, end, body = content.partition(b"\n")
    number, size, digest = head.split(b" ")
    if not end or int(size) != len(body) or digest.decode() != hashlib.sha256(body).hexdigest():
        raise ValueError(number)
    return int(number)


def local_file(path: str) -> Callable[[], tuple[str, bytes]]:
    """Read from a file system; the file's time is of its nanosecond."""

    def read() -> tuple[str, bytes]:
        with Path(path).open("rb") as file:
            return str(os.fstat(file.fileno()).st_mtime_ns), file.read()

    return read


def over_http(url: str, ca: str, login: str) -> Callable[[], tuple[str, bytes]]:
    """Fetch by GET over one connection."""
    where = urlsplit(url)
    connection = http.client.HTTPSConnection(where.netloc, context=ssl.create_default_context(cafile=ca))

    def read() -> tuple[str, bytes]:
        connection.request("GET", where.path, headers={"Authorization": login})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != http.client.OK:
            raise FileNotFoundError(answer.status)
        return answer.headers["ETag"], content

    return read


def over_sftp(host: str, port: int, username: str, key: str, path: str) -> Callable[[], tuple[str, bytes]]:
    """Fetch over one SFTP session; the file's time is of its second."""
    import paramiko  # noqa: PLC0415 - slow, and for one way only

    transport = paramiko.Transport((host, port))
    transport.connect(username=username, pkey=paramiko.Ed25519Key.from_private_key_file(key))
    client = paramiko.SFTPClient.from_transport(transport)

    def read() -> tuple[str, bytes]:
        with client.open(path) as file:
            return str(file.stat().st_mtime), file.read()

    return read


WAYS = {"local": local_file, "http": over_http, "sftp": over_sftp}


def until_closed() -> Iterator[None]:
    """Go on until nobody holds the other end of standard input."""
    while not select.select([sys.stdin], [], [], 0)[0]:
        yield


def main() -> None:
    way, *arguments = json.loads(sys.argv[1])
    read = WAYS[way](*arguments)
    times, wrong, count = defaultdict(set), [], 0
    print("ready", flush=True)
    for _ in until_closed():
        count += 1
        try:
            time, content = read()
            times[version(content)].add(time)
        except (OSError, ValueError) as error:
            wrong.append(repr(error))
    moved = [number for number, seen in times.items() if len(seen) > 1]
    print(json.dumps({"reads": count, "versions": list(times), "wrong": wrong[:5], "moved": moved}), flush=True)
    # Whatever threads there are.
    os._exit(0)


if __name__ == "__main__":
    main()
