"""Objects of any size, on a real S3 endpoint."""

from __future__ import annotations

import hashlib
import io
import socket
import threading
import time
import tracemalloc
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from botocore.config import Config

from candlewick.lake import readers
from candlewick.lake.store import Lake, LakeError, LakeUnavailable, ObjectMissing

MEBIBYTE = 1 << 20


@pytest.fixture
def bucket(lake):
    return lake.config.raw_bucket


def test_a_file_goes_in_and_comes_out_byte_for_byte(lake, bucket, tmp_path):
    content = bytes(range(256)) * 5000
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with path.open("rb") as file:
        file.read(10)  # where it was read last does not matter
        lake.put_file(bucket, "archive/a.zip", file)

    sink = io.BytesIO()
    assert lake.read_into(bucket, "archive/a.zip", sink) == hashlib.sha256(content).hexdigest()
    assert sink.getvalue() == content == lake.get(bucket, "archive/a.zip")


def test_an_empty_file_is_a_file(lake, bucket):
    lake.put_file(bucket, "empty", io.BytesIO())
    assert lake.read_into(bucket, "empty", io.BytesIO()) == hashlib.sha256().hexdigest()


def test_memory_does_not_grow_with_the_object(lake, bucket, tmp_path):
    big, copy = tmp_path / "big", tmp_path / "copy"
    with big.open("wb") as file:
        file.truncate(48 * MEBIBYTE)
    lake.put_file(bucket, "warm", io.BytesIO(b"botocore loads its models at the first call"))

    tracemalloc.start()
    with big.open("rb") as source, copy.open("wb") as sink:
        lake.put_file(bucket, "big", source)
        lake.read_into(bucket, "big", sink)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert copy.stat().st_size == 48 * MEBIBYTE
    assert peak < 8 * MEBIBYTE


def test_what_is_not_there_is_said_to_be_missing(lake, bucket):
    with pytest.raises(ObjectMissing, match=r"expected to read .*nothing\.zip"):
        lake.read_into(bucket, "nothing.zip", io.BytesIO())


def test_a_bucket_that_is_not_there_is_made(object_store, config):
    lake = Lake(object_store.client(), config)
    lake.put_file(config.raw_bucket, "first", io.BytesIO(b"one"))
    assert lake.get(config.raw_bucket, "first") == b"one"


def test_amazon_is_told_the_region_of_a_new_bucket(config):
    made = []

    class Frankfurt(BaseHTTPRequestHandler):
        """Answers as S3 does there."""

        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self._answer(200, b"<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>")

        def do_PUT(self):
            said = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if b"<LocationConstraint>eu-central-1</LocationConstraint>" not in said:
                code = b"<Error><Code>IllegalLocationConstraintException</Code><Message>unspecified</Message></Error>"
                return self._answer(400, code)
            made.append(self.path.strip("/"))
            return self._answer(200, b"")

        def _answer(self, status, body):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Frankfurt) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = boto3.client(
            "s3", endpoint_url=f"http://127.0.0.1:{server.server_port}", region_name="eu-central-1",
            aws_access_key_id="a", aws_secret_access_key="b", config=Config(s3={"addressing_style": "path"}, proxies={}),
        )  # fmt: skip
        buckets = [config.raw_bucket, config.archive_bucket, config.backup_bucket]
        assert Lake(client, config).ensure_buckets() == buckets
        client.close()
        server.shutdown()
    assert made == buckets


def test_a_store_that_ends_in_the_middle_of_an_object_is_unavailable(config):
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_answer_by_halves, args=(server,), daemon=True).start()
        client = boto3.client(
            "s3", endpoint_url=f"http://127.0.0.1:{server.getsockname()[1]}", region_name="us-east-1",
            aws_access_key_id="a", aws_secret_access_key="b",
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, proxies={}),
        )  # fmt: skip
        with pytest.raises(LakeUnavailable, match=r"read raw/a\.zip"):
            Lake(client, config).read_into("raw", "a.zip", io.BytesIO())


def _answer_by_halves(server):
    connection, _ = server.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 500_000)


def test_many_objects_come_in_order_and_those_that_are_not_there_as_none(lake, bucket):
    keys = [f"2024-06-01/币安人生USDT_klines_{number}.json" for number in range(500)]
    for number, key in enumerate(keys):
        if number % 7:
            lake.put(bucket, key, str(number).encode())

    expected = [str(number).encode() if number % 7 else None for number in range(500)]
    assert list(lake.get_many(bucket, keys)) == expected
    assert list(lake.get_many(bucket, [])) == []


def test_only_some_of_many_objects_are_read_ahead_of_somebody_who_is_slow(lake, bucket):
    keys = [f"{number}" for number in range(600)]
    for key in keys:
        lake.put(bucket, key, bytes(200_000))
    list(lake.get_many(bucket, keys[:1]))
    tracemalloc.start()
    found = lake.get_many(bucket, keys)
    next(found)
    lake._readers._pool.shutdown(wait=True)  # until all that was asked for is there
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert 2 * MEBIBYTE < held < 30 * MEBIBYTE


def test_many_objects_cannot_be_read_from_a_store_that_is_down_or_with_a_wrong_secret(
    object_store, lake, bucket, config
):
    lake.put(bucket, "a", b"1")
    client = boto3.client(
        "s3", endpoint_url=object_store.url, region_name="us-east-1", aws_access_key_id=object_store.key,
        aws_secret_access_key="another", config=Config(s3={"addressing_style": "path"}),
    )  # fmt: skip
    with pytest.raises(LakeError, match=r"expected to read .*/a, but the object store refused .* check the `lake`"):
        list(Lake(client, config).get_many(bucket, ["a"]))

    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = f"http://127.0.0.1:{server.getsockname()[1]}"
    client = boto3.client(
        "s3", endpoint_url=nobody, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b",
        config=Config(s3={"addressing_style": "path"}),
    )  # fmt: skip
    with pytest.raises(LakeUnavailable, match=r"expected to read raw/a, but the object store does not answer"):
        list(Lake(client, config).get_many("raw", ["a"]))


def test_credentials_that_change_are_taken_up_before_they_end(monkeypatch):
    """Those of a role end within hours, a run of maintenance takes as long."""
    signed: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_answer_and_note, args=(server, signed), daemon=True).start()
        client = boto3.client(
            "s3", endpoint_url=f"http://127.0.0.1:{server.getsockname()[1]}", region_name="us-east-1",
            aws_access_key_id="first", aws_secret_access_key="b",
            config=Config(s3={"addressing_style": "path"}, proxies={}),
        )  # fmt: skip
        assert timedelta(minutes=5) < readers.KEPT <= timedelta(minutes=10)
        monkeypatch.setattr(readers, "KEPT", timedelta(minutes=4))  # ends within the five minutes: asked for again
        lake = Lake(client)
        assert list(lake.get_many("raw", ["a"])) == [b"1"]
        client._request_signer._credentials.access_key = "second"
        time.sleep(0.3)  # it is asked ten times a second at most
        assert list(lake.get_many("raw", ["a"])) == [b"1"]
        lake.close()
    assert signed == ["first", "second"]


def _answer_and_note(server, signed):
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            asked = connection.recv(65_536).decode()
            signed.append(asked.partition("Credential=")[2].partition("/")[0])
            head = (
                'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nETag: "e"\r\nConnection: close\r\n'
                "Last-Modified: Sat, 01 Jun 2024 00:00:00 GMT\r\n\r\n"
            )
            connection.sendall(head.encode() + b"1")


def test_many_objects_are_deleted_also_when_some_are_gone_already(lake, bucket):
    keys = [f"2024-06-01/{number}" for number in range(1100)]
    for key in keys[:1050]:
        lake.put(bucket, key, b"1")
    lake.put(bucket, "other", b"1")

    assert lake.delete_many(bucket, keys) == {}
    assert list(lake.keys(bucket)) == ["other"]
    assert lake.delete_many(bucket, []) == {}


@pytest.mark.parametrize(("named", "refused"), [(b"<Key>b</Key>", "b"), (b"", "ab")], ids=["named", "not named"])
def test_the_store_says_which_objects_it_did_not_delete(named, refused):
    refusal = (
        b"<?xml version='1.0'?><DeleteResult><Error>" + named + b"<Code>AccessDenied</Code>"
        b"<Message>kept by a rule</Message></Error></DeleteResult>"
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_answer_once, args=(server, refusal), daemon=True).start()
        client = boto3.client(
            "s3", endpoint_url=f"http://127.0.0.1:{server.getsockname()[1]}", region_name="us-east-1",
            aws_access_key_id="a", aws_secret_access_key="b",
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, proxies={}),
        )  # fmt: skip
        assert Lake(client, None).delete_many("raw", ["a", "b"]) == dict.fromkeys(
            refused, "AccessDenied: kept by a rule"
        )


def test_a_size_is_known_without_reading(lake, bucket):
    lake.put(bucket, "a", b"123")
    assert lake.size(bucket, "a") == 3
    with pytest.raises(ObjectMissing, match=r"expected to look at .*/b"):
        lake.size(bucket, "b")


def _answer_once(server, body):
    connection, _ = server.accept()
    with connection:
        connection.recv(65_536)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode() + body)
