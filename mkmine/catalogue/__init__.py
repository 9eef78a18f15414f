"""Reference processes of a marketing department, the worlds that simulate them, and the sample data made of them."""

from mkmine.catalogue.article import article_world
from mkmine.catalogue.article import scenarios as article_scenarios
from mkmine.catalogue.comparison import Benchmark, benchmark
from mkmine.catalogue.reference import Reference, entries, load
from mkmine.catalogue.studies import new_study

__all__ = ["Benchmark", "Reference", "article_scenarios", "article_world", "benchmark", "entries", "load", "new_study"]
