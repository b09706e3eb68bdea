"""Starting and stopping services: nothing of ours survives, nothing of others is touched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest

from candlewick.local.errors import ServiceFailed
from candlewick.local.processes import Processes, Service
from support.ports import wait_until

SLEEP = "import time; time.sleep(300)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); {SLEEP}"
# A child in a session of its own, whose parent is gone by the time anyone looks.
LEAVES_AN_ORPHAN = f"""
import subprocess, sys, time
middle = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {SLEEP!r}], start_new_session=True).pid, flush=True)"
subprocess.run([sys.executable, "-c", middle], start_new_session=True)
time.sleep(300)
"""


@pytest.fixture
def processes(tmp_path):
    each = Processes(tmp_path)
    yield each
    each.stop(each.records(), 0.1)
    each.sweep(0.1)


def service(code: str, name: str = "service") -> Service:
    return Service(name, [sys.executable, "-c", code], dict(os.environ))


def said(processes: Processes, name: str = "service") -> str:
    path = processes.logs / f"{name}.log"
    return path.read_text() if path.exists() else ""


def ended(process: psutil.Process) -> bool:
    """Whether it runs no more; who reaps it, and when, is not ours to say."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_started_service_is_found_by_its_record(processes):
    record = processes.start(service(SLEEP))
    assert processes.running("service") == record
    assert os.getsid(record.pid) == record.pid


def test_starting_twice_is_starting_once(processes):
    assert processes.start(service(SLEEP)) == processes.start(service(SLEEP))


def test_records_can_be_read_by_their_owner_only(processes):
    processes.start(service(SLEEP))
    assert (processes.run / "service.json").stat().st_mode & 0o777 == 0o600


def test_stop_ends_a_service_and_forgets_it(processes):
    record = processes.start(service(SLEEP))
    processes.stop([record], 5)
    assert record.process() is None
    assert processes.records() == []


def test_stop_ends_a_grandchild_that_changed_its_session_and_lost_its_parent(processes):
    record = processes.start(service(LEAVES_AN_ORPHAN))
    wait_until(lambda: said(processes).strip().isdigit(), "the orphan's id")
    orphan = psutil.Process(int(said(processes)))
    wait_until(lambda: orphan.ppid() != record.pid, "the loss of its parent")
    assert os.getsid(orphan.pid) != record.session
    processes.stop([record], 5)
    assert ended(orphan)


def test_an_orphan_of_a_service_that_died_is_stopped_as_well(processes):
    record = processes.start(service(LEAVES_AN_ORPHAN))
    wait_until(lambda: said(processes).strip().isdigit(), "the orphan's id")
    orphan = psutil.Process(int(said(processes)))
    os.kill(record.pid, signal.SIGKILL)
    wait_until(lambda: record.process() is None, "the service's end")
    processes.stop([record], 5)
    assert ended(orphan)


def test_starting_again_after_a_crash_clears_what_the_dead_one_left(processes):
    record = processes.start(service(LEAVES_AN_ORPHAN))
    wait_until(lambda: said(processes).strip().isdigit(), "the orphan's id")
    orphan = psutil.Process(int(said(processes)))
    os.kill(record.pid, signal.SIGKILL)
    wait_until(lambda: record.process() is None, "the service's end")
    assert processes.start(service(SLEEP)).pid != record.pid
    assert ended(orphan)


def test_who_ignores_term_is_killed_when_the_grace_is_over(processes):
    record = processes.start(service(STUBBORN))
    wait_until(lambda: "up" in said(processes), "the handler")
    started = time.monotonic()
    processes.stop([record], 0.5)
    assert record.process() is None
    assert 0.5 <= time.monotonic() - started < 5


def test_who_heeds_term_is_not_waited_for(processes):
    record = processes.start(service(SLEEP))
    started = time.monotonic()
    processes.stop([record], 60)
    assert time.monotonic() - started < 10


def test_a_reused_process_id_is_left_alone(processes):
    with subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True) as stranger:
        try:
            record = processes.start(service(SLEEP))
            processes.stop([record], 5)
            # As if the service had died long ago and the kernel had given its number to the stranger.
            old = replace(record, pid=stranger.pid, session=stranger.pid, create_time=record.create_time - 3600)
            (processes.run / "service.json").write_text(json.dumps(vars(old)))
            assert processes.records() == [old]
            assert old.process() is None
            assert processes.running("service") is None
            processes.stop([old], 0.2)
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_another_home_on_the_same_machine_is_left_alone(processes, tmp_path):
    other = Processes(tmp_path / "other")
    theirs = other.start(service(SLEEP))
    try:
        processes.stop([processes.start(service(SLEEP))], 5)
        processes.sweep(0.1)
        assert theirs.process() is not None
    finally:
        other.stop([theirs], 5)


def test_sweep_finds_what_has_no_record(processes):
    record = processes.start(service(SLEEP))
    (processes.run / "service.json").unlink()
    wait_until(lambda: record.process().environ(), "its environment")  # empty for a moment while it is executed
    assert processes.sweep(5) == 1
    assert record.process() is None


def test_a_service_that_ends_while_starting_shows_its_last_words(processes):
    record = processes.start(service("raise SystemExit('no space on this device')"))
    with pytest.raises(ServiceFailed, match=r"service ended while it started[\s\S]*no space on this device"):
        processes.wait_ready(record, lambda: False, 30)


def test_a_service_that_never_answers_names_its_log(processes):
    record = processes.start(service(SLEEP))
    with pytest.raises(ServiceFailed, match=r"did not answer within 0 s; the log is .*service\.log"):
        processes.wait_ready(record, lambda: False, 0.2)
