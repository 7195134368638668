#include "loading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#define DEPTH_MAX 16
#define NODES_MAX 50000

struct frame {
    struct node *node;
    const char *key; /* read, and its value not yet */
};

struct reading {
    struct settings *settings;
    yaml_parser_t parser;
    struct frame frames[DEPTH_MAX];
    unsigned depth;
    unsigned nodes;
    unsigned documents;
    struct node *root;
};

static unsigned line_of(const yaml_event_t *event)
{
    return (unsigned)event->start_mark.line + 1;
}

/* Where the reading stands: "destinations[1].base_url". */
static void path_of(const struct reading *reading,
                    char path[static SETTINGS_PATH_MAX])
{
    size_t len = 0;

    path[0] = 0;
    for (unsigned i = 0; i < reading->depth && len < SETTINGS_PATH_MAX; i++) {
        const struct frame *frame = &reading->frames[i];
        int more;

        if (frame->node->kind == NODE_SEQUENCE)
            more = snprintf(path + len, SETTINGS_PATH_MAX - len, "[%u]",
                            i + 1 < reading->depth ? frame->node->count - 1
                                                   : frame->node->count);
        else
            more = snprintf(path + len, SETTINGS_PATH_MAX - len, "%s%s",
                            i > 0 ? "." : "",
                            frame->key == NULL ? "" : frame->key);
        len += more < 0 ? 0 : (size_t)more;
    }
}

static bool refuse(struct reading *reading, unsigned line, const char *why)
{
    char path[SETTINGS_PATH_MAX];

    path_of(reading, path);
    settings_mistake_at(reading->settings, line, path, "%s", why);
    return false;
}

/* Hang a new node below the innermost open one. */
static struct node *node_add(struct reading *reading, enum node_kind kind,
                             unsigned line)
{
    struct node *node = settings_hold(reading->settings, sizeof *node);
    struct frame *frame;

    if (node == NULL)
        return NULL;
    node->kind = kind;
    node->line = line;
    reading->nodes++;
    if (reading->depth == 0) {
        reading->root = node;
        return node;
    }
    frame = &reading->frames[reading->depth - 1];
    node->key = frame->key;
    if (frame->node->last == NULL)
        frame->node->child = node;
    else
        frame->node->last->next = node;
    frame->node->last = node;
    frame->node->count++;
    return node;
}

static bool expects_key(const struct reading *reading)
{
    const struct frame *frame;

    if (reading->depth == 0)
        return false;
    frame = &reading->frames[reading->depth - 1];
    return frame->node->kind == NODE_MAPPING && frame->key == NULL;
}

static void value_ends(struct reading *reading)
{
    if (reading->depth > 0)
        reading->frames[reading->depth - 1].key = NULL;
}

static bool has_control(const yaml_char_t *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] < 0x20 || text[i] == 0x7f)
            return true;
    return false;
}

static bool is_null(const yaml_event_t *event)
{
    static const char *const words[] = {"~", "null", "Null", "NULL"};
    const char *value = (const char *)event->data.scalar.value;

    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(value, words[i]) == 0)
            return true;
    return false;
}

static bool on_scalar(struct reading *reading, const yaml_event_t *event)
{
    const yaml_char_t *value = event->data.scalar.value;
    size_t len = event->data.scalar.length;
    struct frame *frame;

    if (has_control(value, len))
        return refuse(reading, line_of(event),
                      "a line break or control character is in the text");
    if (expects_key(reading)) {
        frame = &reading->frames[reading->depth - 1];
        frame->key =
            settings_hold_text(reading->settings, (const char *)value, len);
        return frame->key != NULL;
    }
    if (is_null(event))
        return refuse(reading, line_of(event),
                      "null is no value; leave the key out, or quote the text");
    if (node_add(reading, NODE_SCALAR, line_of(event)) == NULL)
        return false;
    value_ends(reading);
    return true;
}

static bool on_start(struct reading *reading, const yaml_event_t *event,
                     enum node_kind kind)
{
    struct node *node;

    if (expects_key(reading))
        return refuse(reading, line_of(event), "a key must be a plain word");
    if (reading->depth == DEPTH_MAX)
        return refuse(reading, line_of(event), "too deep");
    node = node_add(reading, kind, line_of(event));
    if (node == NULL)
        return false;
    reading->frames[reading->depth++] = (struct frame){node, NULL};
    return true;
}

static bool on_event(struct reading *reading, const yaml_event_t *event)
{
    if (reading->nodes > NODES_MAX)
        return refuse(reading, line_of(event), "too many values");
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++reading->documents > 1)
            return refuse(reading, line_of(event),
                          "a second document begins; allowed: one");
        return true;
    case YAML_ALIAS_EVENT:
        return refuse(reading, line_of(event),
                      "aliases (*name) are not allowed; write the value again");
    case YAML_SCALAR_EVENT:
        return on_scalar(reading, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_start(reading, event, NODE_SEQUENCE);
    case YAML_MAPPING_START_EVENT:
        return on_start(reading, event, NODE_MAPPING);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        reading->depth--;
        value_ends(reading);
        return true;
    default:
        return true;
    }
}

static bool not_yaml(struct reading *reading)
{
    const yaml_parser_t *parser = &reading->parser;

    if (parser->error == YAML_MEMORY_ERROR) {
        settings_no_memory(reading->settings);
        return false;
    }
    settings_mistake_at(
        reading->settings, (unsigned)parser->problem_mark.line + 1, "",
        "not YAML: %s%s%s", parser->context != NULL ? parser->context : "",
        parser->context != NULL ? ", " : "",
        parser->problem != NULL ? parser->problem : "unreadable");
    return false;
}

static bool read_events(struct reading *reading)
{
    yaml_event_t event;
    bool last = false;

    while (!last) {
        bool good;

        if (!yaml_parser_parse(&reading->parser, &event))
            return not_yaml(reading);
        last = event.type == YAML_STREAM_END_EVENT;
        good = on_event(reading, &event);
        yaml_event_delete(&event);
        if (!good)
            return false;
    }
    if (reading->root == NULL)
        settings_mistake_at(reading->settings, 1, "", "the file is empty");
    return reading->root != NULL;
}

struct node *tree_read(struct settings *settings, struct span text)
{
    struct reading *reading = calloc(1, sizeof *reading);
    struct node *root = NULL;

    if (reading == NULL || !yaml_parser_initialize(&reading->parser)) {
        free(reading);
        settings_no_memory(settings);
        return NULL;
    }
    reading->settings = settings;
    yaml_parser_set_input_string(&reading->parser, text.data, text.len);
    if (read_events(reading))
        root = reading->root;
    yaml_parser_delete(&reading->parser);
    free(reading);
    return root;
}

static const struct node *child_named(const struct node *node, const char *key,
                                      size_t len)
{
    for (const struct node *child = node->child; child != NULL;
         child = child->next)
        if (child->key != NULL && strlen(child->key) == len &&
            memcmp(child->key, key, len) == 0)
            return child;
    return NULL;
}

static const struct node *child_at(const struct node *node, unsigned index)
{
    const struct node *child = node->child;

    while (child != NULL && index-- > 0)
        child = child->next;
    return child;
}

const struct node *tree_find(const struct node *root, const char *path)
{
    const struct node *node = root;

    while (node != NULL && *path != 0) {
        if (*path == '[') {
            char *end;
            unsigned long index = strtoul(path + 1, &end, 10);

            node = child_at(node, (unsigned)index);
            path = *end == ']' ? end + 1 : end;
        } else {
            size_t len = strcspn(path, ".[");

            node = child_named(node, path, len);
            path += len;
        }
        if (*path == '.')
            path++;
    }
    return node;
}
