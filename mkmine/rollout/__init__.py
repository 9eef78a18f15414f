"""Did it come true: a real log before and after a change, against what was predicted."""

from mkmine.rollout.effect import Effect, effect

__all__ = ["Effect", "effect"]
