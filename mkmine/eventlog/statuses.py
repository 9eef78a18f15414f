"""Logs of statuses, each lasting until the next: which of them are work, queues for people, or waits outside."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mkmine.eventlog.log import EventLog

__all__ = ["Stay", "is_final", "status_kind", "status_kinds", "tells_statuses", "waiting_stays"]

Stay = Literal["work", "queue", "outside"]

# Statuses that say of themselves that nobody works: queues, pauses, work assigned but not begun, or done but not
# closed.
_DONE = r"resolved\b|completed\b|done\b|closed\b|(?:реш[её]н|выполнен|заверш[её]н|закрыт)[аоы]?\b|готово\b(?! к)"
_WAIT = re.compile(
    r"\b(?:a?wait|queue|(?:on )?hold\b|pending|blocked|backlog|to.?do\b|parked|suspended|(?:un)?assigned\b|new\b|"
    r"created\b|ready\b|ожида|жд[её]т|очеред|на пауз|пауза|отложен|заблокир|приостан|(?:назначен|создан)[аоы]?\b|"
    rf"нов(?:ая|ый|ое)\b|готов\w* к\b|{_DONE})",
    re.IGNORECASE,
)
# Finished but for the last click: no colleague's time would shorten these.
_FINAL = re.compile(rf"\b(?:{_DONE})", re.IGNORECASE)
_OTHERS = re.compile(
    r"\b(?:users?\b|customers?\b|clients?\b|vendors?\b|suppliers?\b|third.?part|external|reporters?\b|requesters?\b|"
    r"клиент|заказчик|пользовател|поставщик|подрядчик|вендор|внешн|автор|заявител)",
    re.IGNORECASE,
)
# What waits for a colleague says so: that it is in a queue, that it is assigned, or what is to be done with it.
_QUEUE = re.compile(
    r"\b(?:queue|backlog|to.?do\b|(?:un)?assign|new\b|created\b|ready\b|approv|review|test|deploy|develop|очеред|назначен|"
    r"жд[её]т|готов\w* к\b|"
    r"нов(?:ая|ый|ое)\b|создан|согласован|утвержден|проверк|ревью|тестир|разработк|исполнени|обработк|начал)",
    re.IGNORECASE,
)
# With this share of seamless successions a log tells statuses, not work: each lasts until the next.
_SEAMLESS = 0.98


def tells_statuses(log: EventLog) -> bool:
    """Return whether the log tells statuses: nearly every instance lasts until the next of its case begins."""
    if log.timestamps != "interval" or log.enabled is not None:
        return False
    inner = log.position[1:] > 0
    return bool(inner.any()) and float((log.start[1:] == log.end[:-1])[inner].mean()) >= _SEAMLESS


def is_final(name: str) -> bool:
    """Return whether a status of this name says that the work is done, going by its words."""
    return _FINAL.search(name) is not None


def status_kind(name: str) -> Stay:
    """Return what a stay in the status of this name is, going by its words.

    `"queue"` waits for a colleague (in a queue, assigned, waiting for a review); `"outside"` for anything else: the
    client, the end of a pause, or the last click after the work is done. Everything that does not say that it waits is
    `"work"`.
    """
    if not _WAIT.search(name):
        return "work"
    if is_final(name) or _OTHERS.search(name):
        return "outside"
    return "queue" if _QUEUE.search(name) else "outside"


def status_kinds(log: EventLog) -> tuple[Stay, ...]:
    """Return for each activity what a stay in it is; `"work"` for all in a log that does not tell statuses."""
    tells = tells_statuses(log)
    return tuple(status_kind(name) if tells else "work" for name in log.activities)


def waiting_stays(log: EventLog) -> NDArray[np.bool_]:
    """Return for each instance (n,) whether it is a stay in a status that is a wait, for a colleague or outside.

    All false in a log that does not tell statuses.
    """
    waits = np.array([kind != "work" for kind in status_kinds(log)], dtype=np.bool_)
    return np.asarray(waits[log.activity])
