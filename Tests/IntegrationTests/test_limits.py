"""The time limit of tests ends those too that swallow its exception."""

import sys
from pathlib import Path

import pytest

from lab import run

HANGING = """
import asyncio
import threading
import time
import pytest


@pytest.mark.limit(1)
def test_loop():
    async def stays():
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                pass

    async def scenario():
        other = asyncio.create_task(stays())
        await asyncio.sleep(0)
        while True:
            # In a step of the task, which keeps the exception for itself.
            time.sleep(0.01)
            await asyncio.sleep(0)

    asyncio.run(scenario())


@pytest.mark.limit(1)
def test_swallower():
    try:
        time.sleep(60)
    except BaseException:
        pass


@pytest.mark.limit(20)
def test_in_time():
    assert True
"""


@pytest.mark.limit(60)
def test_a_test_that_hangs_in_a_loop_is_ended(tmp_path):
    """An event loop that goes on after the exception, and a test that goes on as if nothing had been, fail; others pass."""
    (tmp_path / "test_hanging.py").write_text(HANGING)
    here = Path(__file__).parent
    words = [sys.executable, "-m", "pytest", "-q", "-c", here / "pytest.ini", "--rootdir", tmp_path,
             "-p", "no:cacheprovider", "-p", "conftest", tmp_path]
    done = run(["env", f"PYTHONPATH={here}", *words], timeout=50, cwd=tmp_path)
    text = done.out.decode()
    assert "2 failed, 1 passed" in text, text
    assert text.count("the test took longer than 1 s") >= 2, text
