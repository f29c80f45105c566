"""Sweeps in the file formats of other tools, each written by that tool's own package. Nothing here trains."""
