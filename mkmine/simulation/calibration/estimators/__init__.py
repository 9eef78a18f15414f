"""Estimators: small functions from a log's arrays to parts of a simulation model; each names its method."""
