#include "receipts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define SENDERS_MAX 256 /* in one group; more are sent in between */

struct sender {
    char address[160]; /* CLASS/ID */
    json_t *stored;
    json_t *rejected;
    json_t *revisions; /* of both, where it is not 0; NULL: of none */
};

struct receipts {
    char prefix[96];
    void (*publish)(void *arg, const char *topic, struct span payload);
    void *arg;
    struct sender senders[SENDERS_MAX];
    size_t count;
};

enum status receipts_open(const char *site,
                          void (*publish)(void *arg, const char *topic,
                                          struct span payload),
                          void *arg, struct receipts **receipts)
{
    struct receipts *fresh = calloc(1, sizeof *fresh);

    if (fresh == NULL)
        return STATUS_NOMEM;
    snprintf(fresh->prefix, sizeof fresh->prefix, "sampan/v1/%s/receipt/",
             site);
    fresh->publish = publish;
    fresh->arg = arg;
    *receipts = fresh;
    return STATUS_OK;
}

static void sender_send(struct receipts *receipts, struct sender *sender)
{
    json_t *receipt = json_pack("{s:o, s:o}", "stored", sender->stored,
                                "rejected", sender->rejected);
    char *text;
    char topic[256];

    if (sender->revisions != NULL)
        json_object_set_new(receipt, "revisions", sender->revisions);
    text = json_dumps(receipt, JSON_COMPACT);
    snprintf(topic, sizeof topic, "%s%s", receipts->prefix, sender->address);
    if (text != NULL)
        receipts->publish(receipts->arg, topic, span_text(text));
    free(text);
    json_decref(receipt);
}

void receipts_send(struct receipts *receipts)
{
    for (size_t i = 0; i < receipts->count; i++)
        sender_send(receipts, &receipts->senders[i]);
    receipts->count = 0;
}

static struct sender *sender_of(struct receipts *receipts, const char *address)
{
    struct sender *sender;

    for (size_t i = 0; i < receipts->count; i++)
        if (strcmp(receipts->senders[i].address, address) == 0)
            return &receipts->senders[i];
    if (receipts->count == SENDERS_MAX)
        receipts_send(receipts);
    sender = &receipts->senders[receipts->count++];
    snprintf(sender->address, sizeof sender->address, "%s", address);
    sender->stored = json_array();
    sender->rejected = json_array();
    sender->revisions = NULL;
    return sender;
}

/* CLASS of the topic, or NULL when nobody waits for a receipt. */
static const char *class_of(const struct message *message)
{
    switch (message->class) {
    case MESSAGE_CAPTURE:
        return "camera";
    case MESSAGE_WEIGHT:
        return "weighbridge";
    case MESSAGE_READING:
        return "meter";
    case MESSAGE_RECORD:
        return "up";
    default:
        return NULL;
    }
}

/* Ids alone would not tell the editions of one event apart. */
static void revision_add(struct sender *sender, const struct message *message)
{
    if (message->revision == 0)
        return;
    if (sender->revisions == NULL)
        sender->revisions = json_object();
    json_object_set_new(sender->revisions, message->event_id,
                        json_integer(message->revision));
}

void receipts_add(struct receipts *receipts, const struct message *message,
                  const struct ingest_result *result)
{
    const char *class = class_of(message);
    struct sender *sender;
    char reason[sizeof result->reason];
    char address[160];

    if (class == NULL || message->event_id[0] == 0)
        return;
    snprintf(address, sizeof address, "%s/%s", class, message->device);
    sender = sender_of(receipts, address);
    revision_add(sender, message);
    /* Out of memory leaves the id out: the sender asks again. */
    if (result->stored) {
        json_array_append_new(sender->stored, json_string(message->event_id));
    } else {
        /* It may quote what was refused for not being UTF-8. */
        text_put(reason, sizeof reason, result->reason);
        json_array_append_new(
            sender->rejected,
            json_pack("{s:s, s:s}", "id", message->event_id, "reason", reason));
    }
}

void receipts_close(struct receipts *receipts)
{
    if (receipts == NULL)
        return;
    for (size_t i = 0; i < receipts->count; i++) {
        json_decref(receipts->senders[i].stored);
        json_decref(receipts->senders[i].rejected);
        json_decref(receipts->senders[i].revisions);
    }
    free(receipts);
}
