"""Where everything lies in the two arrays of the compiled twin: the tables `p`, and what changes, `m`.

Handing dozens of arrays from function to function would cost more than the simulation. Both arrays begin with single
numbers, `m[at.NOW]`, and with where their sections begin: `m[m[at.BUSY] + worker]`. `twin` lays them out.
"""

from __future__ import annotations

# What `play` returns; WANTED says for which place, visit, block, or queue.
OVER, DRAWS, ROWS, CASES, WAITS, ITEMS, QUEUE, TODO, CALENDAR, STUCK = range(10)
# What calling people for work leads to; BEYOND: past the end of the compiled calendars.
NOBODY, TAKEN, BEYOND = range(3)
# Kinds of places (`tables.Kind`).
TASK, OUTSIDE, XOR, AND, OR, MERGE, JOIN, EVENT = range(8)
# Added to a place that a case goes on to as soon as the activity before it begins (`tables.OVERLAP`).
OVERLAP = 1 << 40
# How a case ends, where it comes to a negative place (`tables.END` and so on).
CANCELLED_END, TERMINATED, WITHDRAWN = -2, -3, -4
# What lies on the stack: a case enters a place, or visits it without being counted again; its work is offered (or, as a
# piece of a batch, joins the queue); it is done; a branch ends, or ends and leaves its place; a case leaves its place;
# the door of a place opens; the next case begins; an old case goes on; and what happens to batches.
(ENTER, VISIT, OFFER, PIECE, DONE, END, DROP, WITHDRAW, DOOR, START, RESUMED, DROPPED, PIECES, BUNDLE,
 UNBUNDLE) = range(15)  # fmt: skip
# What happens when a wait is over.
(LEAVE_LATER, OFFER_LATER, GO_LATER, GIVE_UP, HAND_OVER, COME, RESUME) = range(7)
# Where an old case is: its work waits, is in somebody's hands, or is done.
WAITING, WORKING, FINISHED_WORK = range(3)
LIFO, DUE = 1, 2
NEVER = 2**62
# So many activities of a case are remembered for contexts.
TRACE = 9
# How case, activity and person share a number in the rows.
CASE_BITS, ACTIVITY_BITS = 32, 20
# Who happens shares a number with the order of scheduling.
WHO_BITS = 24
# A thing on the stack: what, case (or item), place, group of draws, since, person (of who enters: whether ahead of the
# work).
THING = 6

# The tables: single numbers, and sections.
(ARRIVING, BRANCHED, CASES_ALL, CHOOSY, CONWIP, HANDED, KEYED, LONGEST, MOST_ROUNDS, OLD, ORDER, OVERLAPPING, PACED,
 PEOPLE, PLACES, ROLES, SHIFT, TRACED, WORKERS) = range(19)  # fmt: skip
(ADDITION, ARRIVALS, AVERSION, BATCH_CLOCK, BATCH_HOURS, BATCH_OPENS, BATCH_SIZE, BATCHED, BEGIN, CLOCK,
 CONTEXT_ACTIVITY, CONTEXT_EDGES, CONTEXT_FIRST, CONTEXT_NEXT, CONTEXT_ROOT, DELAY, DRAWN, EDGE, EDGE_FIRST,
 EDGE_TARGET, ENTRY_FIRST, ENTRY_ROLE, ENTRY_WORKER, FINISH, FITS, GIVEN_UP, HABIT, KEY, KIND, LIMIT, LINE_BEFORE,
 LINE_ENDS, LINE_FIRST, LINE_STARTS, NEEDED, OLD_DOER, OLD_ENDED, OLD_LEFT, OLD_PERSON, OLD_PLACE, OLD_SINCE,
 OLD_STAGE, OLD_STARTED, OLD_TRACE, OLD_VISITS, OTHER, OWNER, PACE, PATIENCE, PATIENCE_CLOCK, PERSON_FIRST, PERSON_KEY,
 PLAIN, RACE, RACE_TIME, RANK, ROLE, ROUNDS, ROUTE, TARGET, TARGET_CLOCK, TARGET_FIRST, TOGETHER, WAITS_AHEAD,
 WAITS_BEFORE, WAITS_COLUMN, WAITS_FIRST, WHOLE_SHIFT, WORKER_CLOCK, WORKER_PERSON) = range(19, 89)  # fmt: skip
TABLES = 89

# What changes: single numbers, and sections.
(BUNDLED, EVENTS, FINISHED, FREE_ITEM, FREE_SLOT, FREE_WAIT, IN_PROCESS, ITEM_ROOM, NEXT_CASE, NEXT_START, NOW,
 NUMBER, N_ROWS, N_TODO, PHASE, ROW_ROOM, SEQUENCE, TODO_ROOM, WANTED, WANTED_BLOCK, WANTED_VISIT,
 WORKER) = range(22)  # fmt: skip
(ARRIVED, BATCHES, BRANCHES, BUSY, CANCELLED, CLOSES, DEAD, DOER, DOOR_FIRST, DOOR_LAST, EVENT_MARK, EVENT_TIME,
 HELD_COUNT, HELD_FIRST, HELD_LAST, IDLE_HEAD, IDLE_LAST, IDLE_NEXT, IDLE_TAIL, INSIDE, IN_HAND, ITEM_CASE,
 ITEM_GONE, ITEM_GROUP, ITEM_NEXT, ITEM_NUMBER, ITEM_PLACE, ITEM_QUEUE, ITEM_SINCE, LEFT, ONWARD, OPENED, OPENS,
 QUEUE_FIRST, QUEUE_ITEM, QUEUE_KEY, QUEUE_NUMBER, QUEUE_ROOM, QUEUE_SIZE, RETURNS, ROWS_OF, SLOT, SLOT_CHAIN,
 TODO_OF, TRACE_OF, VISITS, WAIT_CASE, WAIT_GROUP, WAIT_PLACE, WAIT_SINCE, WAIT_WHAT, WAKING, WORKER_CASE,
 WORKER_GROUP, WORKER_ITEM, WORKER_PLACE) = range(22, 78)  # fmt: skip
MEMORY = 78
