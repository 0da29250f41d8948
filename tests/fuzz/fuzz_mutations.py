"""Ways in which a good input is spoilt: flipped, cut, repeated, nested; in an archive also what is packed."""

import gzip
import io
import zipfile
import zlib

TOKENS = [
    *(b"{", b"}", b"[", b"]", b'"', b"'", b"<", b">", b"/>", b",", b";", b":", b"\\", b"=", b".", b"\r", b"\n", b"\0"),
    *(b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"\x1b[31m", b"\x98", b"&amp;", b"&#0;", b"<!--", b"]]>"),
    *(b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\0\0\0\x80", b"4294967295", b"-1", b"1e999", b"NaN"),
    *(b"XFD1048576", b'table:number-columns-repeated="1000000000"', b'table:number-rows-repeated="1000000000"'),
    *(b'<!DOCTYPE a [<!ENTITY b "c">]>', b'"a":', b"[[a]]", b"'''", b'"""', "я".encode(), "я".encode("cp1251")),
]

MOST_BYTES = 1 << 20


def mutated(content, random):
    """Spoil a content in one to four places; what is packed in it as well."""
    if random.random() < 0.7:
        inner = _inside(content, random)
        if inner is not None:
            return inner
    for _ in range(random.choice([1, 1, 1, 2, 4])):
        content = random.choice(WAYS)(content, random)[:MOST_BYTES]
    return content


def _inside(content, random):
    """Spoil what an archive holds, and pack it again; None if there is none."""
    try:
        if content.startswith(b"\x1f\x8b"):
            return gzip.compress(_plainly(gzip.decompress(content), random))
        if content.startswith(b"PK"):
            return _inside_zip(content, random)
    except (OSError, EOFError, ValueError, RuntimeError, zlib.error, zipfile.BadZipFile):
        pass
    return None


def _inside_zip(content, random):
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        members = source.infolist()
        chosen = random.choice([member for member in members if member.file_size > 0])
        for member in members:
            plain = source.read(member)
            packed.writestr(member.filename, _plainly(plain, random) if member is chosen else plain)
    return target.getvalue()


def _plainly(content, random):
    return random.choice(WAYS)(content, random)[:MOST_BYTES]


def _place(content, random):
    return random.randrange(len(content) + 1)


def _stretch(content, random):
    start = _place(content, random)
    return start, min(len(content), start + random.choice([1, 2, 8, 30, 200, 3000]))


def flip(content, random):
    spoilt = bytearray(content)
    for _ in range(random.choice([1, 2, 8])):
        if spoilt:
            spoilt[random.randrange(len(spoilt))] ^= 1 << random.randrange(8)
    return bytes(spoilt)


def cut(content, random):
    return content[: _place(content, random)]


def drop(content, random):
    start, end = _stretch(content, random)
    return content[:start] + content[end:]


def repeat(content, random):
    start, end = _stretch(content, random)
    return content[:end] + content[start:end] * random.choice([1, 2, 50, 1000]) + content[end:]


def nest(content, random):
    start, end = _stretch(content, random)
    times = random.choice([10, 200, 20_000])
    opening, closing = random.choice([(b"[", b"]"), (b'{"a":', b"}"), (b"<a>", b"</a>"), (b"(", b")"), (b"a.", b"")])
    return content[:start] + opening * times + content[start:end] + closing * times + content[end:]


def insert(content, random):
    start = _place(content, random)
    return content[:start] + random.choice(TOKENS) * random.choice([1, 1, 3]) + content[start:]


def overwrite(content, random):
    start, token = _place(content, random), random.choice(TOKENS)
    return content[:start] + token + content[start + len(token) :]


def exchange(content, random):
    (first, second), (third, fourth) = sorted([_stretch(content, random), _stretch(content, random)])
    second = min(second, third)
    return content[:first] + content[third:fourth] + content[second:third] + content[first:second] + content[fourth:]


WAYS = (flip, cut, drop, repeat, nest, insert, overwrite, exchange)
