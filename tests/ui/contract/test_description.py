"""The API does what its OpenAPI document says: schemathesis makes requests of it, good and bad, and checks every answer.

What is read is asked as who may read it. A change that is made up would be a change, so these are asked as who may not make
one. The stream has no end, and freshness is a 503 when asked to be one: their own tests ask for them.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance"
LONGEST_LINE = 300  # what it made up may be long
READING, CHANGING = ("GET",), ("POST", "PUT", "PATCH", "DELETE")


@pytest.mark.parametrize(("user", "methods"), [("admin", READING), ("viewer", CHANGING)], ids=["read", "changed"])
def test_every_answer_is_one_the_description_knows(platform_ui, tmp_path, user, methods):
    words = [
        Path(sys.executable).with_name("schemathesis"), "run", f"{platform_ui.url}/candlewick/api/openapi.json",
        "--header", f"Authorization: {platform_ui.client(user).headers['authorization']}",
        *(word for method in methods for word in ("--include-method", method)), "--exclude-path-regex", "/(stream|health/freshness)$",
        "--phases", "coverage,fuzzing", "--max-examples", "5", "--generation-deterministic",
        "--checks", CHECKS, "--request-timeout", "30", "--no-color", "--continue-on-failure",
    ]  # fmt: skip
    done = subprocess.run(words, cwd=tmp_path, text=True, capture_output=True, check=False)
    told = "\n".join(line[:LONGEST_LINE] for line in (done.stdout + done.stderr).splitlines())
    assert done.returncode == 0, told[-30_000:]
    assert "No operations" not in done.stdout
