"""The API's views, for tests that go through its routes."""

from pathlib import Path

import pytest

from tests.controller.api.fake_views import FakeViews


@pytest.fixture
def views(tmp_path: Path) -> FakeViews:
    token = tmp_path / "operator.token"
    token.write_text("correct horse battery staple")
    return FakeViews(token_file=token)
