"""What Seme costs in time and memory, printed as JSON: `python -m benchmarks`, or one of them by name.

One core: the numbers of threads are set before torch is loaded. Nothing here asserts anything about time; where Tracr
is installed (`import tracr`), it is measured in the same run and the ratio stands beside ours. The figures to reach
are printed with what was measured.
"""
