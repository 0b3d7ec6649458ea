"""Errors whose text says what was wrong, what was expected and what to do next."""

from __future__ import annotations


class AsenError(Exception):
    """Base of every error that a person can cause and mend."""


class PhotoError(AsenError):
    """A file that was given as a photo can't be used as one."""


class CheckpointError(AsenError):
    """A model directory is missing, incomplete, damaged or of another architecture."""


class GalleryError(AsenError):
    """A gallery is missing, damaged, or was built with another checkpoint."""


class DataError(AsenError):
    """Labels, regions or a recipe don't have the form that was asked for."""


class QueryError(AsenError):
    """A question that the model or the gallery can't answer: unknown attribute, bad filter, bad box."""


class CaseError(AsenError):
    """A reviewer's case is missing, damaged, of another catalogue, or its photos are no longer where they were."""


class AccountError(AsenError):
    """The file of those who may log in can't be read or written, or a name or password can't be taken."""
