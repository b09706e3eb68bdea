"""A simulated Binance: REST market data and the public archive, deterministic, with faults on demand.

It imports nothing else from ``candlewick``: what it says is an independent opinion the platform can disagree with.

* ``python -m candlewick.demo`` runs it (see ``cli``).
* ``candlewick.demo.market.candles`` is the oracle: the rows REST would answer, as a pure function.
* ``candlewick.demo.testing.RunningExchange`` starts one for a test.
* The control API under ``/_control/`` is described in ``control``.
"""
