"""Reference processes of a marketing department, the worlds that simulate them, and the sample data made of them."""

from mkmine.catalogue.article import article_world
from mkmine.catalogue.article import scenarios as article_scenarios

__all__ = ["article_scenarios", "article_world"]
