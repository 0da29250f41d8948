"""Writes the phones of an export of orders, all distinct, as an Arrow file: `generate_phones.py ROWS FILE`.

The column has blocks as a build has them.
"""

import sys

import numpy as np
import pyarrow as pa
from generate_orders import Generator
from hash_phones import BLOCK


def main() -> None:
    """Generate the phones that the command line asks for."""
    rows, path = int(sys.argv[1]), sys.argv[2]
    generator = Generator(rows, seed=1)
    schema = pa.schema({"phone": pa.string()})
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, schema) as file:
        for start in range(0, rows, BLOCK):
            phones = generator.phones(np.arange(start, min(start + BLOCK, rows)))
            file.write_batch(pa.record_batch([phones], schema))


if __name__ == "__main__":
    main()
