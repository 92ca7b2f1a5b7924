"""Models that do as they are told, pickled with their code."""

import time
from pathlib import Path

import pandas
from sklearn.base import BaseEstimator, RegressorMixin


class SlowToPredict(RegressorMixin, BaseEstimator):
    """Tells of each prediction by a file, and makes it once the file `go` is there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def predict(self, data: pandas.DataFrame) -> list[float]:
        (number,) = data["number"]
        (self.folder / f"begun-{number}").touch()
        while not (self.folder / "go").exists():
            time.sleep(0.01)
        return [float(number)]


class SlowToLoad(RegressorMixin, BaseEstimator):
    """Is loaded once the file is there."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __setstate__(self, state: dict[str, Path]) -> None:
        super().__setstate__(state)
        while not self.file.exists():
            time.sleep(0.01)

    def predict(self, data: pandas.DataFrame) -> list[float]:
        return [1.0] * len(data)


class Failing(RegressorMixin, BaseEstimator):
    def predict(self, data: pandas.DataFrame) -> list[float]:
        raise ZeroDivisionError(f"division of {data['number'][0]} by zero")
