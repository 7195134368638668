/*
 * yunnan.h - what the files of platform Yunnan share.
 *
 * Source: Yunnan gate supervision, V1.1 (2025-10-15); docs/platforms/yunnan.md
 * lists the readings that were chosen.
 *
 *   yunnan.c          interfaces, keys, when the session must be renewed
 *   yunnan_codes.c    code tables of chapter 7
 *   yunnan_tables.c   field tables of chapter 6
 *   yunnan_record.c   passage and make
 *   yunnan_request.c  render
 *   yunnan_answer.c   judge
 */
#ifndef SAMPAN_YUNNAN_H
#define SAMPAN_YUNNAN_H

#include "config.h"
#include "crypto.h"
#include "fields.h"
#include "platform.h"

#define YUNNAN_ENTERPRISE_LEN 22

/* Chapter 7. */
extern const struct code yunnan_vehicle_types[];
extern const struct code yunnan_regions[];
extern const struct code yunnan_uses[];
extern const struct code yunnan_fuels[];
extern const struct code yunnan_plate_colors[];
extern const struct code yunnan_emission_standards[];
extern const struct code yunnan_machinery_types[];
extern const struct code yunnan_industries[];
extern const struct code yunnan_industry_branches[];
extern const struct code yunnan_performance_levels[];

enum yunnan_kind {
    YUNNAN_INIT_AUTH,
    YUNNAN_GET_TOKEN,
    YUNNAN_HEARTBEAT,
    YUNNAN_RECORD,
};

/* A number that is put together: E the enterprise's number, G the record's
 * entranceId, A its accessType, T a time yyyyMMddHHmmss, 9 a digit; any other
 * letter is itself. */
struct yunnan_form {
    const char *field; /* NULL ends the table */
    const char *form;
    const char *words; /* the same for people */
};

/* An interface's row of its own: struct interface's detail. */
struct yunnan_detail {
    enum yunnan_kind kind;
    const struct field *fields;
    size_t field_count;
    const struct yunnan_form *forms;
    void (*rule)(const json_t *record, struct faults *faults); /* or NULL */
    const char *number;  /* the field that is the record's number */
    const char *subject; /* and the one that an operator looks for */
};
extern const struct yunnan_detail yunnan_init_auth;
extern const struct yunnan_detail yunnan_get_token;
extern const struct yunnan_detail yunnan_heartbeat;
extern const struct yunnan_detail yunnan_enterprise;
extern const struct yunnan_detail yunnan_camera;
extern const struct yunnan_detail yunnan_vehicle;
extern const struct yunnan_detail yunnan_machinery;
extern const struct yunnan_detail yunnan_access;
extern const struct yunnan_detail yunnan_exceed_confirm;

/* session->keys: what the settings import wins over what was issued. */
struct yunnan_keys {
    struct rsa_key *own;
    struct rsa_key *platform; /* NULL before the registration */
    struct bytes api_key;     /* empty before it */
    struct bytes api_secret;
};

const struct interface *yunnan_interface(const char *name);

enum status yunnan_passage(
    const struct destination_config *destination, const json_t *passage,
    struct passage_record records[static PASSAGE_RECORDS_MAX], size_t *count);
enum status yunnan_make(const struct destination_config *destination,
                        const struct interface *interface, const json_t *record,
                        const struct making *making, struct made *made);
enum status yunnan_render(const struct destination_config *destination,
                          const struct interface *interface,
                          const struct session *session, struct span facts,
                          const struct lookup *lookup, int64_t now_ms,
                          struct request *request);
void yunnan_judge(const struct destination_config *destination,
                  const struct interface *interface, struct session *session,
                  const struct answer *answer, int64_t now_ms,
                  struct judgement *judgement);

/* Envelope settings of a destination with the keys of its session. */
struct envelope_keys
yunnan_envelope_keys(const struct destination_config *destination,
                     const struct yunnan_keys *keys);

#endif
