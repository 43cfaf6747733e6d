"""Takes an answer's body piece by piece and never holds more than it may. Opens nothing.

A gzip body is inflated in bounded steps: the cap holds for what came over the wire and for what
it inflates to, and is checked before memory is spent, not after.
"""

from __future__ import annotations

import zlib

_STEP = 65_536
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS  # zlib's own detection of either header


class BodyRefused(ValueError):
    """The body is too large or not encoded as it claims; the text says which."""


class BoundedBody:
    """Collects a body; `feed` it raw pieces, then take `finish()`.

    `encoding` is the Content-Encoding; only identity, gzip and deflate are read. With `cut`, what
    is beyond `max_bytes` is left, where else it is refused.
    """

    def __init__(self, encoding: str, max_bytes: int, *, cut: bool = False) -> None:
        encoding = encoding.strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise BodyRefused(
                f"the answer is encoded as {encoding[:30]!r}, which was not asked for"
            )
        self._inflater = None
        if encoding not in ("", "identity"):
            self._inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._max_bytes = max_bytes
        self._cut = cut
        self.is_full = False  # with `cut`: there is more, and it is left
        self._wire_bytes = 0
        self._pieces: list[bytes] = []
        self._bytes = 0

    def declare(self, length: str) -> None:
        """Refuse at once what its Content-Length says is too large; "" or nonsense says nothing.

        Raises:
            BodyRefused: it is.
        """
        if length.isdecimal() and int(length[:20]) > self._max_bytes and not self._cut:
            raise self._too_large()

    def feed(self, piece: bytes) -> None:
        """Take one piece as it came over the wire.

        Raises:
            BodyRefused: more than `max_bytes`, as sent or inflated, or broken compression.
        """
        self._wire_bytes += len(piece)
        if self._wire_bytes > self._max_bytes and not self._cut:
            raise self._too_large()
        if self._inflater is None:
            self._keep(piece)
            return
        try:
            while not self._inflater.eof and not self.is_full:
                inflated = self._inflater.decompress(piece, _STEP)
                piece = self._inflater.unconsumed_tail
                self._keep(inflated)
                if not inflated and not piece:
                    break
        except zlib.error as error:
            raise BodyRefused(f"the answer's compression is broken: {error}") from None

    def finish(self) -> bytes:
        """The whole body.

        Raises:
            BodyRefused: the compressed stream was cut off.
        """
        whole = self._inflater is None or self._inflater.eof or not self._wire_bytes
        if not whole and not self.is_full:
            raise BodyRefused("the answer's compression is broken: cut off")
        return b"".join(self._pieces)

    def _keep(self, piece: bytes) -> None:
        room = self._max_bytes - self._bytes
        if len(piece) > room:
            if not self._cut:
                raise self._too_large()
            piece, self.is_full = piece[:room], True
        self._bytes += len(piece)
        self._pieces.append(piece)

    def _too_large(self) -> BodyRefused:
        return BodyRefused(f"the answer is larger than {self._max_bytes / 1e6:g} MB")
