"""Where runs are computed: in this process, in worker processes, or on a Ray cluster.

A runner takes configurations and gives results in the order they finish. It stores nothing: only the process
that owns the sweep writes to the store, so a worker that dies loses nothing but its own unfinished run.
"""

from __future__ import annotations

import concurrent.futures
import importlib
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

from seme.core.errors import MissingExtraError, SemeError, TooLargeError, UsageError

Job = Callable[[dict[str, Any]], dict[str, Any]]
# Runs queued beyond the workers, so that none waits for the owner of the sweep.
QUEUE_AHEAD = 2
# A run is given to another worker this often when its worker dies.
RAY_RETRIES = 4
# A worker that dies without a word was most often out of memory.
KILLED = (
    "a worker process was killed in the middle of a run, most likely for want of memory",
    "the same command continues after the finished runs; use fewer --workers or smaller widths",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A run that ended.

    Attributes:
        configuration: What was run.
        result: What came out; None when it failed.
        error: Why it failed, for reasons that are the run's own (divergence, an unsuitable model).
        seconds: Wall time.
    """

    configuration: dict[str, Any]
    result: dict[str, Any] | None
    error: SemeError | None
    seconds: float


class Runner(Protocol):
    """Computes runs."""

    capacity: int

    def submit(self, configuration: dict[str, Any]) -> None:
        """Queues a run."""

    def next(self) -> Outcome:
        """Waits for the next run to end."""
        ...

    def close(self) -> None:
        """Lets the workers go."""


def perform(job: Job, configuration: dict[str, Any]) -> Outcome:
    """Runs one configuration and catches only the errors that belong to it."""
    began = time.perf_counter()
    try:
        result, error = job(configuration), None
    except SemeError as caught:
        result, error = None, caught
    return Outcome(configuration=configuration, result=result, error=error, seconds=time.perf_counter() - began)


def _single_threaded(job: Job, configuration: dict[str, Any]) -> Outcome:
    """One run per core: more threads than that only get in each other's way."""
    importlib.import_module("torch").set_num_threads(1)
    return perform(job, configuration)


class InProcess:
    """One run after another in this process."""

    def __init__(self, job: Job):
        self.job, self.capacity, self.queue = job, 1, []

    def submit(self, configuration: dict[str, Any]) -> None:
        """Queues a run."""
        self.queue.append(configuration)

    def next(self) -> Outcome:
        """Computes the oldest run."""
        return perform(self.job, self.queue.pop(0))

    def close(self) -> None:
        """Nothing to let go."""


def _end_with_the_sweep() -> None:
    """Ends this worker when its sweep is killed: nothing else would, since workers hold each other's pipes open."""
    sweep = multiprocessing.parent_process()
    if sweep is not None:
        threading.Thread(target=_wait_and_exit, args=(sweep,), daemon=True).start()


def _wait_and_exit(process: BaseProcess) -> None:
    process.join()
    os._exit(1)


class Processes:
    """Worker processes on this machine, one thread each."""

    def __init__(self, job: Job, workers: int):
        self.job, self.capacity = job, workers + QUEUE_AHEAD
        context = multiprocessing.get_context("spawn")
        self.pool = concurrent.futures.ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_the_sweep)
        self.running: set[concurrent.futures.Future[Outcome]] = set()

    def submit(self, configuration: dict[str, Any]) -> None:
        """Queues a run."""
        self.running.add(self.pool.submit(_single_threaded, self.job, configuration))

    def next(self) -> Outcome:
        """Waits for a worker."""
        done = next(iter(concurrent.futures.wait(self.running, return_when="FIRST_COMPLETED").done))
        self.running.discard(done)
        try:
            return done.result()
        except BrokenProcessPool as error:
            raise TooLargeError(KILLED[0], hint=KILLED[1]) from error

    def close(self) -> None:
        """Ends the workers; queued runs are dropped."""
        self.pool.shutdown(wait=True, cancel_futures=True)


class OnRay:
    """A Ray cluster: the one named by RAY_ADDRESS, or a local one of all cores.

    A run whose worker is killed is given to another; its result reaches the sweep once.

    Raises:
        MissingExtraError: Ray is not installed.
        UsageError: There is no cluster at RAY_ADDRESS, or none can be started here.
    """

    def __init__(self, job: Job):
        try:
            self.ray = importlib.import_module("ray")
        except ModuleNotFoundError as error:
            raise MissingExtraError("the ray runner", "ray") from error
        self.own = not self.ray.is_initialized()
        if self.own:
            try:
                self.ray.init(log_to_driver=False, include_dashboard=False, configure_logging=False)
            except Exception as error:  # Ray raises bare exceptions where a node does not start in time
                raise UsageError(
                    f"cannot reach or start Ray: {error}",
                    hint="check RAY_ADDRESS, or use --runner local",
                ) from error
        remote = self.ray.remote(num_cpus=1, max_retries=RAY_RETRIES)(_single_threaded)
        self.job, self.remote, self.running = job, remote, []
        self.capacity = int(self.ray.cluster_resources().get("CPU", 1)) + QUEUE_AHEAD

    def submit(self, configuration: dict[str, Any]) -> None:
        """Queues a run."""
        self.running.append(self.remote.remote(self.job, configuration))

    def next(self) -> Outcome:
        """Waits for a worker."""
        done, self.running = self.ray.wait(self.running, num_returns=1)
        try:
            return self.ray.get(done[0])
        except self.ray.exceptions.WorkerCrashedError as error:
            raise TooLargeError(KILLED[0], hint=KILLED[1]) from error

    def close(self) -> None:
        """Drops what is queued; shuts Ray down if it was started here."""
        for reference in self.running:
            self.ray.cancel(reference, force=True)
        if self.own:
            self.ray.shutdown()


def make_runner(kind: str, job: Job, workers: int | None = None) -> Runner:
    """Makes a runner.

    Args:
        kind: "local" or "ray".
        job: A module-level function from configuration to result.
        workers: Processes of the local runner; None for one per core, 1 for this process.

    Raises:
        UsageError: No such runner, or no worker.
        MissingExtraError: Ray is not installed.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"got {workers} workers: expected at least 1", hint="leave them out for one per core")
    if kind == "ray":
        return OnRay(job)
    if kind != "local":
        raise UsageError(f"no runner {kind!r}", hint="use local or ray")
    count = workers or len(os.sched_getaffinity(0))
    return InProcess(job) if count == 1 else Processes(job, count)
