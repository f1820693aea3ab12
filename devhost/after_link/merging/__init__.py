"""Merge the core modules of a component into one (`component.py`), so that no sandbox has to link them."""
