"""Figures and pictures as numbers: built in Python from rows, so that they are tested."""
