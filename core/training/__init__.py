"""A model and batches -> states and history."""
