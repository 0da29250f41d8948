"""Normalises and hashes one column of phones: `hash_phones.py csvexport|duckdb PHONES`.

The pure step of the orders: PHONES is an Arrow file of blocks (`generate_phones.py`), and nothing is written but how
many hashes there are, and the checksum of all in their order. Both tools have a thread for each core: duckdb of its
own accord, and csvexport as in a build, where blocks are converted side by side.
"""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from zlib import crc32

import numpy as np
import pyarrow as pa

BLOCK = 65_536  # rows


def by_csvexport(phones: pa.Table) -> Iterator[pa.StringArray]:
    """Yield the hashes block by block, as a build makes them."""
    from csvexport.values.contacts import hashed, read_phones  # noqa: PLC0415 - the peer's process has no part in it

    def hash_block(block: pa.StringArray) -> pa.StringArray:
        return hashed(read_phones(block, "RU").text)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(hash_block, phones["phone"].chunks)


def by_duckdb(phones: pa.Table) -> Iterator[pa.StringArray]:
    """Yield the hashes of one query, whatever its blocks."""
    import duckdb  # noqa: PLC0415 - likewise
    from peer_duckdb_orders import NUMBER, digits, hash_of_number, matching  # noqa: PLC0415 - likewise

    with duckdb.connect() as database:
        database.register("phones", phones)
        hashes = database.sql(f"""
            with tidied as (select {digits("phone")} as tidy_phone from phones),
                found as (select {matching("tidy_phone", NUMBER)} as number from tidied)
            select {hash_of_number("number")} as hash from found""")
        yield from (block["hash"] for block in hashes.to_arrow_reader(BLOCK))


def bytes_of(column: pa.StringArray) -> memoryview:
    """Return the text of a column without nulls, unseparated."""
    _, offsets, text = column.buffers()
    bounds = np.frombuffer(offsets, np.int32, len(column) + 1, column.offset * 4)
    return memoryview(text)[bounds[0] : bounds[-1]]


def main() -> None:
    """Hash what the command line names, by the tool that it names."""
    tool, path = sys.argv[1:]
    count = checksum = 0
    with pa.memory_map(path) as file:
        phones = pa.ipc.open_file(file).read_all()
        for hashes in {"csvexport": by_csvexport, "duckdb": by_duckdb}[tool](phones):
            count += len(hashes)
            checksum = crc32(bytes_of(hashes), checksum)
    print(f"{count:,} hashes, checksum {checksum:08x}")


if __name__ == "__main__":
    main()
