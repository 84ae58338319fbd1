"""Parts of pages that are drawn where the store has what they need."""
