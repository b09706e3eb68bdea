"""With OpenTelemetry on in Airflow, a request and its statements arrive at a collector as one trace."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from support.api_server import ApiServer
from support.ports import wait_until


class Collector(BaseHTTPRequestHandler):
    """Takes OTLP over HTTP."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        request = ExportTraceServiceRequest.FromString(body)
        self.server.spans += [
            span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans
        ]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def collector():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    server.spans = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.fixture
def traced(platform_ui, collector, tmp_path):
    """A second api-server on the same warehouse and metadata, which traces."""
    environment = {
        **{
            key: value
            for key, value in platform_ui.server.environment.items()
            if key.startswith(("AIRFLOW_CONN", "CANDLEWICK"))
        },
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": platform_ui.server.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"],
        "AIRFLOW__TRACES__OTEL_ON": "True",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{collector.server_address[1]}/v1/traces",
        "OTEL_TRACES_EXPORTER": "otlp_proto_http",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    server = ApiServer(tmp_path, environment)
    server.start()
    yield server
    server.stop()


def attributes(span):
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


def test_a_request_and_its_statements_are_one_trace_of_the_caller(traced, collector):
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    answer = traced.client().get(
        "/candlewick/api/v1/gaps",
        headers={"traceparent": f"00-{trace_id}-b7ad6b7169203331-01", "X-Request-ID": "of-this-test"},
    )
    assert answer.status_code == 200

    def ours():
        return [span for span in collector.spans if span.trace_id.hex() == trace_id]

    wait_until(lambda: any(attributes(span).get("http.route") for span in ours()), "the spans", 20)
    request = next(span for span in ours() if "http.route" in attributes(span))
    seen = attributes(request)
    assert seen["http.route"].endswith("/gaps")
    assert (seen["http.response.status_code"], seen["candlewick.request_id"]) == (200, "of-this-test")
    assert request.parent_span_id.hex() == "b7ad6b7169203331"
    statements = [attributes(span)["db.query.text"] for span in ours() if "db.query.text" in attributes(span)]
    assert any("FROM gap_ledger" in statement and ":before" in statement for statement in statements)
