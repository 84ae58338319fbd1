"""The results store: Parquet parts that are only ever added to, and SQL views over them.

It knows nothing of training or of websites.
"""

from store import certainty
from store.claims import Claims
from store.errors import QueryError, StoreError, StoreWarning
from store.inventory import cache_folder
from store.making import require_store_or_empty
from store.query import query
from store.rows import ActivationRow, ImageRow, PlaceRow, PlanRow, PredictionRow, ProgressRow, TrialRow
from store.store import Store
from store.views import View, public

__all__ = [
    "ActivationRow",
    "Claims",
    "ImageRow",
    "PlaceRow",
    "PlanRow",
    "PredictionRow",
    "ProgressRow",
    "QueryError",
    "Store",
    "StoreError",
    "StoreWarning",
    "TrialRow",
    "View",
    "cache_folder",
    "certainty",
    "public",
    "query",
    "require_store_or_empty",
]
