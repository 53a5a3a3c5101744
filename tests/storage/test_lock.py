"""The lock on a file, where many come and go."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Lock

import pytest

from storage.errors import StorageTaken
from storage.lock import locked


@pytest.mark.proves("store.owner")
def test_two_are_never_inside_though_each_owner_removes_the_file(tmp_path: Path) -> None:
    path, start = tmp_path / "lock", Barrier(4)
    alone, entered, met = Lock(), [], []

    def come_and_go(_: int) -> None:
        start.wait(5)
        for _ in range(2000):
            try:
                with locked(path):
                    entered.append(1)
                    if alone.acquire(blocking=False):
                        path.exists()  # a moment in which another thread may run
                        alone.release()
                    else:
                        met.append(1)
            except StorageTaken:
                continue

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(come_and_go, range(4)))
    assert met == []
    assert len(entered) > 4
    assert list(tmp_path.iterdir()) == []
