/* The office of the benchmark as a heap loop in C: what a compiler makes of the same tables and the same draws. */
#include <stdint.h>
#include <stdlib.h>

typedef int64_t i64;
typedef struct { i64 time, number, kase, place, person; } Event;
typedef struct { i64 kase, place, since; } Item;
typedef struct { Item *items; i64 head, tail, room; } Queue;

static Event *heap; static i64 heaped, room, sequence;
static i64 n, visits_most, shifts;
static const i64 *durations, *ways, *role_of, *starts, *ends, *before, *special;
static i64 *visits, *joined, *rows, written, activities;
static Queue *queues, *idle;

static int earlier(const Event *a, const Event *b) {
    return a->time < b->time || (a->time == b->time && a->number < b->number);
}

static void push(Event event) {
    if (heaped == room) heap = realloc(heap, (room *= 2) * sizeof(Event));
    i64 at = heaped++;
    while (at > 0 && earlier(&event, &heap[(at - 1) / 2])) { heap[at] = heap[(at - 1) / 2]; at = (at - 1) / 2; }
    heap[at] = event;
}

static Event pop(void) {
    Event top = heap[0], last = heap[--heaped];
    i64 at = 0;
    for (;;) {
        i64 child = 2 * at + 1;
        if (child >= heaped) break;
        if (child + 1 < heaped && earlier(&heap[child + 1], &heap[child])) child++;
        if (!earlier(&heap[child], &last)) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    return top;
}

static void put(Queue *queue, Item item) {
    if (queue->tail - queue->head == queue->room) {
        Item *more = malloc(2 * queue->room * sizeof(Item));
        for (i64 k = 0; k < queue->room; k++) more[k] = queue->items[(queue->head + k) % queue->room];
        free(queue->items);
        queue->items = more; queue->head = 0; queue->tail = queue->room; queue->room *= 2;
    }
    queue->items[queue->tail++ % queue->room] = item;
}

static Item take(Queue *queue) { return queue->items[queue->head++ % queue->room]; }
static int empty(const Queue *queue) { return queue->head == queue->tail; }

/* The last interval of the calendar that begins at or before the moment (or at or before so much open time). */
static i64 find(const i64 *values, i64 moment) {
    i64 low = 0, high = shifts;
    while (low < high) { i64 mid = (low + high) / 2; if (values[mid] <= moment) low = mid + 1; else high = mid; }
    return low - 1;
}

static i64 next_open(i64 moment) {
    i64 at = find(ends, moment) + 1;
    return moment > starts[at] ? moment : starts[at];
}

static i64 add(i64 moment, i64 duration) {
    if (duration == 0) return moment;
    i64 at = find(starts, moment);
    i64 inside = moment < ends[at] ? moment : ends[at];
    i64 target = before[at] + inside - starts[at] + duration;
    at = find(before, target - 1);
    return starts[at] + target - before[at];
}

static i64 drawn(const i64 *table, i64 kase, i64 place) {
    i64 visit = visits[kase * activities + place];
    if (visit > visits_most) visit = visits_most;
    return table[(place * visits_most + visit - 1) * n + kase];
}

static void begin(i64 now, i64 person, Item item) {
    i64 start = next_open(now), end = add(start, drawn(durations, item.kase, item.place));
    i64 *row = rows + 6 * written++;
    row[0] = item.kase; row[1] = item.place; row[2] = person; row[3] = item.since; row[4] = start; row[5] = end;
    push((Event){end, sequence++, item.kase, item.place, person});
}

static void enter(i64 now, i64 kase, i64 place) {
    if (place < 0) return;
    if (place == special[0]) { enter(now, kase, special[3]); enter(now, kase, special[4]); return; }
    if (place == special[1]) { if (joined[kase]++) { joined[kase] = 0; enter(now, kase, special[2]); } return; }
    visits[kase * activities + place]++;
    Item item = {kase, place, now};
    Queue *free_people = &idle[role_of[place]];
    if (empty(free_people)) put(&queues[role_of[place]], item);
    else begin(now, take(free_people).kase, item);
}

i64 simulate(i64 cases, i64 places, i64 most, i64 roles, i64 intervals, const i64 *times, const i64 *d, const i64 *w,
             const i64 *role, const i64 *staff, const i64 *s, const i64 *e, const i64 *b, const i64 *sp, i64 *out) {
    n = cases; activities = places; visits_most = most; shifts = intervals;
    durations = d; ways = w; role_of = role; starts = s; ends = e; before = b; special = sp; rows = out;
    written = heaped = sequence = 0; room = 1024;
    heap = malloc(room * sizeof(Event));
    visits = calloc(n * activities, sizeof(i64));
    joined = calloc(n, sizeof(i64));
    queues = malloc(roles * sizeof(Queue)); idle = malloc(roles * sizeof(Queue));
    i64 person = 0;
    for (i64 k = 0; k < roles; k++) {
        queues[k] = (Queue){malloc(64 * sizeof(Item)), 0, 0, 64};
        idle[k] = (Queue){malloc(64 * sizeof(Item)), 0, 0, 64};
        for (i64 p = 0; p < staff[k]; p++) put(&idle[k], (Item){person++, 0, 0});
    }
    i64 arriving = 0;
    while (heaped || arriving < n) {
        if (arriving < n && (!heaped || times[arriving] <= heap[0].time)) {
            enter(times[arriving], arriving, 0);
            arriving++;
            continue;
        }
        Event event = pop();
        i64 k = role_of[event.place];
        put(&idle[k], (Item){event.person, 0, 0});
        enter(event.time, event.kase, drawn(ways, event.kase, event.place));
        while (!empty(&queues[k]) && !empty(&idle[k])) begin(event.time, take(&idle[k]).kase, take(&queues[k]));
    }
    for (i64 k = 0; k < roles; k++) { free(queues[k].items); free(idle[k].items); }
    free(heap); free(visits); free(joined); free(queues); free(idle);
    return written;
}
