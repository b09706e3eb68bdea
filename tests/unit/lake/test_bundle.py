"""A bundle: the same bytes for the same answers, opened by tar, and damage is seen."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tracemalloc

import pytest

from candlewick.lake.bundle import BundleWriter, DamagedBundle, members

AT = 1_717_200_000_123
ANSWERS = [
    (f"2024-06-01/BTCUSDT_klines_{AT + n}.json", AT + n, b'{"data":[' + str(n).encode() * n + b"]}") for n in range(600)
]


def bundle_of(answers):
    file = io.BytesIO()
    writer = BundleWriter(file)
    for key, stamp, payload in answers:
        writer.add(key, stamp, payload)
    return file, writer.close()


def test_the_same_answers_make_the_same_bytes_and_come_back_one_by_one():
    file, packed = bundle_of(ANSWERS)
    again, packed_again = bundle_of(ANSWERS)

    assert file.getvalue() == again.getvalue()
    assert file.getvalue()[4:8] == bytes(4)  # the time of packing is not in it
    assert packed == packed_again
    assert packed.sha256 == hashlib.sha256(file.getvalue()).hexdigest()
    assert packed.bundle_bytes == len(file.getvalue())
    assert packed.source_bytes == sum(len(payload) for _, _, payload in ANSWERS)
    assert packed.digests == {key: hashlib.sha256(payload).hexdigest() for key, _, payload in ANSWERS}
    assert list(members(file)) == [(key, payload) for key, _, payload in ANSWERS]


def test_tar_alone_opens_it_under_the_names_and_with_the_times_of_capture(tmp_path):
    answers = [
        *ANSWERS[:3],
        ("2024-06-01/币安人生USDT_klines_1717200000999.json", AT, b"{}"),
        ("2024-06-01/" + "X" * 120, AT, b"[]"),
    ]
    file, _ = bundle_of(answers)
    (tmp_path / "a.tar.gz").write_bytes(file.getvalue())

    subprocess.run(
        ["tar", "-xzf", "a.tar.gz"], cwd=tmp_path, check=True, env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
    )
    for key, stamp, payload in answers:
        assert (tmp_path / key).read_bytes() == payload
        assert (tmp_path / key).stat().st_mtime == stamp // 1000
    assert list(members(file)) == [(key, payload) for key, _, payload in answers]


@pytest.mark.parametrize("cut", [0, 1, 100, 2000, -1, -4, -300])
def test_a_bundle_that_ends_early_is_damaged(cut):
    whole = bundle_of(ANSWERS)[0].getvalue()
    with pytest.raises(DamagedBundle, match=r"cannot be unpacked"):
        list(members(io.BytesIO(whole[:cut])))


@pytest.mark.parametrize("place", [0, 5000, -6])
def test_a_bundle_with_another_byte_is_damaged(place):
    changed = bytearray(bundle_of(ANSWERS)[0].getvalue())
    changed[place] ^= 0x55
    with pytest.raises(DamagedBundle, match=r"cannot be unpacked"):
        list(members(io.BytesIO(changed)))


def test_memory_does_not_grow_with_the_answers(tmp_path):
    payload = b"[" + b"1," * 50_000 + b"1]"
    tracemalloc.start()
    with (tmp_path / "big").open("w+b") as file:
        writer = BundleWriter(file)
        for number in range(300):
            writer.add(f"2024-06-01/BTCUSDT_klines_{AT + number}.json", AT + number, payload)
        packed = writer.close()
        assert sum(len(one) for _, one in members(file)) == packed.source_bytes == 300 * len(payload)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


def test_memory_does_not_grow_with_their_number():
    file, packed = bundle_of([(f"2024-06-01/BTCUSDT_klines_{AT + n}.json", AT + n, b"[]") for n in range(10_000)])
    file.seek(0)
    tracemalloc.start()
    assert sum(1 for _ in members(file)) == len(packed.digests) == 10_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 << 20
