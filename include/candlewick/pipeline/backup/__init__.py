"""The warehouse's backups: one consistent dump of both schemas in the lake, kept for a while, and the way back from it."""

from candlewick.pipeline.backup.save import BackupSummary, run

__all__ = ["BackupSummary", "run"]
