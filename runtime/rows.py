"""Rows of an array in a file, read when they are asked for."""

from pathlib import Path
from typing import Any

import numpy as np


class Rows:
    """An array as far as examples need one: all rows of an `.npy` file, or some of them.

    Always holds: what is read is an array of the rows that are asked for, and nothing larger is
    made. The file is mapped into memory while it is read and no longer, so that what was read once
    does not count as memory of the process; the system keeps it as long as there is room.
    """

    def __init__(self, file: Path, rows: np.ndarray | None = None) -> None:
        self._file = file
        whole = self._open()
        self._rows = np.arange(len(whole)) if rows is None else rows
        self._example, self.dtype = whole.shape[1:], whole.dtype

    def only(self, rows: np.ndarray) -> "Rows":
        """Some of these rows."""
        return Rows(self._file, self._rows[rows])

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of all rows."""
        return (len(self._rows), *self._example)

    @property
    def ndim(self) -> int:
        """Axes of the array."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of all rows."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: Any) -> np.ndarray:
        return np.asarray(self._open()[self._rows[rows]])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)

    def _open(self) -> np.ndarray:
        return np.load(self._file, mmap_mode="r")
