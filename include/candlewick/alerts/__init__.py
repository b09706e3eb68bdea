"""Who is told what, and how often.

Every event is a row in ``pipeline_events``; e-mail (connection ``alerts_smtp``) and webhook (``alerts_webhook``) are
used when configured. The same kind and subject leaves the machine once per ``alert_repeat_minutes``.
"""
