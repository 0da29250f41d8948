"""Work on the pieces of a source, beside the reader that cuts them."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

_Piece = TypeVar("_Piece")
_Parsed = TypeVar("_Parsed")
_Result = TypeVar("_Result")

# Pieces are worked on beside the reader, which cuts, hashes and writes. More threads than two would mostly wait for
# Python's lock, and hold more memory.
WORKERS: Final = 2


def beside(
    pieces: Iterable[_Piece], parse: Callable[[_Piece], _Parsed], work: Callable[[_Parsed], _Result]
) -> Iterator[_Result]:
    """Give what becomes of each piece, in their order; a few are under way at a time, so that memory is bounded.

    Args:
        pieces: read by the caller's thread.
        parse: makes of a piece what `work` needs; a piece, which is large, does not outlive it.
        work: like `parse` safe to call from several threads; what either raises is raised here.
    """

    def done(box: list[_Piece]) -> _Result:
        # Out of its box and in no other hands, the piece is let go of by `parse`.
        return work(parse(box.pop()))

    with ThreadPoolExecutor(WORKERS) as pool:
        pending: deque[Future[_Result]] = deque()
        try:
            for piece in pieces:
                pending.append(pool.submit(done, [piece]))
                if len(pending) > WORKERS:
                    yield pending.popleft().result()
            for future in pending:
                yield future.result()
        except BaseException:
            # Whoever interrupts need not wait for more than what is under way.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
