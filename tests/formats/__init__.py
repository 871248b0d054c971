"""Small synthetic competitions in the formats of real ones: the same names of files, columns, ids and cells, few and tiny images."""

from tests.formats import by_column, by_columns, by_file, by_place, by_row
from tests.formats.kind import Format

FORMATS: dict[str, Format] = {
    **by_column.FORMATS,
    **by_columns.FORMATS,
    **by_file.FORMATS,
    **by_place.FORMATS,
    **by_row.FORMATS,
}
