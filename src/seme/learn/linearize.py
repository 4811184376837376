"""A network's Taylor model in its weights: f(theta0) + J (theta - theta0), and one order more."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.func import jvp

from seme.core.errors import UnsuitableModelError, UsageError
from seme.learn._functional import Params, function_of, parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Linearized:
    """The Taylor model of a network around given parameters.

    Attributes:
        model: The network.
        origin: Where it is expanded.
        order: 1 for the linear model, 2 with the quadratic term.
    """

    model: nn.Module
    origin: dict[str, Tensor]
    order: int

    def __call__(self, params: Params, x: Tensor) -> Tensor:
        """What the Taylor model gives at other parameters.

        Args:
            params: The parameters, by name; those missing stay at the origin.
            x: Inputs, `batch ...`.

        Returns:
            `batch output`; differentiable in `params`.

        Raises:
            UnsuitableModelError: A parameter is unknown or has another shape.
        """
        if unknown := [
            name for name, v in params.items() if name not in self.origin or self.origin[name].shape != v.shape
        ]:
            raise UnsuitableModelError(
                f"no Taylor model: `{unknown[0]}` is not a parameter of this shape at its origin",
                hint="use parameters of the same architecture",
            )
        function = function_of(self.model, x)
        step = {name: params[name] - value if name in params else value * 0.0 for name, value in self.origin.items()}
        if self.order == 1:
            value, slope = jvp(function, (self.origin,), (step,))[:2]
            return value + slope

        def along(point: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
            return jvp(function, (point,), (step,))[:2]

        (value, slope), (_, curvature) = jvp(along, (self.origin,), (step,))[:2]
        return value + slope + 0.5 * curvature


def linearize(model: nn.Module, params: Params | None = None, *, order: int = 1) -> Linearized:
    """Expands a network in its weights.

    Args:
        model: Any module that takes one tensor whose first axis is the sample.
        params: The point of expansion; None for the model's present parameters.
        order: 1 or 2.

    Returns:
        The Taylor model, a function of parameters and inputs.

    Raises:
        UsageError: The order is neither 1 nor 2.

    >>> import torch
    >>> model = nn.Linear(1, 1)
    >>> taylor = linearize(model)
    >>> moved = {name: value + 1.0 for name, value in model.named_parameters()}
    >>> x = torch.ones(1, 1)
    >>> round((taylor(moved, x) - model(x)).item(), 5)
    2.0
    """
    if order not in (1, 2):
        raise UsageError(f"a Taylor model has order 1 or 2, got {order}")
    return Linearized(model=model, origin=parameters(model, params), order=order)
