#include "xml_tree.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "gbk.h"

#define DEPTH_MAX 32
#define NODES_MAX 4096
#define NAME_MAX_BYTES 63
#define NONE SIZE_MAX

/* While it is read, everything is known by its place: both stores move. */
struct element {
    size_t name, name_len; /* in words */
    size_t text, text_len; /* in words */
    size_t offset;
    size_t parent, first, last, next; /* in elements, or NONE */
};

struct xml_tree {
    struct span text;   /* as it came, without skipped and NULs at its end */
    size_t skipped;     /* blanks in front of it */
    struct bytes words; /* names and texts */
    struct element *elements;
    struct xml_node *nodes;
    size_t count;
    size_t capacity;
};

struct reader {
    XML_Parser parser;
    struct xml_tree *tree;
    size_t open; /* the innermost element, or NONE */
    unsigned depth;
    struct decode_fault *fault;
};

/* ---- while expat reads ----------------------------------------------------
 */

static size_t offset_now(const struct reader *reader)
{
    XML_Index at = XML_GetCurrentByteIndex(reader->parser);

    return at < 0 ? 0 : (size_t)at;
}

static void stop(struct reader *reader, enum decode_fault_kind kind,
                 const char *text)
{
    if (reader->fault->kind == DECODE_NONE)
        decode_fail(reader->fault, kind,
                    gbk_offset(reader->tree->text, offset_now(reader)), "%s",
                    text);
    XML_StopParser(reader->parser, XML_FALSE);
}

/* One more element; NULL: there is no room. */
static struct element *new_element(struct xml_tree *tree)
{
    size_t capacity = tree->capacity == 0 ? 64 : tree->capacity * 2;
    struct element *larger;

    if (tree->count == tree->capacity) {
        larger = realloc(tree->elements, capacity * sizeof *larger);
        if (larger == NULL)
            return NULL;
        tree->elements = larger;
        tree->capacity = capacity;
    }
    return &tree->elements[tree->count++];
}

static void hang_in(struct reader *reader, size_t index)
{
    struct element *elements = reader->tree->elements;
    struct element *parent;

    if (reader->open == NONE)
        return;
    parent = &elements[reader->open];
    if (parent->last == NONE)
        parent->first = index;
    else
        elements[parent->last].next = index;
    parent->last = index;
}

static void on_start(void *arg, const char *name, const char **attributes)
{
    struct reader *reader = arg;
    struct xml_tree *tree = reader->tree;
    const char *colon = strrchr(name, ':');
    struct span local = span_text(colon == NULL ? name : colon + 1);
    struct element *element;

    (void)attributes;
    if (reader->depth == DEPTH_MAX) {
        stop(reader, DECODE_LIMIT, "elements lie in each other deeper than 32");
        return;
    }
    if (tree->count == NODES_MAX || local.len > NAME_MAX_BYTES) {
        stop(reader, DECODE_LIMIT,
             "more than 4096 elements, or a name longer than 63 bytes");
        return;
    }
    element = new_element(tree);
    if (element == NULL || bytes_append(&tree->words, local) != STATUS_OK) {
        stop(reader, DECODE_MEMORY, "there is no memory left");
        return;
    }
    *element = (struct element){.name = tree->words.len - local.len,
                                .name_len = local.len,
                                .text = tree->words.len,
                                .offset = offset_now(reader),
                                .parent = reader->open,
                                .first = NONE,
                                .last = NONE,
                                .next = NONE};
    hang_in(reader, tree->count - 1);
    reader->open = tree->count - 1;
    reader->depth++;
}

static void on_end(void *arg, const char *name)
{
    struct reader *reader = arg;

    (void)name;
    /* After a stop expat still tells the end of an empty element. */
    if (reader->fault->kind != DECODE_NONE)
        return;
    reader->open = reader->tree->elements[reader->open].parent;
    reader->depth--;
}

/* As no element lies between, the pieces of a text stand side by side. */
static void on_text(void *arg, const char *text, int length)
{
    struct reader *reader = arg;
    struct element *element;

    if (reader->open == NONE || length <= 0)
        return;
    element = &reader->tree->elements[reader->open];
    if (element->first != NONE)
        return;
    if (bytes_append(&reader->tree->words, span_of(text, (size_t)length)) !=
        STATUS_OK) {
        stop(reader, DECODE_MEMORY, "there is no memory left");
        return;
    }
    element->text_len += (size_t)length;
}

static void on_doctype(void *arg, const char *name, const char *system_id,
                       const char *public_id, int internal)
{
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)internal;
    stop(arg, DECODE_LIMIT, "a document type declaration is not allowed");
}

/* ---- afterwards -----------------------------------------------------------
 */

static struct span trimmed(struct span text)
{
    static const char blanks[] = " \t\r\n";

    while (text.len > 0 && strchr(blanks, *text.data) != NULL && *text.data)
        text = span_of(text.data + 1, text.len - 1);
    while (text.len > 0 && text.data[text.len - 1] != 0 &&
           strchr(blanks, text.data[text.len - 1]) != NULL)
        text.len--;
    return text;
}

static const struct xml_node *node_at(const struct xml_tree *tree, size_t index)
{
    return index == NONE ? NULL : &tree->nodes[index];
}

static bool make_nodes(struct xml_tree *tree)
{
    tree->nodes = calloc(tree->count, sizeof *tree->nodes);
    if (tree->nodes == NULL)
        return false;
    for (size_t i = 0; i < tree->count; i++) {
        const struct element *from = &tree->elements[i];
        const uint8_t *words = tree->words.data;

        tree->nodes[i] = (struct xml_node){
            .name = span_of(words + from->name, from->name_len),
            .text = from->first == NONE
                        ? trimmed(span_of(words + from->text, from->text_len))
                        : span_of(NULL, 0),
            .at = from->offset,
            .parent = node_at(tree, from->parent),
            .first = node_at(tree, from->first),
            .next = node_at(tree, from->next),
        };
    }
    return true;
}

static enum decode_fault_kind kind_of(enum XML_Error error)
{
    switch (error) {
    case XML_ERROR_NO_ELEMENTS:
    case XML_ERROR_UNCLOSED_TOKEN:
    case XML_ERROR_PARTIAL_CHAR:
        return DECODE_TRUNCATED;
    case XML_ERROR_NO_MEMORY:
        return DECODE_MEMORY;
    default:
        return DECODE_SYNTAX;
    }
}

static void explain(const struct reader *reader)
{
    enum XML_Error error = XML_GetErrorCode(reader->parser);

    if (reader->fault->kind == DECODE_NONE)
        decode_fail(reader->fault, kind_of(error),
                    gbk_offset(reader->tree->text, offset_now(reader)),
                    "this is not XML: %s", XML_ErrorString(error));
}

static bool run(struct reader *reader, struct span text)
{
    XML_SetUserData(reader->parser, reader);
    XML_SetElementHandler(reader->parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader->parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader->parser, on_doctype);
    if (XML_Parse(reader->parser, (const char *)text.data, (int)text.len,
                  XML_TRUE) == XML_STATUS_OK &&
        reader->fault->kind == DECODE_NONE)
        return make_nodes(reader->tree) ||
               decode_fail(reader->fault, DECODE_MEMORY, 0,
                           "there is no memory left");
    explain(reader);
    return false;
}

#define TEXT_MAX ((size_t)16 << 20)

/* An XML declaration must be the first; firmware writes a line before it. */
static size_t blanks_in_front(struct span text)
{
    size_t at = 0;

    while (at < text.len && memchr(" \t\r\n", text.data[at], 4) != NULL)
        at++;
    return at;
}

bool xml_tree_read(struct span text, struct xml_tree **tree,
                   struct decode_fault *fault)
{
    struct reader reader = {.open = NONE, .fault = fault};
    struct bytes utf8 = BYTES_EMPTY;
    size_t skipped = blanks_in_front(text);
    bool converted = !utf8_valid(text);
    bool good = false;

    *tree = NULL;
    *fault = (struct decode_fault){.kind = DECODE_NONE};
    if (text.len == 0)
        return decode_fail(fault, DECODE_EMPTY, 0, "there are no bytes");
    if (text.len > TEXT_MAX)
        return decode_fail(fault, DECODE_LIMIT, TEXT_MAX,
                           "it is longer than %zu bytes", TEXT_MAX);
    text = span_of(text.data + skipped, text.len - skipped);
    while (text.len > 0 && text.data[text.len - 1] == 0)
        text.len--;
    reader.tree = calloc(1, sizeof *reader.tree);
    reader.parser = XML_ParserCreate("UTF-8"); /* whatever it declares */
    if (reader.tree == NULL || reader.parser == NULL ||
        (converted && gbk_append(&utf8, text) != STATUS_OK)) {
        decode_fail(fault, DECODE_MEMORY, 0, "there is no memory left");
    } else {
        reader.tree->text = text;
        reader.tree->skipped = skipped;
        good = run(&reader, converted ? bytes_view(&utf8) : text);
    }
    if (reader.parser != NULL)
        XML_ParserFree(reader.parser);
    bytes_free(&utf8);
    if (good) {
        *tree = reader.tree;
    } else {
        fault->offset += skipped;
        xml_tree_free(reader.tree);
    }
    return good;
}

const struct xml_node *xml_tree_root(const struct xml_tree *tree)
{
    return &tree->nodes[0];
}

size_t xml_offset(const struct xml_tree *tree, const struct xml_node *node)
{
    return tree->skipped + gbk_offset(tree->text, node->at);
}

void xml_tree_free(struct xml_tree *tree)
{
    if (tree == NULL)
        return;
    bytes_free(&tree->words);
    free(tree->elements);
    free(tree->nodes);
    free(tree);
}

bool xml_node_is(const struct xml_node *node, const char *name)
{
    return span_equal_text(node->name, name);
}

const struct xml_node *xml_find(const struct xml_node *node, const char *path)
{
    while (node != NULL && *path != 0) {
        size_t length = strcspn(path, "/");
        const struct xml_node *child = node->first;

        while (child != NULL && !span_equal(child->name, span_of(path, length)))
            child = child->next;
        node = child;
        path += length + (path[length] == '/');
    }
    return node;
}
