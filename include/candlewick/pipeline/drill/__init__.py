"""The rebuild drill: days of the warehouse made again from lake and archive beside the live ones, and compared with them."""

from candlewick.pipeline.drill.rehearse import DrillSummary, rehearse
from candlewick.pipeline.drill.request import DrillRefused, DrillRequest

__all__ = ["DrillRefused", "DrillRequest", "DrillSummary", "rehearse"]
