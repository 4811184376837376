"""The kernel as an operator: products with vectors without the matrix, for eigenvalues of large kernels."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor, nn
from torch.func import jvp, vjp

from seme.learn._functional import Params, check_suitable, function_of, parameters


def ntk_operator(model: nn.Module, params: Params | None, x: Tensor) -> LinearOperator:
    """The kernel on one batch as SciPy's `LinearOperator`: K v = J (J^T v), matrix free.

    Args:
        model: Any module that takes one tensor whose first axis is the sample.
        params: Values by parameter name; None for the model's own.
        x: Inputs, `batch ...`.

    Returns:
        A symmetric operator of size `batch * output`, sample-major, in the model's float type.

    Raises:
        UnsuitableModelError: As for `ntk`.
    """
    values = parameters(model, params)
    check_suitable(model, values, x)
    function = function_of(model, x)
    outputs, pull = vjp(function, values)[:2]
    size = outputs.numel()
    kind = np.dtype(str(outputs.dtype).removeprefix("torch."))

    def times(vector: np.ndarray) -> np.ndarray:
        cotangent = torch.from_numpy(np.ascontiguousarray(vector.reshape(-1), dtype=kind)).to(outputs)
        tangent = pull(cotangent.reshape(outputs.shape))[0]
        return jvp(function, (values,), (tangent,))[1].detach().reshape(-1).cpu().numpy()

    return LinearOperator((size, size), matvec=times, rmatvec=times, dtype=kind)  # type: ignore[call-arg]


def largest_eigenvalue(model: nn.Module, params: Params | None, x: Tensor) -> float:
    """The largest eigenvalue of the kernel on one batch, to a relative 1e-4, without forming the kernel."""
    operator = ntk_operator(model, params, x)
    if operator.shape[0] <= 2:
        return float(np.linalg.eigvalsh(np.asarray(operator.matmat(np.eye(operator.shape[0])))).max())
    # drawn once and for all, as a constant vector can lie in the null space of a symmetric data set
    start = np.random.default_rng(0).standard_normal(operator.shape[0]).astype(operator.dtype)
    if not np.any(operator @ start):
        return 0.0  # a kernel of zeros, which the iteration below cannot begin with
    return float(eigsh(operator, k=1, which="LA", tol=1e-4, v0=start, return_eigenvectors=False)[0])  # type: ignore[arg-type]
