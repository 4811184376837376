"""Planted tables whose geometry is known."""

from __future__ import annotations

import numpy as np

WIDTH, ROWS, VOCABULARY = 48, 96, 600


def frame(seed: int, k: int, width: int = WIDTH) -> np.ndarray:
    """k orthonormal directions."""
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((width, k)))[0]


def helix_table(seed: int = 0, *, turns: float = 6.0, noise: float = 0.02, rows: int = ROWS) -> np.ndarray:
    """A helix of three directions: two that turn, one that grows."""
    t = np.arange(rows) / rows
    curve = np.stack([np.cos(2 * np.pi * turns * t), np.sin(2 * np.pi * turns * t), 2.5 * (t - 0.5)], axis=1)
    rng = np.random.default_rng(seed)
    return curve @ frame(seed, 3).T + noise * rng.standard_normal((rows, WIDTH)) / np.sqrt(WIDTH)


def planted_pair(overlap: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Tokens in 8 directions and positions in 4, inside the tokens' directions or orthogonal to them."""
    rng = np.random.default_rng(seed)
    basis = frame(seed, 12)
    tokens = rng.standard_normal((VOCABULARY, 8)) @ basis[:, :8].T
    tokens += 0.01 * rng.standard_normal(tokens.shape)
    inside = basis[:, :4] if overlap else basis[:, 8:]
    positions = np.cumsum(rng.standard_normal((ROWS, 4)), axis=0) @ inside.T * 0.2
    return tokens, positions
