"""Scenarios times replications: paired answers with their intervals."""
