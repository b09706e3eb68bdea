"""The stream of new candles and pipeline events: one look at the warehouse a second per process, whoever listens."""
