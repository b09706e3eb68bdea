"""Start dbt so that it cannot outlive the process that started it.

Run as a script in front of dbt's arguments; the dbt command is named by ``CANDLEWICK_DBT_EXECUTABLE``. A task that is
killed with SIGKILL (out of memory, a lost worker) has no chance to stop its child, and a dbt that keeps writing beside
the next run's dbt is what the named locks would then have to wait for. So the kernel is asked to do it.
Only the standard library is imported: this adds about 20 ms to a dbt process.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Become dbt; the kernel kills it when the starting process dies."""
    if sys.platform == "linux":  # elsewhere the orderly stop of the parent has to do
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    executable = os.environ["CANDLEWICK_DBT_EXECUTABLE"]
    os.execv(executable, [executable, *arguments])  # noqa: S606  # no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
