"""What is written of one model beside the site: its card, a manuscript's paragraphs, pages on new images."""

__all__ = ["classifier", "model_card", "predicted", "told", "write_up"]
