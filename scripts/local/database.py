"""MariaDB in place of Aurora MySQL."""

import os
import shutil
import subprocess
from pathlib import Path

import pymysql

from local.certificates import write_certificates
from local.processes import (
    HOST,
    SYSTEM_PATH,
    Service,
    as_user,
    free_port,
    wait_until,
)

USER = "mlflow"


class Database:
    """MariaDB with TLS, one folder for each instance."""

    def __init__(self, folder: Path, *, log_statements: bool = False) -> None:
        self.folder = folder
        self.port = free_port()
        self.statement_log = folder / "statements.log"
        self.ca_file = folder / "ca.pem"
        self._service: Service | None = None
        folder.mkdir()
        write_certificates(folder)
        data = folder / "data"
        data.mkdir()
        # As a user of its own where that is possible: the server refuses to run as root.
        self._user = "mysql" if os.geteuid() == 0 else None
        if self._user:
            for path in (folder, data, folder / "key.pem"):
                shutil.chown(path, self._user, self._user)
        self.config = folder / "my.cnf"
        self.config.write_text(
            f"""[mysqld]
datadir={data}
socket={folder}/socket
pid-file={folder}/pid
bind-address={HOST}
port={self.port}
skip-name-resolve
skip-log-bin
character-set-server=utf8mb4
collation-server=utf8mb4_unicode_ci
innodb-buffer-pool-size=256M
max-connections=400
ssl-ca={self.ca_file}
ssl-cert={folder}/certificate.pem
ssl-key={folder}/key.pem
require-secure-transport=ON
general-log={int(log_statements)}
general-log-file={self.statement_log}
"""
        )
        subprocess.run(
            [
                "setpriv",
                *as_user(self._user),
                "mariadb-install-db",
                f"--defaults-file={self.config}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-name-resolve",
            ],
            env={"PATH": SYSTEM_PATH},
            cwd=folder,
            check=True,
            capture_output=True,
        )

    def start(self) -> None:
        self._service = Service(
            ["mariadbd", f"--defaults-file={self.config}"],
            {},
            self.folder / "log",
            user=self._user,
        )
        wait_until(self._answers, "the start of MariaDB")

    def _answers(self) -> bool:
        # The administrator's socket is the last that it opens.
        try:
            self.connect().close()
        except pymysql.err.OperationalError:
            return False
        return True

    def stop(self) -> None:
        if self._service:
            self._service.stop()

    def kill(self) -> None:
        assert self._service
        self._service.kill_all()

    def connect(self, name: str | None = None) -> pymysql.Connection:
        """As the administrator."""
        return pymysql.connect(
            unix_socket=str(self.folder / "socket"), user="root", database=name, autocommit=True
        )

    def execute(self, statement: str, *parameters: object, name: str | None = None) -> list[tuple]:
        with self.connect(name) as connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return list(cursor.fetchall())

    def create(self, name: str) -> None:
        self.execute(f"CREATE DATABASE `{name}`")

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE `{name}`")

    def set_password(self, password: str) -> None:
        user = f"'{USER}'@'{HOST}'"
        self.execute(f"CREATE USER IF NOT EXISTS {user}")
        self.execute(f"ALTER USER {user} IDENTIFIED BY %s", password)
        self.execute(f"GRANT ALL ON *.* TO {user}")
