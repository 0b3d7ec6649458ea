"""A gallery on a Milvus cluster; needs the package pymilvus, which is loaded when one is opened."""

from asen_core.gallery.milvus.store import MilvusStore, open_store

__all__ = ["MilvusStore", "open_store"]
