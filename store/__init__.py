"""The results store: Parquet parts that are only ever added to, and SQL views over them.

It knows nothing of training or of websites.
"""

from store.errors import QueryError, StoreError
from store.query import query
from store.store import Store, require_store_or_empty
from store.views import View, public

__all__ = ["QueryError", "Store", "StoreError", "View", "public", "query", "require_store_or_empty"]
