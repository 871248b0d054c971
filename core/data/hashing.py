"""What a picture looks like in 64 bits, and how alike two pictures are: the discrete cosine transform of a small grey thumbnail.

The hash is a pHash (Zauner 2010, "Implementation and benchmarking of perceptual image hash functions", section 3.2.1) of signs: one
bit for each of 64 low frequencies. Mirroring a picture negates the coefficients of odd frequency, transposing it transposes them, so
one transform gives the hashes of all 8 symmetries. A bit says that a coefficient is above `_NOISE`, not above 0: those of a picture
with few frequencies are 0 but for rounding, and would be noise. Brightness is left out, and contrast does not turn signs.

`likeness` compares two thumbnails in full. X-rays of two patients correlate by 0.96, so it correlates also what the hash does not look at,
the detail: that of two patients by less than 0.9, that of copies by more, whatever brightness, contrast, compression or size.
"""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

SIDE = 32
VIEWS = (
    "as it is",
    "mirrored",
    "upside down",
    "turned by 180 degrees",
    "transposed",
    "turned by 90 degrees",
    "turned by 270 degrees",
    "transposed the other way",
)
INVERSE = (0, 1, 2, 3, 4, 6, 5, 7)
_LOW = 8
_NOISE = 2.0  # grey values are rounded, which puts noise of 0.3 into every coefficient; compression about 1
_FLAT = 2.0  # standard deviation in grey values
_SMOOTH = 1.0
_SMOOTH_SIMILARITY = 0.99
_SMALL_SIMILARITY = 0.99, 0.95


class Likeness(NamedTuple):
    """How alike pairs of thumbnails are: the correlation of the whole, of the detail, and which detail is too weak to compare."""

    whole: "np.ndarray"
    detail: "np.ndarray"
    smooth: "np.ndarray"

    def confirms(self, similarity: float, small: "np.ndarray") -> "np.ndarray":
        """Which pairs are copies, bool (n,).

        Args:
            similarity: the least correlation of both, as a share.
            small: (n,) which pairs have a picture smaller than a thumbnail, whose detail is interpolated: these must be more alike.
        """
        import numpy as np

        whole = np.where(small, max(similarity, _SMALL_SIMILARITY[0]), similarity)
        detail = np.where(small, max(similarity, _SMALL_SIMILARITY[1]), similarity)
        smooth = self.whole >= max(similarity, _SMOOTH_SIMILARITY)
        confirmed: np.ndarray = np.where(self.smooth, smooth, (self.whole >= whole) & (self.detail >= detail))
        return confirmed


def coefficients(thumbnails: "np.ndarray") -> "np.ndarray":
    """The orthonormal DCT-II of thumbnails uint8 (n, SIDE, SIDE) without the mean, float32 of the same shape."""
    import numpy as np
    from scipy.fft import dctn

    found: np.ndarray = dctn(thumbnails.astype(np.float32), axes=(1, 2), norm="ortho")
    found[:, 0, 0] = 0
    return found


def view(coefs: "np.ndarray", number: int) -> "np.ndarray":
    """The coefficients (n, side, side) of the pictures seen as `VIEWS[number]` says; turns are clockwise."""
    import numpy as np

    signs = (-1.0) ** np.arange(coefs.shape[1], dtype=np.float32)
    across, down = ((False, False), (True, False), (False, True), (True, True))[number % 4]
    turned = coefs.transpose(0, 2, 1) if number >= 4 else coefs
    turned = turned * signs[None, None, :] if across else turned
    return turned * signs[None, :, None] if down else turned


def hashes(coefs: "np.ndarray") -> "np.ndarray":
    """The hashes of pictures in all 8 views, uint64 (n, 8), from their coefficients (n, SIDE, SIDE)."""
    import numpy as np

    rows, columns = _frequencies()
    weights = np.uint64(1) << np.arange(64, dtype=np.uint64)
    found = np.empty((len(coefs), len(VIEWS)), np.uint64)
    low = coefs[:, : _LOW + 1, : _LOW + 1]
    for number in range(len(VIEWS)):
        bits = view(low, number)[:, rows, columns] > _NOISE
        found[:, number] = np.where(bits, weights, np.uint64(0)).sum(axis=1, dtype=np.uint64)
    return found


def are_flat(coefs: "np.ndarray") -> "np.ndarray":
    """Which pictures show nothing, bool (n,): blank pages, black frames; they have no look to compare."""
    import numpy as np

    flat: np.ndarray = np.square(coefs).sum(axis=(1, 2)) < (_FLAT * SIDE) ** 2
    return flat


def likeness(coefs: "np.ndarray", others: "np.ndarray") -> Likeness:
    """How alike the pictures of two sets of coefficients (n, SIDE, SIDE) are, pair by pair; correlations with 4 decimals."""
    import numpy as np

    products = [np.stack([(a * b).sum(axis=(1, 2)), (a * b)[:, :_LOW, :_LOW].sum(axis=(1, 2))]) for a, b in _pairings(coefs, others)]
    (mine, mine_low), (theirs, theirs_low), (both, both_low) = products
    detail, their_detail = mine - mine_low, theirs - theirs_low
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = np.nan_to_num(both / np.sqrt(mine * theirs))
        fine = np.nan_to_num((both - both_low) / np.sqrt(detail * their_detail))
    smooth = np.minimum(detail, their_detail) < (_SMOOTH * SIDE) ** 2
    return Likeness(np.round(whole, 4), np.round(fine, 4), smooth)


def _pairings(a: "np.ndarray", b: "np.ndarray") -> list[tuple["np.ndarray", "np.ndarray"]]:
    return [(a, a), (b, b), (a, b)]


def _frequencies() -> tuple[list[int], list[int]]:
    """The 64 frequencies (down, across): all below 8 but the mean, and (8, 8), closed under transposition; each band has low ones."""
    chosen = [(u, v) for u in range(_LOW) for v in range(_LOW) if u or v] + [(_LOW, _LOW)]
    ordered = sorted(chosen, key=sum)
    spread = [ordered[i] for start in range(4) for i in range(start, 64, 4)]
    return [u for u, _ in spread], [v for _, v in spread]
