"""Learn: is a network effectively linear in its weights over the range training moves them?

Takes PyTorch modules and tasks, gives kernels, linear models, closed-form training and reports with a
verdict. Sees weights only, never programs. Imports `core` only.
"""
