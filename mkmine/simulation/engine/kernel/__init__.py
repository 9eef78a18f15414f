"""The compiled twin of the engine: the same tables, the same draws, the same order of events, the same rows to the bit.

Read it beside `engine`, `places` and `limits`, whose names it keeps: `run` is what those who use it call, `layout` says
where everything lies. Nothing here is imported before it is needed, because loading numba takes half a second.
"""
