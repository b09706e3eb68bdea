"""Rewrite what stands below the marker of a requirements file: ``python -m candlewick.local.requirements``.

One file holds both what we ask for (above the marker, with reasons) and what that brings (below, resolved by uv for
every supported Python), so a version is changed in one place and installed exactly.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from candlewick.local.bootstrap import REPOSITORY, home, uv_command
from candlewick.local.system_packages import BootstrapError

MARKER = "# --- resolved by `make requirements`, not edited by hand ---"


def split(text: str) -> tuple[str, str]:
    """Return what stands above and below the marker."""
    above, _, below = text.partition(MARKER)
    return above.rstrip() + "\n", below.strip() + "\n"


def names(text: str) -> set[str]:
    """Return the normalised names of the packages a requirements text pins."""
    found = re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower() for name in found}


def resolve(uv: Path, path: Path, *, beside: Path | None = None) -> None:
    """Write the closure of the requirements above the marker below it.

    Args:
        uv: the uv command.
        path: the requirements file.
        beside: a resolved file installed into the same environment: its versions hold and are not repeated.
    """
    above, below = split(path.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        direct, output = Path(folder, "direct.txt"), Path(folder, "resolved.txt")
        direct.write_text(above, encoding="utf-8")
        output.write_text(below, encoding="utf-8")  # uv keeps versions it finds here: only what must move moves
        command = [str(uv), "pip", "compile", str(direct), "--output-file", str(output)]
        command += ["--quiet", "--universal", "--python-version", "3.11", "--no-header", "--no-annotate", *sys.argv[1:]]
        if beside:
            command += ["--constraints", str(beside)]
        subprocess.run(command, check=True)
        resolved = output.read_text(encoding="utf-8").splitlines()
    known = names(above) | (names(beside.read_text(encoding="utf-8")) if beside else set())
    lines = [line for line in resolved if line and not names(line) <= known]
    path.write_text(f"{above}{MARKER}\n" + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{path.relative_to(REPOSITORY)}: {len(names(above))} direct, {len(lines)} brought along")


def main() -> int:
    """Resolve all three files."""
    log = home() / "logs" / "bootstrap.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    pinned = REPOSITORY / "requirements.txt"
    try:
        uv = uv_command(log)
        resolve(uv, pinned)
        resolve(uv, REPOSITORY / "requirements-dev.txt", beside=pinned)
        resolve(uv, REPOSITORY / "dbt_project" / "requirements.txt")
    except BootstrapError as error:
        print(f"error: {error}", file=sys.stderr)
    except subprocess.CalledProcessError:
        print("error: uv found no set of versions for what stands above the marker; it says why.", file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
