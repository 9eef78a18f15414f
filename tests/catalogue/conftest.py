"""One run of the article world for all tests of the catalogue."""

from __future__ import annotations

import pytest

from mkmine.catalogue.samples import ArticleSample, make_article


@pytest.fixture(scope="session")
def made() -> ArticleSample:
    """The article world, run with the seed of the sample."""
    return make_article()
