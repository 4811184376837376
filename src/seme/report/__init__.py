"""Report: stored results and readings become pages, pictures and words.

Takes readings and rows of the store, gives self-contained HTML, PNG and text. Imports rooms below it.
"""
