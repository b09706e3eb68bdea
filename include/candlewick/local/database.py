"""The warehouse server: how its accounts are reached, and a private MariaDB."""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import subprocess
import tempfile
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import MySQLdb

from candlewick.local import checks
from candlewick.local.errors import LauncherError, ServiceFailed, Unreachable
from candlewick.local.processes import Service
from candlewick.local.wiring import LOOPBACK
from candlewick.warehouse.database import Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from candlewick.local.home import Credentials, Home
    from candlewick.local.wiring import Account, Wiring
    from candlewick.settings import Settings

SERVER_PACKAGE = "mariadb-server-core mariadb-client-core"
# Tables of the raw schema that dbt writes to, in the transaction of its upserts.
TRANSFORMER_WRITES = ("pending_loads", "kline_revisions", "indicator_checkpoints", "pipeline_events")
DRILL_SUFFIX = "_drill"
LONGEST_SOCKET_PATH = 100  # the kernel takes 107 bytes


def open_account(account: Account, database: str = "") -> Any:
    """Open a connection as one of the platform's accounts."""
    return MySQLdb.connect(
        host=account.host,
        port=account.port,
        user=account.user,
        password=account.password,
        database=database,
        charset="utf8mb4",
        connect_timeout=5,
        local_infile=1,
        autocommit=True,
    )


@contextmanager
def session(account: Account) -> Iterator[Any]:
    """Open a connection for a while; what the server says against it becomes one sentence.

    Raises:
        Unreachable: it does not answer, refuses the password, or goes away.
    """
    where = f"The database of AIRFLOW_CONN_{account.connection} at {account.host}:{account.port}"
    try:
        connection = open_account(account)
    except MySQLdb.Error as error:
        raise Unreachable(
            f"{where} lets nobody in as {account.user} ({error.args[-1]}); check host, port, user and password."
        ) from None
    try:
        with closing(connection):
            yield connection
    except MySQLdb.Error as error:
        raise Unreachable(f"{where} failed while it was asked ({error.args[-1]}); look at make status.") from None


def writer(wiring: Wiring, settings: Settings) -> Warehouse:
    """Return the warehouse as the writer's account sees it."""
    account = wiring.account("WAREHOUSE")
    return Warehouse(lambda: open_account(account, settings.raw_schema), settings)


def system_user() -> str:
    """Return the name the kernel knows this process's user by; the database recognises its administrator by it.

    Raises:
        LauncherError: the user has no name, as in a container that was given a bare number.
    """
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise LauncherError(
            f"The user {os.geteuid()} has no name in /etc/passwd; add one or run as another user."
        ) from None


class PrivateDatabase:
    """A MariaDB of our own: data directory, settings, accounts."""

    def __init__(self, home: Home, settings: Settings, credentials: Credentials) -> None:
        self.home, self.settings, self.credentials = home, settings, credentials
        self.data = home.data / "mariadb"
        # Never the system's: a server that starts deletes temporary tables it finds there, also those of another server.
        self.scratch = home.data / "mariadb-tmp"
        self.config = home.data / "mariadb.cnf"
        self.socket = home.data / "mariadb.sock"
        if len(str(self.socket)) > LONGEST_SOCKET_PATH:
            name = hashlib.sha256(str(home.data).encode()).hexdigest()[:16]
            self.socket = Path(tempfile.gettempdir()) / f"candlewick-{os.getuid()}-{name}.sock"

    def service(self) -> Service:
        """Return the server, its data directory made at first."""
        server = checks.program("mariadbd", SERVER_PACKAGE)
        self.scratch.mkdir(parents=True, exist_ok=True)
        self.config.write_text(self._config(), encoding="utf-8")
        if not (self.data / "mysql").is_dir():
            self._install()
        as_root = [f"--user={system_user()}"] if os.geteuid() == 0 else []
        argv = [server, f"--defaults-file={self.config}", *as_root]
        # InnoDB writes its dirty pages on the way out; cutting that short costs a recovery at the next start.
        return Service("database", argv, dict(os.environ), self.settings.database_port, grace_seconds=60.0)

    def _install(self) -> None:
        """Make the data directory; its administrator is this system user over the socket, without a password."""
        installer = checks.program("mariadb-install-db", SERVER_PACKAGE)
        checks.program("my_print_defaults", SERVER_PACKAGE)
        user = system_user()
        # The installer is a shell script that breaks paths at spaces; a relative one has none.
        argv = [installer, "--no-defaults", f"--datadir=./{self.data.name}", "--skip-test-db", "--skip-name-resolve"]
        argv += ["--auth-root-authentication-method=socket", f"--auth-root-socket-user={user}"]
        argv += [f"--user={user}"] if os.geteuid() == 0 else []
        env = {**os.environ, "TMPDIR": str(self.scratch)}
        done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=self.data.parent, env=env)
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise LauncherError(
                f"mariadb-install-db could not make {self.data}: {said[-1] if said else 'it said nothing'}"
            )

    def _config(self) -> str:
        s = self.settings
        return f"""\
[mysqld]
datadir = {self.data}
tmpdir = {self.scratch}
socket = {self.socket}
pid-file = {self.home.data}/mariadb.pid
bind-address = {LOOPBACK}
port = {s.database_port}
skip-name-resolve
character-set-server = utf8mb4
collation-server = utf8mb4_unicode_ci
default-time-zone = +00:00
# Under REPEATABLE READ a long CREATE TABLE … SELECT holds up the load of newer rows.
transaction-isolation = READ-COMMITTED
local-infile = 1
innodb-buffer-pool-size = {s.database_memory_megabytes}M
# Room for a backfill's pages to be changed many times before they are written: with 96M it writes twice as much.
innodb-log-file-size = {max(512, s.database_memory_megabytes // 4)}M
innodb-flush-log-at-trx-commit = 1
max-allowed-packet = 64M
performance-schema = OFF
"""

    def ready(self) -> bool:
        """Whether the server answers on its socket."""
        with suppress(MySQLdb.Error), closing(self._administrator()):
            return True
        return False

    def _administrator(self) -> Any:
        return MySQLdb.connect(unix_socket=str(self.socket), user=system_user(), autocommit=True, connect_timeout=5)

    @contextmanager
    def _administration(self) -> Iterator[Any]:
        try:
            with closing(self._administrator()) as connection, connection.cursor() as cursor:
                yield cursor
        except MySQLdb.Error as error:
            log = self.home.logs / "database.log"
            raise ServiceFailed(
                f"The private MariaDB refused its set-up ({error.args[-1]}); the log is {log}."
            ) from None

    def create_accounts(self) -> None:
        """Create both schemas and the three accounts, with the passwords of today."""
        raw, marts = self.settings.raw_schema, self.settings.marts_schema
        # The schemas of a rebuild drill are made and dropped by it (candlewick.pipeline.drill).
        drill = [f"ALL ON {schema}{DRILL_SUFFIX}.*" for schema in (raw, marts)]
        grants = {
            "writer": [f"ALL ON {raw}.*", f"ALL ON {marts}.*", *drill],
            "transformer": [f"SELECT ON {raw}.*", f"ALL ON {marts}.*"],
            "reader": [f"SELECT ON {raw}.*", f"SELECT ON {marts}.*"],
        }
        with self._administration() as cursor:
            for schema in (raw, marts):
                cursor.execute(
                    f"CREATE DATABASE IF NOT EXISTS {schema} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
                )
            for role, rights in grants.items():
                user = f"'candlewick_{role}'@'%'"
                cursor.execute(f"CREATE USER IF NOT EXISTS {user}".replace("%", "%%"), ())
                cursor.execute(
                    f"ALTER USER {user} IDENTIFIED BY ".replace("%", "%%") + "%s",
                    (self.credentials[f"database_{role}"],),
                )
                for right in rights:
                    cursor.execute(f"GRANT {right} TO {user}")

    def grant_schemas(self, schemas: Sequence[str]) -> None:
        """Let the writer make and fill schemas of other names: a backup is restored into them."""
        with self._administration() as cursor:
            for schema in schemas:
                if not re.fullmatch(r"[a-z][a-z0-9_]*", schema):
                    raise LauncherError(f"A schema's name is of a-z, 0-9 and _, and {schema!r} is not; choose another.")
                cursor.execute(f"GRANT ALL ON {schema}.* TO 'candlewick_writer'@'%'")

    def grant_tables(self) -> None:
        """Let the transformer write the raw tables that belong to its transactions (they exist only now)."""
        with self._administration() as cursor:
            for table in TRANSFORMER_WRITES:
                cursor.execute(
                    f"GRANT SELECT, INSERT, UPDATE, DELETE ON {self.settings.raw_schema}.{table} TO 'candlewick_transformer'@'%'"
                )
