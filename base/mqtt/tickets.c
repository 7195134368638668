#include "tickets.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define PACKET_IDS 65536

/* A ticket is sequence << 32 | (place in slots + 1).  The sequence grows with
 * each use of the slot, so that an old ticket finds nothing. */
struct slot {
    uint32_t sequence;
    uint32_t link; /* the connection it came by */
    uint32_t bytes;
    uint32_t next; /* free: place of the next free slot, plus one */
    uint16_t packet_id;
    bool used;
};

struct ready {
    uint64_t ticket;
    uint16_t packet_id;
};

struct tickets {
    pthread_mutex_t mutex;
    struct slot *slots;
    size_t slot_count;
    size_t slot_capacity;
    size_t used;
    uint32_t free; /* place plus one; 0: none */
    struct ready *ready;
    size_t ready_count;
    size_t ready_capacity; /* always room for every used slot */
    uint64_t *newest;      /* ticket of each packet id on this link, or 0 */
    uint32_t link;         /* 1.. */
    bool linked;
    atomic_size_t pending;
};

enum status tickets_make(struct tickets **tickets)
{
    struct tickets *made = calloc(1, sizeof *made);

    if (made == NULL)
        return STATUS_NOMEM;
    made->newest = calloc(PACKET_IDS, sizeof *made->newest);
    if (made->newest == NULL) {
        free(made);
        return STATUS_NOMEM;
    }
    pthread_mutex_init(&made->mutex, NULL);
    *tickets = made;
    return STATUS_OK;
}

void tickets_free(struct tickets *tickets)
{
    if (tickets == NULL)
        return;
    pthread_mutex_destroy(&tickets->mutex);
    free(tickets->slots);
    free(tickets->ready);
    free(tickets->newest);
    free(tickets);
}

void tickets_link(struct tickets *tickets)
{
    pthread_mutex_lock(&tickets->mutex);
    tickets->link++;
    tickets->linked = true;
    tickets->ready_count = 0;
    for (size_t i = 0; i < PACKET_IDS; i++)
        tickets->newest[i] = 0;
    pthread_mutex_unlock(&tickets->mutex);
}

void tickets_unlink(struct tickets *tickets)
{
    pthread_mutex_lock(&tickets->mutex);
    tickets->linked = false;
    tickets->ready_count = 0;
    pthread_mutex_unlock(&tickets->mutex);
}

/* array with room for need things of size; NULL: no memory, array stays. */
static void *grown(void *array, size_t *capacity, size_t need, size_t size)
{
    size_t wanted = *capacity == 0 ? 64 : *capacity * 2;
    void *more;

    if (need <= *capacity)
        return array;
    if (wanted < need)
        wanted = need;
    more = realloc(array, wanted * size);
    if (more != NULL)
        *capacity = wanted;
    return more;
}

/* A slot from the free list, or a new one. */
static enum status slot_take(struct tickets *tickets, uint32_t *place)
{
    struct slot *slots;

    if (tickets->free != 0) {
        *place = tickets->free - 1;
        tickets->free = tickets->slots[*place].next;
        return STATUS_OK;
    }
    if (tickets->slot_count >= UINT32_MAX - 1)
        return STATUS_NOMEM;
    slots = grown(tickets->slots, &tickets->slot_capacity,
                  tickets->slot_count + 1, sizeof *slots);
    if (slots == NULL)
        return STATUS_NOMEM;
    tickets->slots = slots;
    *place = (uint32_t)tickets->slot_count++;
    tickets->slots[*place] = (struct slot){0};
    return STATUS_OK;
}

static uint64_t ticket_of(const struct tickets *tickets, uint32_t place)
{
    return (uint64_t)tickets->slots[place].sequence << 32 | (place + 1);
}

static enum status hand_over(struct tickets *tickets, uint16_t packet_id,
                             size_t bytes, uint64_t *ticket)
{
    uint32_t place;
    struct slot *slot;
    struct ready *ready;
    enum status status;

    ready = grown(tickets->ready, &tickets->ready_capacity,
                  tickets->ready_count + tickets->used + 1, sizeof *ready);
    if (ready == NULL)
        return STATUS_NOMEM;
    tickets->ready = ready;
    if ((status = slot_take(tickets, &place)) != STATUS_OK)
        return status;
    slot = &tickets->slots[place];
    slot->sequence++;
    slot->link = tickets->linked ? tickets->link : 0;
    slot->bytes = (uint32_t)bytes;
    slot->packet_id = packet_id;
    slot->used = true;
    tickets->used++;
    *ticket = ticket_of(tickets, place);
    if (tickets->linked)
        tickets->newest[packet_id] = *ticket;
    atomic_fetch_add(&tickets->pending, slot->bytes);
    return STATUS_OK;
}

enum status tickets_hand_over(struct tickets *tickets, uint16_t packet_id,
                              size_t bytes, uint64_t *ticket)
{
    enum status status;

    assert(bytes <= UINT32_MAX); /* an MQTT packet is below 256 MiB */
    pthread_mutex_lock(&tickets->mutex);
    status = hand_over(tickets, packet_id, bytes, ticket);
    pthread_mutex_unlock(&tickets->mutex);
    return status;
}

static struct slot *slot_find(struct tickets *tickets, uint64_t ticket)
{
    uint32_t place = (uint32_t)ticket;
    struct slot *slot;

    if (place == 0 || place > tickets->slot_count)
        return NULL;
    slot = &tickets->slots[place - 1];
    return slot->used && slot->sequence == ticket >> 32 ? slot : NULL;
}

static void settle(struct tickets *tickets, uint64_t ticket)
{
    struct slot *slot = slot_find(tickets, ticket);

    if (slot == NULL)
        return;
    atomic_fetch_sub(&tickets->pending, slot->bytes);
    if (tickets->linked && slot->link == tickets->link &&
        tickets->newest[slot->packet_id] == ticket)
        tickets->ready[tickets->ready_count++] =
            (struct ready){ticket, slot->packet_id};
    slot->used = false;
    slot->next = tickets->free;
    tickets->free = (uint32_t)ticket;
    tickets->used--;
}

void tickets_settle(struct tickets *tickets, const uint64_t *list, size_t count)
{
    pthread_mutex_lock(&tickets->mutex);
    for (size_t i = 0; i < count; i++)
        settle(tickets, list[i]);
    pthread_mutex_unlock(&tickets->mutex);
}

size_t tickets_take(struct tickets *tickets, uint16_t *packet_ids, size_t max)
{
    size_t taken = 0;
    size_t seen = 0;

    pthread_mutex_lock(&tickets->mutex);
    for (; seen < tickets->ready_count && taken < max; seen++) {
        const struct ready *ready = &tickets->ready[seen];

        if (tickets->newest[ready->packet_id] != ready->ticket)
            continue;
        tickets->newest[ready->packet_id] = 0;
        packet_ids[taken++] = ready->packet_id;
    }
    for (size_t i = seen; i < tickets->ready_count; i++)
        tickets->ready[i - seen] = tickets->ready[i];
    tickets->ready_count -= seen;
    pthread_mutex_unlock(&tickets->mutex);
    return taken;
}

size_t tickets_pending(const struct tickets *tickets)
{
    return atomic_load(&tickets->pending);
}
