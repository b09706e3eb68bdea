"""The two ways out of the machine: e-mail and webhook, through Airflow's own hooks and connections."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from candlewick.settings import Settings
    from candlewick.warehouse.events import Event

SMTP, WEBHOOK = "alerts_smtp", "alerts_webhook"
TIMEOUT_SECONDS = 10


def configured(config: Settings) -> dict[str, Callable[[Sequence[Event], Settings], None]]:
    """Return the receivers the settings ask for, by name."""
    receivers: dict[str, Callable[[Sequence[Event], Settings], None]] = {}
    if config.alert_email:
        receivers["email"] = send_email
    if config.alert_webhook:
        receivers["webhook"] = send_webhook
    return receivers


def headline(events: Sequence[Event]) -> str:
    """One line: the subject of the mail, the first line of the webhook's text."""
    first = events[0]
    more = f" and {len(events) - 1} more" if len(events) > 1 else ""
    return f"Candlewick {first.severity.value}: {first.kind.value.replace('_', ' ')}: {first.subject}{more}"


def text(events: Sequence[Event]) -> str:
    """Every event as a paragraph of plain text."""
    return "\n\n".join(
        f"[{event.severity.value}] {event.kind.value}: {event.subject}\n{event.message}" for event in events
    )


def send_email(events: Sequence[Event], config: Settings) -> None:
    """Send one mail for all events (sender: the connection's extra ``from_email``)."""
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    with SmtpHook(smtp_conn_id=SMTP) as smtp:
        smtp.send_email_smtp(
            to=config.alert_email,
            from_email=smtp.from_email or config.alert_email,
            subject=headline(events),
            html_content=f"<pre>{html.escape(text(events))}</pre>",
        )


def send_webhook(events: Sequence[Event], config: Settings) -> None:  # noqa: ARG001  # the receivers' one signature
    """Post one JSON document for all events; ``text`` is what Slack, Mattermost and their like show.

    The connection's host is the base URL; the path, which for these services is the secret, stands in its password.
    """
    from airflow.providers.http.hooks.http import HttpHook

    hook = HttpHook(method="POST", http_conn_id=WEBHOOK)
    path = hook.get_connection(WEBHOOK).password or ""
    document = {
        "text": f"{headline(events)}\n{text(events)}",
        "alerts": [
            {
                "kind": event.kind.value, "severity": event.severity.value, "subject": event.subject, "message": event.message,
                "dag_id": event.dag_id, "task_id": event.task_id, "run_id": event.run_id, "map_index": event.map_index,
            }
            for event in events
        ],
    }  # fmt: skip
    try:
        hook.run(endpoint=path, json=document, extra_options={"timeout": TIMEOUT_SECONDS})
    except Exception as error:  # noqa: BLE001  # raised again, without the secret
        # The library's sentence quotes the URL; it goes into a table and a log.
        raise DeliveryFailed(str(error).replace(path, "***") if path else str(error)) from None


class DeliveryFailed(Exception):
    """A receiver did not take the message."""
