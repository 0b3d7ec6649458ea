"""Saved searches of a gallery: tell me when something closer than this appears."""

from asen_core.gallery.watches.watches import Found, News, Saved, Watches, WatchReport, rerun

__all__ = ["Found", "News", "Saved", "WatchReport", "Watches", "rerun"]
