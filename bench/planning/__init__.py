"""What is wanted, what is there, and why the rest is not: values from the store, nothing trained."""
