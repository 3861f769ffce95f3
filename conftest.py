"""For all tests: compiled loops are kept in a folder of this run, not in the user's cache."""

import os
import shutil
import tempfile

import pytest

CACHE = "CLEARPROP_CACHE"


def pytest_configure(config: pytest.Config) -> None:
    """Processes that a test starts inherit the folder."""
    before, folder = os.environ.get(CACHE), tempfile.mkdtemp(prefix="clearprop-tests-")
    os.environ[CACHE] = folder

    def put_back() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        if before is None:
            os.environ.pop(CACHE, None)
        else:
            os.environ[CACHE] = before

    config.add_cleanup(put_back)
