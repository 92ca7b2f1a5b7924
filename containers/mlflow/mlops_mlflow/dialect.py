"""A SQLAlchemy dialect whose connections outlive a change of the database's password.

MLflow takes its database as a URI that is fixed at the start. With `mysql+rotating://` each new
connection logs in as the secret says; when the database refuses that, the secret is read again and
the connection tried once more, so that a rotated password costs no request and needs no restart.
"""

import functools
import ssl
from typing import Any

from pymysql.constants.ER import ACCESS_DENIED_ERROR
from pymysql.err import OperationalError
from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql
from sqlalchemy.engine.interfaces import DBAPIConnection

from mlops_mlflow.secret import CredentialsSource, from_environment


@functools.cache
def credentials_source() -> CredentialsSource:
    """One for the process, which has several engines."""
    return from_environment()


@functools.cache
def tls_context(ca_file: str) -> ssl.SSLContext:
    """
    Verifies certificate and host name. PyMySQL would make one for each connection, and the RDS
    bundle holds more than a hundred certificates to parse.
    """
    return ssl.create_default_context(cafile=ca_file)


class RotatingPasswordDialect(MySQLDialect_pymysql):
    supports_statement_cache = True

    def connect(self, *args: Any, **options: Any) -> DBAPIConnection:
        if "ssl" in options:
            options["ssl"] = tls_context(options["ssl"]["ca"])
        source = credentials_source()
        first = source.current()
        try:
            return super().connect(*args, **options, user=first.user, password=first.password)
        except OperationalError as error:
            if error.args[0] != ACCESS_DENIED_ERROR:
                raise
        second = source.replaced(first)
        return super().connect(*args, **options, user=second.user, password=second.password)
