"""Report: stored results as self-contained HTML pages, one module per kind of result.

Takes the plain JSON of a study, gives the text of a page that opens without a network. Imports
`studies`, `store` and what is below them.
"""
