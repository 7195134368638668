/*
 * henan.h - what the files of platform henan share with each other.
 *
 *   henan.c         the interfaces, the session, the platform's row
 *   henan_tables.c  the fields of each interface and their codes
 *   henan_passage.c one gate passage -> its records
 *   henan_record.c  record -> facts, the serial number (lsh)
 *   henan_request.c facts -> request
 *   henan_answer.c  answer -> verdict, token
 *
 * Source: Henan gate networking specification V1.9.4, chapters 2, 4.1, 5, 6
 * and 7.  docs/platforms/henan.md tells what was chosen where it is silent.
 *
 * Members of a record or of facts that begin with '$' are ours and are never
 * sent:
 *   $number_of_followed  in: the driving record's number, which a photo or
 *                        a goods record takes as its lsh
 *   $shift_s             in facts: the seconds by which the lsh is later than
 *                        the passage (6.4 allows one vehicle a second)
 *   $ysl_exact           in facts: the tonnes before they were rounded
 */
#ifndef SAMPAN_HENAN_H
#define SAMPAN_HENAN_H

#include "config.h"
#include "fields.h"
#include "platform.h"

enum henan_kind {
    HENAN_TOKEN,   /* 4.1.1 */
    HENAN_QUERY,   /* 4.1.3 */
    HENAN_DRIVING, /* 4.1.4 */
    HENAN_PHOTO,   /* 4.1.5 */
    HENAN_GOODS,   /* 4.1.6 */
    HENAN_VEHICLE, /* 4.1.2, 4.1.7 */
    HENAN_MACHINE, /* 4.1.8 */
};

/* What interface.detail points to. */
struct henan_detail {
    enum henan_kind kind;
    const struct field *fields;
    size_t field_count;
    bool printed_flat; /* without wrapper, when the switch `flat` is set */
    bool token_inside; /* accessToken is one of the fields */
};

extern const struct henan_detail henan_token, henan_vehicle, henan_query,
    henan_driving, henan_photo, henan_goods, henan_inner_vehicle,
    henan_inner_machine;

extern const struct platform platform_henan;
/* A row of the platform's own table. */
const struct interface *henan_interface(const char *name);

/* 7.1: the code of a neutral colour ("yellow_green"), NULL for none. */
const char *henan_color_code(const char *color);

enum status henan_passage(const struct destination_config *destination,
                          const json_t *passage, struct passage_record *records,
                          size_t *count);
enum status henan_make(const struct destination_config *destination,
                       const struct interface *interface, const json_t *record,
                       const struct making *making, struct made *made);
enum status henan_render(const struct destination_config *destination,
                         const struct interface *interface,
                         const struct session *session, struct span facts,
                         const struct lookup *lookup, int64_t now_ms,
                         struct request *request);
void henan_judge(const struct destination_config *destination,
                 const struct interface *interface, struct session *session,
                 const struct answer *answer, int64_t now_ms,
                 struct judgement *judgement);

#endif
