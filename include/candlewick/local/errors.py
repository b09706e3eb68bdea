"""What can go wrong before the platform runs. Each error is one sentence for a person; none is shown with a traceback.

LauncherError
├── PortTaken          another program listens where a service should
├── ProgramMissing     a program the platform starts is not on this machine
├── PrivilegesMissing  an account of the outside warehouse may not do what is needed
├── Unreachable        an exchange, object store or database does not answer
├── ServiceFailed      a service ended by itself or was never ready
├── AirflowRefused     Airflow's API refuses what is asked, or does not answer
└── NoLog              there is no log of what was asked for
"""

from __future__ import annotations


class LauncherError(Exception):
    """The launcher cannot go on; the message says what to do."""


class PortTaken(LauncherError):
    """Another program listens on a port of ours."""


class ProgramMissing(LauncherError):
    """A program is not installed."""


class PrivilegesMissing(LauncherError):
    """An outside database account lacks a privilege."""


class Unreachable(LauncherError):
    """Something outside does not answer."""


class ServiceFailed(LauncherError):
    """A service of ours ended or was not ready in time."""


class AirflowRefused(LauncherError):
    """Airflow's API refused; ``status`` is HTTP's, None without an answer."""

    def __init__(self, sentence: str, status: int | None) -> None:
        super().__init__(sentence)
        self.status = status


class NoLog(LauncherError):
    """Nothing of that name was started, so there is no log of it."""
