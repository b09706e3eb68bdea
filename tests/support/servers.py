"""Real servers for tests: a private MariaDB and a private S3 endpoint, each of which can be killed and started again."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import MySQLdb

from support.ports import free_port, listens, wait_until

ROOT_PASSWORD = "root-of-a-throw-away-server"


class Server:
    """A child process that listens on a port."""

    def __init__(self, argv: list[str], port: int, log: Path) -> None:
        self.argv, self.port, self.log = argv, port, log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.argv, stdout=log, stderr=log)
        wait_until(lambda: listens(self.port) or self._ended(), f"{self.argv[0]} answering")
        if self._ended():
            raise RuntimeError(f"{self.argv[0]} ended: {self.log.read_text()[-2000:]}")

    def _ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()


class MariaDB(Server):
    """A MariaDB on an own data directory; root has a password over TCP."""

    name = "mariadb"

    def __init__(self, folder: Path, buffer_pool: str = "256M", log_file: str = "96M") -> None:
        self.data = folder / "data"
        self.host, self.user, self.password = "127.0.0.1", "root", ROOT_PASSWORD
        port = free_port()
        server = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin") or "mariadbd"
        config = folder / "my.cnf"
        scratch = folder / "tmp"  # a server that starts deletes the temporary tables of others that share its folder
        scratch.mkdir(exist_ok=True)
        config.write_text(
            f"[mysqld]\nbind-address=127.0.0.1\nport={port}\nsocket={folder}/s.sock\ndatadir={self.data}\n"
            f"tmpdir={scratch}\n"
            "character-set-server=utf8mb4\ncollation-server=utf8mb4_unicode_ci\nlocal-infile=1\n"
            "default-time-zone=+00:00\nskip-name-resolve\ntransaction-isolation=READ-COMMITTED\n"
            f"innodb_buffer_pool_size={buffer_pool}\ninnodb_log_file_size={log_file}\n"
            "innodb_flush_log_at_trx_commit=1\n"
            f"init-file={folder}/init.sql\n"
        )
        (folder / "init.sql").write_text(
            f"CREATE USER IF NOT EXISTS 'root'@'127.0.0.1' IDENTIFIED BY '{ROOT_PASSWORD}';\n"
            "GRANT ALL ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;\n"
        )
        as_root = [f"--user={getpass.getuser()}"] if os.geteuid() == 0 else []
        if not (self.data / "mysql").is_dir():
            done = subprocess.run(
                # A relative folder: the installer is a shell script that breaks paths at spaces.
                ["mariadb-install-db", "--no-defaults", "--datadir=./data", "--skip-test-db", *as_root],
                check=False, capture_output=True, text=True, cwd=folder, env={**os.environ, "TMPDIR": str(scratch)},
            )  # fmt: skip
            if done.returncode:
                raise RuntimeError(f"mariadb-install-db: {done.stdout[-2000:]} {done.stderr[-2000:]}")
        super().__init__([server, f"--defaults-file={config}", *as_root], port, folder / "server.log")

    def start(self) -> None:
        super().start()
        wait_until(self.answers, "MariaDB letting root in")

    def answers(self) -> bool:
        try:
            self.connect().close()
        except MySQLdb.Error:
            return False
        return True

    def connect(self, database: str = "", *, autocommit: bool = True) -> MySQLdb.Connection:
        return connect(self, database, autocommit=autocommit)


class GivenMySQL:
    """A MySQL server that somebody runs for us: CANDLEWICK_TEST_MYSQL=host:port:user:password."""

    name = "mysql"

    def __init__(self, given: str) -> None:
        self.host, port, self.user, self.password = given.split(":", 3)
        self.port = int(port)

    def connect(self, database: str = "", *, autocommit: bool = True) -> MySQLdb.Connection:
        return connect(self, database, autocommit=autocommit)


def connect(server: MariaDB | GivenMySQL, database: str, *, autocommit: bool) -> MySQLdb.Connection:
    return MySQLdb.connect(
        host=server.host, port=server.port, user=server.user, password=server.password, database=database,
        charset="utf8mb4", local_infile=1, autocommit=autocommit,
    )  # fmt: skip


class ObjectStore(Server):
    """rclone serving a folder as S3."""

    key, secret = "test-key", "test-secret"

    def __init__(self, folder: Path) -> None:
        port = free_port()
        (folder / "buckets").mkdir(exist_ok=True)
        super().__init__(
            [
                str(Path(sys.prefix) / "bin" / "rclone"), "serve", "s3", str(folder / "buckets"),
                "--addr", f"127.0.0.1:{port}", "--auth-key", f"{self.key},{self.secret}", "--config", os.devnull,
            ],
            port,
            folder / "server.log",
        )  # fmt: skip

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self):
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3", endpoint_url=self.url, aws_access_key_id=self.key, aws_secret_access_key=self.secret,
            region_name="us-east-1",
            config=Config(
                max_pool_connections=32, retries={"total_max_attempts": 2}, s3={"addressing_style": "path"},
                request_checksum_calculation="when_required", response_checksum_validation="when_required",
            ),
        )  # fmt: skip
