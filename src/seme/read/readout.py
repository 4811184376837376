"""What can be read from the sum of a token and a position: the token, and the position.

Three ways of putting both in one vector are compared: the sum as it is, the sum with the positions in a
random orientation, and true concatenation, from which a token and a position's row can be read exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Num
from scipy.linalg import cholesky, eigh, lapack

from seme.read.moments import TokenMoments
from seme.read.nulls import Comparison, compare, null_frames, random_frame
from seme.read.rows import Rows, as_rows
from seme.read.spectra import RANK_TOLERANCE, Components, components

SUMS = 256
"""Sums decoded for token identity; its 95% interval is then at most .06 wide on each side."""

DOT_SUMS = 2048
"""Sums decoded by dot product (tokens repeat where there are fewer): the R^2 of their index then has a standard
deviation of .04 in MiniLM."""

DOT_DRAWS = 19
"""Random orientations of that measure; each decodes all sums anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concatenated:
    """What the same readers get when token and position stand side by side.

    Attributes:
        token_identity: 1: the token's row is there.
        position_r2: 1: the position's row is there.
        index_r2: How far the index is a linear function of the position's row at all.
        index_by_dot: R^2 of the index of the row whose dot product with the position's row is largest.
    """

    token_identity: float = 1.0
    position_r2: float = 1.0
    index_r2: float
    index_by_dot: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """What can be read back from token plus position.

    Attributes:
        token_identity: Share of sums whose nearest token (mean position taken away) is the right one, or has the
            same row: words a model does not tell apart cannot be told apart in the sum either.
        token_identity_interval: 95% Wilson interval over the sums.
        token_identity_rotated: The same with rotated positions.
        position_r2: Variance of the positions, all of it, explained by the best linear map of the sum, against
            rotations.
        position_r2_matched: The same read along each position component only, without whitening the
            tokens: what a reader gets that does not know the token statistics.
        index_r2: Variance of the position's index explained by the best linear map, against rotations.
        index_by_dot: R^2 of the index of the position row whose dot product with the sum is largest, nothing
            centred or scaled. Below 0 it is worse than the mean index. One row with a large norm wins too
            often: MiniLM has .52 against .03 with row 0 and .97 against .87 without.
        concatenated: What true concatenation gives.
        tokens_used: Number of tokens behind the closed forms.
    """

    token_identity: float
    token_identity_interval: tuple[float, float]
    token_identity_rotated: float
    position_r2: Comparison
    position_r2_matched: Comparison
    index_r2: Comparison
    index_by_dot: Comparison
    concatenated: Concatenated
    tokens_used: int


def measure_readout(
    tokens: Rows | Num[np.ndarray, "vocab d_model"],
    positions: Num[np.ndarray, "pos d_model"],
    moments: TokenMoments,
    *,
    seed: int = 0,
    draws: int = 39,
) -> Readout:
    """Measures what is readable from token + position.

    Tokens and positions are taken as independent and each used token as equally frequent, so the R^2 are
    closed forms of the two covariances and no sampling enters: with C the tokens' covariance and F the
    positions (rows / sqrt(count)), reading back explains tr(G (I + G)^-1 F^T F), G = F^T C^-1 F.

    Args:
        tokens: One row per token; may be streamed.
        positions: One row per position.
        moments: The token table's moments.
        seed: Seed of the rotations and of the decoded sums.
        draws: Rotations.

    Returns:
        The readout.
    """
    rng = np.random.default_rng(seed)
    table = np.asarray(positions, dtype=np.float64)
    kept = components(table, min(table.shape))
    line = np.arange(len(table)) - (len(table) - 1) / 2
    scores, target = kept.scores / np.sqrt(len(table)), kept.scores.T @ line / len(table)
    noise, basis = eigh(moments.covariance)
    noise = np.maximum(noise, 0.0) + 1e-9 * noise.mean()
    own = _linear(basis.T @ kept.directions, scores, target, line.var(), noise)
    raw = components(table, min(table.shape), centred=False)
    sums = _dot_sums(as_rows(tokens), table, moments, rng)
    by_dot, null, null_by_dot = sums.r2(raw.directions, raw.scores), [], []
    width, k = raw.directions.shape
    for draw, frame in enumerate(null_frames(rng, width, k, draws)):
        null.append(_linear(frame, scores, target, line.var(), noise))
        if draw < DOT_DRAWS:
            null_by_dot.append(sums.r2(frame, raw.scores))
    right, rotated = _identity(as_rows(tokens), table, kept, moments, rng)
    vector, matched, index = (compare(value, each) for value, each in zip(own, np.transpose(null), strict=True))
    return Readout(
        token_identity=float(right.mean()),
        token_identity_interval=wilson(int(right.sum()), len(right)),
        token_identity_rotated=float(rotated.mean()),
        position_r2=vector,
        position_r2_matched=matched,
        index_r2=index,
        index_by_dot=compare(by_dot, null_by_dot),
        concatenated=_concatenated(kept, table),
        tokens_used=moments.count,
    )


def _linear(
    frame: np.ndarray, scores: np.ndarray, target: np.ndarray, spread: float, noise: np.ndarray
) -> tuple[float, float, float]:
    """R^2 of position vector (whitened, then matched) and of index, for one orientation of the positions.

    The frame is given in the basis in which the tokens' covariance is diagonal, with `noise` on its diagonal: a random
    orientation is as random there, and no draw needs to turn it.
    """
    lengths = np.sqrt((scores**2).sum(axis=0))
    half = frame * lengths / np.sqrt(noise)[:, None]
    gram = half.T @ half
    factor = cholesky(gram + np.eye(len(gram)), lower=True)
    inverse, _ = lapack.dtrtri(factor, lower=1)  # pyright: ignore
    lost = (inverse**2).sum(axis=0)  # the diagonal of (I + G)^-1; what is read back is I less that
    explained = 1 - float((lost * lengths**2).sum() / (lengths**2).sum())
    power = lengths**2 + noise @ frame**2  # a table of fewer directions than rows has components of length zero
    matched = float(np.divide(lengths**4, power, out=np.zeros_like(power), where=power > 0).sum() / (lengths**2).sum())
    there = lengths > RANK_TOLERANCE**0.5 * lengths.max()
    unit = np.divide(target, lengths, out=np.zeros_like(target), where=there)
    index = float((unit @ unit - np.square(inverse @ unit).sum()) / spread)
    return explained, matched, index


def _concatenated(kept: Components, table: np.ndarray) -> Concatenated:
    index = np.arange(len(table))
    line = index - index.mean()
    lengths = np.linalg.norm(kept.scores, axis=0)
    there = lengths > RANK_TOLERANCE**0.5 * lengths.max()
    along = kept.scores[:, there].T @ line / lengths[there]
    nearest = (table @ table.T).argmax(axis=1)
    return Concatenated(
        index_r2=float(along @ along / (line @ line)),
        index_by_dot=1 - float(((index - nearest) ** 2).mean() / index.var()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _DotSums:
    """Sums of one token and one position each, from which the index is read by the largest dot product.

    Attributes:
        tokens: The tokens' rows, float32.
        where: The positions' indices.
        gram: Dot product of each sum's position with every position, float32.
    """

    tokens: np.ndarray
    where: np.ndarray
    gram: np.ndarray

    def r2(self, frame: np.ndarray, scores: np.ndarray) -> float:
        """R^2 of the index, with the positions' coordinates standing in a frame."""
        seen = (self.tokens @ frame.astype(np.float32)) @ scores.T.astype(np.float32)
        found = (seen + self.gram).argmax(axis=1)
        return 1 - float(((self.where - found) ** 2).mean() / self.where.var())


def _dot_sums(rows: Rows, table: np.ndarray, moments: TokenMoments, rng: np.random.Generator) -> _DotSums:
    used = np.flatnonzero(moments.used)
    tokens = rows.take(np.sort(rng.choice(used, DOT_SUMS, replace=len(used) < DOT_SUMS)))
    where = rng.integers(0, len(table), len(tokens))
    gram = (table[where] @ table.T).astype(np.float32)
    return _DotSums(tokens=tokens.astype(np.float32), where=where, gram=gram)


def _identity(
    rows: Rows, table: np.ndarray, kept: Components, moments: TokenMoments, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Decodes sums to the nearest used token, with positions as they are and rotated."""
    used = np.flatnonzero(moments.used)
    chosen = rng.choice(used, min(SUMS, len(used)), replace=False)
    where = rng.integers(0, len(table), len(chosen))
    offset = (table - table.mean(axis=0))[where]
    turned = kept.scores[where] @ random_frame(rng, table.shape[1], kept.scores.shape[1]).T
    vectors = rows.take(chosen)
    sums = np.vstack([vectors + offset, vectors + turned]).astype(np.float32)
    best, winner = np.full(len(sums), np.inf, dtype=np.float32), np.full(len(sums), -1)
    for start, block in rows.blocks():
        values = block.astype(np.float32)
        distance = moments.norms[start : start + len(block)].astype(np.float32) ** 2 - 2 * sums @ values.T
        distance[:, ~moments.used[start : start + len(block)]] = np.inf
        at = distance.argmin(axis=1)
        low = distance[np.arange(len(sums)), at]
        better = low < best
        best[better], winner[better] = low[better], start + at[better]
    alike = [(rows.take(part) == vectors).all(axis=1) for part in np.split(winner, 2)]
    return alike[0], alike[1]


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Gives the 95% Wilson interval of a share.

    >>> tuple(round(end, 3) for end in wilson(10, 10))
    (0.722, 1.0)
    """
    if trials == 0:
        return 0.0, 1.0
    z = 1.959963984540054
    share, scale = successes / trials, 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / scale
    reach = z * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials**2)) / scale
    return max(0.0, float(middle - reach)), min(1.0, float(middle + reach))
