"""The database, the stand-ins for AWS and any number of tasks, in one temporary folder."""

import contextlib
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local.aws import Aws
from local.database import USER, Database
from local.task import Task


class Stack:
    """Use it in a `with` statement: nothing of it is left afterwards."""

    def __init__(self, *, log_statements: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mlops-services-"))
        # The database and the workers of nginx may run as users of their own.
        self.folder.chmod(0o755)
        self._exit = contextlib.ExitStack()
        self._exit.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.database = Database(self.folder / "database", log_statements=log_statements)
        self.aws = Aws(self.folder / "aws")
        self.secret_arn = ""
        self._tasks = 0

    def __enter__(self) -> Self:
        try:
            self._exit.callback(self.database.stop)
            self.database.start()
            self._exit.callback(self.aws.stop)
            self.aws.start()
            # Characters that a URI or an option file would need to escape.
            password = "first p@ss:/?#[]!$&%+='\"\\w"
            self.database.set_password(password)
            self.secret_arn = self.aws.create_secret("database", self.secret(password))
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._exit.close()

    @staticmethod
    def secret(password: str) -> dict[str, str]:
        return {"username": USER, "password": password}

    def rotate_password(self, password: str) -> None:
        """As RDS does: in the database, and then in the secret."""
        self.database.set_password(password)
        self.aws.set_secret(self.secret_arn, self.secret(password))

    def task(self, **options: Any) -> Task:
        """A task that is not started yet; options are those of `Task`."""
        self._tasks += 1
        folder = self.folder / f"task-{self._tasks}"
        task = Task(folder, self.database, self.aws, self.secret_arn, **options)
        self._exit.callback(task.stop)
        return task
