/*
 * form.h - frames whose bytes each have a kind: a form is a string, a letter
 * for each byte.
 *
 *   S  02           E  03              s  + or -        d  a digit
 *   p  0 .. 4       h  0-9 A-F         A  A-Z           c  a command, A-F H
 */
#ifndef SAMPAN_FORM_H
#define SAMPAN_FORM_H

#include "model.h"

/* WHOLE: bytes begins with the form.  MORE: as far as it goes. */
enum match form_match(struct span bytes, const char *form,
                      struct decode_fault *fault);

/* The XOR of bytes. */
uint8_t form_xor(struct span bytes);
/* Two characters 0-9 A-F. */
uint8_t form_hex(const uint8_t *two);

/*
 * Digits (blanks in front when blanks), with a point when point; at most 9
 * digits.  The number of bytes read; 0: there is no number here.
 */
size_t form_number(struct span bytes, bool blanks, bool point,
                   struct weight *weight);

enum match match_bad(struct decode_fault *fault, enum decode_fault_kind kind,
                     size_t offset, const char *text);
enum match match_more(struct decode_fault *fault, size_t offset,
                      const char *text);

/* json_object_set_new that accepts NULL as "no memory". */
bool describe_set(json_t *object, const char *key, json_t *value);
/* A part of the frame as text. */
bool describe_text(json_t *object, const char *key, struct span text);
/* One byte as "1B". */
bool describe_byte(json_t *object, const char *key, uint8_t byte);

#endif
