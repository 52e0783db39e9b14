"""The geometry of an antenna array."""

import json
from dataclasses import asdict, dataclass

from chanvae.errors import DataError


@dataclass(frozen=True)
class ArrayGeometry:
    """A uniform planar array; antennas are numbered polarisation, row, column (last fastest).

    Args:
        rows: Antennas along the vertical.
        columns: Antennas along the horizontal; a uniform linear array is one row.
        polarizations: 1 or 2.
        row_spacing: Vertical element spacing [wavelengths].
        column_spacing: Horizontal element spacing [wavelengths].
        assumed: The file did not say; this geometry was assumed by the reader.
    """

    rows: int = 1
    columns: int = 1
    polarizations: int = 1
    row_spacing: float = 0.5
    column_spacing: float = 0.5
    assumed: bool = False

    def __post_init__(self) -> None:
        if min(self.rows, self.columns) < 1 or self.polarizations not in (1, 2):
            raise DataError(f"array geometry {self.shape}: needs at least one antenna an axis")
        if min(self.row_spacing, self.column_spacing) <= 0:
            raise DataError("array geometry: element spacings must be positive [wavelengths]")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(polarizations, rows, columns)."""
        return self.polarizations, self.rows, self.columns

    @property
    def size(self) -> int:
        """Number of antennas."""
        return self.polarizations * self.rows * self.columns

    def to_json(self) -> str:
        """The geometry as it is stored in a file."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "ArrayGeometry":
        """Read what :meth:`to_json` wrote; unknown keys are refused."""
        try:
            return cls(**json.loads(text))
        except (TypeError, json.JSONDecodeError, RecursionError) as error:
            raise DataError(f"array geometry {text!r}: {error}") from None

    @classmethod
    def parse(cls, text: str) -> "ArrayGeometry":
        """Read ``ROWSxCOLUMNS``, such as ``1x16``, or ``2x8x2`` with two polarisations."""
        parts = [p.strip() for p in text.lower().split("x")]
        counts = all(p.isdigit() and int(p) for p in parts)
        if len(parts) not in (2, 3) or not counts or parts[2:] not in ([], ["1"], ["2"]):
            raise DataError(
                f"array {text!r}: write rows x columns, such as 1x16, or rows x columns x "
                "polarisations, such as 2x8x2"
            )
        rows, columns, *polarizations = map(int, parts)
        return cls(rows, columns, polarizations[0] if polarizations else 1)

    @classmethod
    def line(cls, antennas: int, assumed: bool = False) -> "ArrayGeometry":
        """A horizontal uniform linear array at half a wavelength."""
        return cls(columns=antennas, assumed=assumed)

    def __str__(self) -> str:
        text = f"{self.rows}x{self.columns}" + (
            " dual-polarised" if self.polarizations == 2 else ""
        )
        if self.size > 1:
            text += f", {self.column_spacing:g} wavelengths apart"
        return text + (" (assumed)" if self.assumed and self.size > 1 else "")
