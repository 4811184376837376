"""Runs a list of configurations, each at most once, and keeps what finishes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from seme.core.errors import SemeError
from seme.store import Run, Store, content_key
from seme.studies.runners import Outcome, Runner

# A sweep on another machine that is silent this long is taken for dead (a dead process here is seen at once).
LEASE_SECONDS = 6 * 3600.0
# How often to look whether another sweep has finished a run that we need too.
POLL_SECONDS = 0.5

Progress = Callable[[int, int], None]
Notice = Callable[[str], None]


def sweep(
    study: str,
    configurations: Sequence[dict[str, Any]],
    store: Store,
    runner: Runner,
    progress: Progress | None = None,
    notice: Notice | None = None,
) -> tuple[Run, ...]:
    """Gives the run of every configuration, computing those the store lacks.

    Args:
        study: Name of the study.
        configurations: What to run; equal ones are run once.
        store: Where finished runs are looked up and kept, each as soon as it ends.
        runner: Computes them; closed at the end, also after an error or an interruption.
        progress: Called with (finished, all) at the start and after every run.
        notice: Told, once for each holder, that nothing is left to do but to wait for another sweep's runs.

    Returns:
        One run per configuration, in their order.

    Raises:
        SemeError: A run failed for a reason of its own; raised after all others are done and stored.
    """
    every = {content_key(study, c): c for c in configurations}
    waiting = {key: c for key, c in every.items() if store.get(study, c) is None}
    total = len(every)
    finished, running, failed = total - len(waiting), 0, None
    report = progress or (lambda done, of: None)
    report(finished, total)
    told: set[str] = set()
    try:
        while waiting or running:
            for name in list(waiting):
                if running >= runner.capacity:
                    break
                if store.lease(study, waiting[name], seconds=LEASE_SECONDS):
                    runner.submit(waiting.pop(name))
                    running += 1
                elif store.get(study, waiting[name]) is not None:
                    del waiting[name]
                    finished += 1
                    report(finished, total)
            if not running:
                if waiting and notice is not None:
                    _say_who_is_waited_for(study, waiting.values(), store, told, notice)
                time.sleep(POLL_SECONDS if waiting else 0)
                continue
            outcome = runner.next()
            running -= 1
            failed = _keep(study, store, outcome, failed)
            finished += 1
            report(finished, total)
    finally:
        runner.close()
        for configuration in configurations:
            store.release(study, configuration)
    if failed is not None:
        raise failed
    return tuple(run for c in configurations if (run := store.get(study, c)) is not None)


def _say_who_is_waited_for(
    study: str, waiting: Iterable[dict[str, Any]], store: Store, told: set[str], notice: Notice
) -> None:
    holders = [holder for configuration in waiting if (holder := store.holder(study, configuration)) is not None]
    for holder in sorted(set(holders) - told):
        count = holders.count(holder)
        notice(f"waiting for {count} run{'' if count == 1 else 's'} that {holder} is doing (store {store.path})")
        told.add(holder)


def _keep(study: str, store: Store, outcome: Outcome, failed: SemeError | None) -> SemeError | None:
    if outcome.result is not None:
        store.put(study, outcome.configuration, outcome.result, seconds=outcome.seconds)
        return failed
    return failed or outcome.error
