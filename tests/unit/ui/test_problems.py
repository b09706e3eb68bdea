"""A sentence about what is wrong quotes what is expected as it is written."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

from fastapi import FastAPI, Query
from starlette.testclient import TestClient

from candlewick_ui import problems


class Check(StrEnum):
    """Of a test."""

    HOURS = "Hours of REST"


def test_what_is_expected_is_quoted_as_it_is_written():
    app = FastAPI()
    problems.install(app)

    @app.get("/")
    def answer(check: Annotated[Check, Query()]) -> str:
        return check

    refused = json.loads(TestClient(app).get("/", params={"check": "x"}).text)
    assert refused["detail"] == "query.check: input should be 'Hours of REST', got 'x'; correct the request"
