/*
 * queue_list: deliveries by filter, page by page.
 *
 * A page is gathered under one look and visited after it, so a visit may call
 * the store and takes the time it wants.
 */
#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "bits.h"
#include "clock.h"
#include "row.h"

#define PAGE_ROWS 32
#define EXAMINED_MAX 4096 /* rows looked at under one look */
#define LINES_MAX 192     /* destinations times lanes */

struct page {
    struct queue_delivery rows[PAGE_ROWS];
    size_t count;
    uint64_t after; /* where the next page goes on */
    bool last;
};

struct listing {
    const struct queue_filter *filter;
    struct look look;
    uint64_t high; /* no id above is wanted */
    struct page *page;
};

static bool wanted(const struct listing *listing, const struct row *row)
{
    const struct queue_filter *filter = listing->filter;
    const struct names *names = &listing->look.queue->names;

    return (filter->state < 0 || (int)row->state == filter->state) &&
           (filter->from_ms == 0 || row->made_at_ms >= filter->from_ms) &&
           (filter->until_ms == 0 || row->made_at_ms < filter->until_ms) &&
           (filter->subject == NULL ||
            strcmp(row->subject, filter->subject) == 0) &&
           (filter->destination == NULL ||
            strcmp(names_text(names, row->destination), filter->destination) ==
                0) &&
           (filter->interface == NULL ||
            strcmp(names_text(names, row->interface), filter->interface) == 0);
}

static enum status add_row(struct listing *listing, uint64_t id,
                           const struct row *row)
{
    struct page *page = listing->page;
    enum status status;

    if (!wanted(listing, row))
        return STATUS_OK;
    status = look_delivery(&listing->look, id, row, &page->rows[page->count]);
    if (status == STATUS_OK)
        page->count++;
    return status;
}

/* ---- by a list of ids ------------------------------------------------- */

static enum status add_ids(struct listing *listing, const uint64_t *ids,
                           size_t count)
{
    struct page *page = listing->page;
    struct queue *queue = listing->look.queue;
    struct row row;
    enum status status = STATUS_OK;

    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        page->after = ids[i];
        if (ids[i] > listing->high) {
            page->last = true;
            break;
        }
        status = row_read(&queue->hot, listing->look.hot, ids[i], &row);
        if (status == STATUS_OK)
            status = add_row(listing, ids[i], &row);
        else if (status == STATUS_NOT_FOUND)
            status = STATUS_OK;
    }
    return status;
}

static enum status page_by_subject(struct listing *listing)
{
    uint64_t ids[PAGE_ROWS];
    size_t count = PAGE_ROWS;
    enum status status = subject_ids(
        &listing->look.queue->hot, listing->look.hot, listing->filter->subject,
        listing->page->after, ids, &count);

    listing->page->last = count < PAGE_ROWS;
    return status == STATUS_OK ? add_ids(listing, ids, count) : status;
}

/* ---- by lane ---------------------------------------------------------- */

struct lines {
    uint64_t ids[LINES_MAX * PAGE_ROWS];
    size_t count;
    bool more; /* some line goes on behind what was read */
};

static int by_id(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

static enum status read_line(struct listing *listing, uint16_t destination,
                             enum queue_lane lane, struct lines *lines)
{
    size_t count = PAGE_ROWS;
    enum status status;

    if (lines->count + PAGE_ROWS > LINES_MAX * PAGE_ROWS)
        return STATUS_FULL;
    status =
        lane_ids(&listing->look.queue->hot, listing->look.hot, destination,
                 lane, listing->page->after, lines->ids + lines->count, &count);
    lines->count += count;
    lines->more = lines->more || count == PAGE_ROWS;
    return status;
}

/* The lanes a state is spread over; the last row of a state is repeated. */
static const enum queue_lane lanes_of[QUEUE_STATES][3] = {
    [STATE_WAITING] = {LANE_FRESH, LANE_BLOCKED, LANE_REPLAY},
    [STATE_PARKED] = {LANE_PARKED, LANE_PARKED, LANE_PARKED},
    [STATE_HELD] = {LANE_HELD, LANE_HELD, LANE_HELD},
    [STATE_REJECTED] = {LANE_REJECTED, LANE_REJECTED, LANE_REJECTED},
};

static enum status read_lines_of(struct listing *listing, uint16_t destination,
                                 struct lines *lines)
{
    const enum queue_lane *lanes = lanes_of[listing->filter->state];
    enum status status = STATUS_OK;

    for (int i = 0; status == STATUS_OK && i < 3; i++)
        if (i == 0 || lanes[i] != lanes[i - 1])
            status = read_line(listing, destination, lanes[i], lines);
    return status;
}

static enum status read_lines(struct listing *listing, struct lines *lines)
{
    struct queue *queue = listing->look.queue;
    uint32_t number = 0;
    uint16_t found;
    enum status status;

    if (listing->filter->destination != NULL) {
        status = names_find(&queue->names,
                            span_text(listing->filter->destination), &found);
        return status == STATUS_OK ? read_lines_of(listing, found, lines)
                                   : STATUS_OK;
    }
    while ((status = lane_destination(&queue->hot, listing->look.hot, number,
                                      &found)) == STATUS_OK) {
        if ((status = read_lines_of(listing, found, lines)) != STATUS_OK)
            return status;
        number = (uint32_t)found + 1;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* The least ids of all lines: each line was read far enough for a page. */
static enum status page_by_lane(struct listing *listing)
{
    struct lines *lines = malloc(sizeof *lines);
    enum status status;
    size_t take;

    if (lines == NULL)
        return STATUS_NOMEM;
    lines->count = 0;
    lines->more = false;
    status = read_lines(listing, lines);
    if (status == STATUS_OK) {
        if (lines->count > 0)
            qsort(lines->ids, lines->count, sizeof lines->ids[0], by_id);
        take = lines->count < PAGE_ROWS ? lines->count : PAGE_ROWS;
        listing->page->last = take == lines->count && !lines->more;
        status = add_ids(listing, lines->ids, take);
    }
    free(lines);
    return status;
}

/* ---- by row ----------------------------------------------------------- */

static enum status walk_rows(struct listing *listing, MDB_cursor *cursor)
{
    struct page *page = listing->page;
    uint8_t start[8];
    MDB_val key = {sizeof start, start};
    MDB_val value;
    struct row row;
    enum status status = STATUS_OK;
    int answer;

    put_u64(start, page->after + 1);
    answer = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (int i = 0; i < EXAMINED_MAX && page->count < PAGE_ROWS; i++) {
        if (answer != 0 || get_u64(key.mv_data) > listing->high) {
            page->last = true;
            break;
        }
        page->after = get_u64(key.mv_data);
        if ((status = row_decode(value_span(value), &row)) != STATUS_OK ||
            (status = add_row(listing, page->after, &row)) != STATUS_OK)
            return status;
        answer = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    return answer == 0 || answer == MDB_NOTFOUND ? STATUS_OK
                                                 : env_status(answer);
}

static enum status page_by_row(struct listing *listing)
{
    MDB_cursor *cursor;
    enum status status = env_status(mdb_cursor_open(
        listing->look.hot, listing->look.queue->hot.deliveries, &cursor));

    if (status != STATUS_OK)
        return status;
    status = walk_rows(listing, cursor);
    mdb_cursor_close(cursor);
    return status;
}

/* ---- all -------------------------------------------------------------- */

/* A time range is a range of ids. */
static enum status narrow(struct listing *listing)
{
    const struct queue_filter *filter = listing->filter;
    uint32_t first = filter->from_ms == 0 ? 0 : china_day(filter->from_ms);
    uint32_t last =
        filter->until_ms == 0 ? UINT32_MAX : china_day(filter->until_ms);
    uint64_t low;
    enum status status = STATUS_OK;

    listing->high = UINT64_MAX - 1;
    if (filter->from_ms == 0 && filter->until_ms == 0)
        return STATUS_OK;
    status = range_read(&listing->look.queue->hot, listing->look.hot, 'd',
                        first, last, &low, &listing->high);
    if (status == STATUS_NOT_FOUND)
        listing->high = 0;
    else if (status == STATUS_OK && low > listing->page->after + 1)
        listing->page->after = low - 1;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status gather(struct listing *listing)
{
    int state = listing->filter->state;
    enum status status = narrow(listing);

    if (status != STATUS_OK)
        return status;
    if (listing->page->after >= listing->high) {
        listing->page->last = true;
        return STATUS_OK;
    }
    if (listing->filter->subject != NULL && listing->filter->subject[0] != 0)
        return page_by_subject(listing);
    if (state >= 0 && state < QUEUE_STATES && state != STATE_DELIVERED &&
        state != STATE_DISCARDED)
        return page_by_lane(listing);
    return page_by_row(listing);
}

static enum status next_page(struct queue *queue,
                             const struct queue_filter *filter,
                             struct page *page)
{
    struct listing listing = {.filter = filter, .page = page};
    enum status status = look_start(&listing.look, queue);

    if (status != STATUS_OK)
        return status;
    page->count = 0;
    status = gather(&listing);
    look_end(&listing.look);
    store_moved(queue, 0);
    return status;
}

enum status queue_list(struct queue *queue, const struct queue_filter *filter,
                       bool (*visit)(void *arg,
                                     const struct queue_delivery *delivery),
                       void *arg)
{
    struct page *page = calloc(1, sizeof *page);
    enum status status = STATUS_OK;

    if (page == NULL)
        return STATUS_NOMEM;
    page->after = filter->after;
    page->last = filter->after == UINT64_MAX;
    while (status == STATUS_OK && !page->last) {
        status = next_page(queue, filter, page);
        for (size_t i = 0; status == STATUS_OK && i < page->count; i++)
            if (!visit(arg, &page->rows[i]))
                page->last = true, i = page->count;
    }
    free(page);
    return status;
}
