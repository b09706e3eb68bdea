"""What would fail later, found out before anything is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from candlewick.local import checks, upgrade_note
from candlewick.local.errors import LauncherError
from candlewick.local.wiring import LOOPBACK

if TYPE_CHECKING:
    from candlewick.local.platform import Platform


def preflight(platform: Platform) -> None:
    """Look for a platform of the other mode, for taken ports, and whether an exchange from outside answers.

    Raises:
        LauncherError: one of these is in the way; the message says what to do.
    """
    noted = platform.home.root / "mode"
    running = [record for record in platform.processes.records() if record.process()]
    if running and noted.is_file() and noted.read_text().strip() != platform.mode:
        raise LauncherError(
            f"The {noted.read_text().strip()} platform is running on {platform.home.root}; run make down first."
        )
    ports = {
        "database": (platform.settings.database_port, "the private MariaDB", "CANDLEWICK_DATABASE_PORT"),
        "s3": (platform.settings.s3_port, "the private S3 endpoint", "CANDLEWICK_S3_PORT"),
        "exchange": (platform.settings.exchange_port, "the simulated exchange", "CANDLEWICK_EXCHANGE_PORT"),
        "api-server": (platform.settings.airflow_port, "the Airflow UI", "CANDLEWICK_AIRFLOW_PORT"),
    }
    for name in (*platform.private_services, "api-server"):
        port, what, setting = ports[name]
        at = next((record for record in running if record.name == name), None)
        if at is None:
            host = platform.settings.bind_host if name == "api-server" else LOOPBACK
            checks.require_free(host, port, what, setting)
        elif at.port != port:
            raise LauncherError(
                f"{setting} says {port}, but {what} runs on port {at.port} already; run make down first."
            )
    if "exchange" not in platform.private_services:
        checks.require_exchange(platform.wiring.bases("BINANCE"))


def refuse_interrupted(platform: Platform) -> None:
    """Make sure that nothing is started between two versions.

    Raises:
        LauncherError: an upgrade, or its way back, was killed and not finished.
    """
    note = upgrade_note.newest(platform.home.root, platform.mode)
    if note is None or not note.state.is_under_way:
        return
    if note.state is upgrade_note.State.GOING_BACK:
        raise LauncherError(f"The way back from {note.title} was interrupted; finish it with make rollback.")
    raise LauncherError(
        f"{note.title[0].upper()}{note.title[1:]} was interrupted; finish it with make upgrade, or take it back with make rollback."
    )
