"""The size that a JPEG, JPEG-LS or JPEG 2000 codestream claims, read without a decoder."""

_FRAME_MARKERS = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}  # ISO 10918-1, table B.1, and ISO 14495-1
_J2K_START, _J2K_BOX = b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  "


def codestream_size(data: bytes) -> tuple[int, int] | None:
    """Width and height; None where the data is of none of these kinds, or damaged before its size is said."""
    if data.startswith(_J2K_BOX):
        data = data[max(data.find(_J2K_START), 0) :]
    if data.startswith(_J2K_START):  # ISO 15444-1, A.5.1: the grid's extent and the image's offset in it
        right, bottom, left, top = (int.from_bytes(data[place : place + 4]) for place in (8, 12, 16, 20))
        return (right - left, bottom - top) if len(data) >= 24 else None
    if not data.startswith(b"\xff\xd8"):
        return None
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker in _FRAME_MARKERS:
            return int.from_bytes(data[place + 7 : place + 9]), int.from_bytes(data[place + 5 : place + 7])
        place += 1 if marker == 0xFF else 2 + int.from_bytes(data[place + 2 : place + 4])
    return None
