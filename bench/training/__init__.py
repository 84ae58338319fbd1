"""One cell at a time: from a dataset's pixels to the predictions of its trials."""
