"""Candlewick: a crypto market-data platform that keeps, and can prove, the state of its data."""
