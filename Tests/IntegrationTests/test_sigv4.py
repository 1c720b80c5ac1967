"""The signatures that the unit tests compare with are those of botocore as it is pinned."""

import json
import runpy
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parents[1] / "AWSTests" / "Fixtures"


def test_the_table_of_signatures_is_botocores():
    """Generating it again gives the same file."""
    pytest.importorskip("botocore")
    generator = runpy.run_path(str(FIXTURES / "generate_signatures.py"))
    kept = (FIXTURES / "signatures.json").read_text(encoding="ascii")
    assert json.loads(generator["document"]()) == json.loads(kept)
    assert generator["document"]() == kept
