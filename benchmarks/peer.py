"""The same programs with Tracr, where it is installed."""

from __future__ import annotations

import importlib
import time
from typing import Any

from benchmarks.machine import peer

PROGRAMS = ("length", "reverse", "hist", "sort", "frac_prevs")


def compiled(name: str, vocab: list[Any], max_length: int) -> Any:
    """A program compiled by Tracr at its default settings, or None where that is not installed."""
    compiling = peer()
    if compiling is None:
        return None
    library = importlib.import_module("tracr.compiler.lib")
    rasp = importlib.import_module("tracr.rasp.rasp")
    program = {
        "length": library.make_length,
        "reverse": lambda: library.make_reverse(rasp.tokens),
        "hist": library.make_hist,
        "sort": lambda: library.make_sort(rasp.tokens, rasp.tokens, max_seq_len=max_length, min_key=1),
        "frac_prevs": lambda: library.make_frac_prevs((rasp.tokens == vocab[0]).named("is it")),
    }[name]()
    return compiling.compile_rasp_to_model(program, vocab=set(vocab), max_seq_len=max_length, compiler_bos="BOS")


def parameters(model: Any) -> int:
    return sum(int(array.size) for module in model.params.values() for array in module.values())


def measure(name: str, vocab: list[Any], max_length: int) -> dict[str, Any] | None:
    """Seconds and parameters of one compile."""
    if peer() is None:
        return None
    start = time.perf_counter()
    model = compiled(name, vocab, max_length)
    return {"seconds": round(time.perf_counter() - start, 3), "parameters": parameters(model)}
