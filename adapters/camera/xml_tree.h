/*
 * xml_tree.h - an XML text as a tree of elements, read with suspicion.
 *
 * Names are local names: a prefix is cut off.  Attributes are not kept.  An
 * element has a text only when no element lies in it.  A document type
 * declaration is refused (LIMIT), so no entity but XML's own five exists; at
 * most 32 levels and 4096 elements, names of at most 63 bytes.  A text in
 * another encoding than UTF-8 is read as GBK, whatever it declares.  Blanks in
 * front and NULs at the end are passed over.
 *
 * Pure; any thread.
 */
#ifndef SAMPAN_XML_TREE_H
#define SAMPAN_XML_TREE_H

#include "decode.h"

struct xml_node {
    struct span name;
    struct span text; /* outer white space taken off */
    size_t at;        /* see xml_offset */
    const struct xml_node *parent;
    const struct xml_node *first; /* in it */
    const struct xml_node *next;  /* beside it */
};

struct xml_tree;

/* False: *fault tells why. */
bool xml_tree_read(struct span text, struct xml_tree **tree,
                   struct decode_fault *fault);
/* Borrowed until the free. */
const struct xml_node *xml_tree_root(const struct xml_tree *tree);
void xml_tree_free(struct xml_tree *tree);
/* Where node's start tag stands in the text that was read (which must still
 * be there); for faults only, it may walk through the whole text. */
size_t xml_offset(const struct xml_tree *tree, const struct xml_node *node);

bool xml_node_is(const struct xml_node *node, const char *name);
/* "ANPR/vehicleInfo/color" below node: the first of them, or NULL.  node may
 * be NULL. */
const struct xml_node *xml_find(const struct xml_node *node, const char *path);

#endif
