"""Failures that the operator can put right."""


class Failure(Exception):
    """A failure told in one line: what is wrong, with the value, and what to do about it."""
