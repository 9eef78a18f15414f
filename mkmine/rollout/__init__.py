"""Did it come true: a real log before and after a change, against what was predicted."""

from mkmine.rollout.effect import Effect, effect
from mkmine.rollout.hindsight import Hindsight, hindsight

__all__ = ["Effect", "Hindsight", "effect", "hindsight"]
