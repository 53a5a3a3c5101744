"""Errand beside what a user would take instead, each from PyPI in an environment of its own."""
