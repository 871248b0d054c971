"""Predictions -> the file that Kaggle takes."""
