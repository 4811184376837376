"""Learn: is a network effectively linear in its weights over the range training moves them?

Takes PyTorch modules and tasks, gives kernels, linear models, closed-form training and reports with a
verdict. Sees weights only, never programs. Imports `core` only.
"""

from seme.learn._functional import call, parameters
from seme.learn.analytic import InfiniteKernels, analytic
from seme.learn.change import Change, measure_change
from seme.learn.linearize import Linearized, linearize
from seme.learn.measure import Checkpoint, Report, RunReport, measure, measure_run, summarise
from seme.learn.models import Activation, Mlp, Transformer
from seme.learn.ntk import Kernel, ntk, ntk_with_shares
from seme.learn.operator import largest_eigenvalue, ntk_operator
from seme.learn.predict import Prediction, predict
from seme.learn.tasks import TASKS, Task, make_task
from seme.learn.training import State, Training, stable_rate, train, train_linear
from seme.learn.verdict import Estimate, estimate, verdict, width_slope

__all__ = [
    "TASKS",
    "Activation",
    "Change",
    "Checkpoint",
    "Estimate",
    "InfiniteKernels",
    "Kernel",
    "Linearized",
    "Mlp",
    "Prediction",
    "Report",
    "RunReport",
    "State",
    "Task",
    "Training",
    "Transformer",
    "analytic",
    "call",
    "estimate",
    "largest_eigenvalue",
    "linearize",
    "make_task",
    "measure",
    "measure_change",
    "measure_run",
    "ntk",
    "ntk_operator",
    "ntk_with_shares",
    "parameters",
    "predict",
    "stable_rate",
    "summarise",
    "train",
    "train_linear",
    "verdict",
    "width_slope",
]
