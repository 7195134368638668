/*
 * liaoning.h - what the files of platform liaoning share with each other.
 *
 *   liaoning.c          the interfaces, which call is due, the platform's row
 *   liaoning_config.c   uploadConfigData's content, from the settings
 *   liaoning_data.c     a day's items -> the facts of uploadEnergyData
 *   liaoning_request.c  facts -> request
 *   liaoning_answer.c   answer -> verdict, registration, versions
 *
 * Source: the Liaoning interface specification of 2023, chapter 6 and
 * annexes A and B.  docs/platforms/liaoning.md tells what was chosen where it
 * is silent.
 *
 * Nantong speaks the same family: what differs stands in struct
 * energy_family, so that a second platform is a second table.
 *
 * session->credentials holds, by these names:
 *   deviceId        issued by registration
 *   ...URL          the six addresses of A.1, with scheme
 *   uploadTime      "HH:MM:SS", absent when the answer had none
 *   enterpriseCode, registeredAt
 *                   for whom and at which base_url it was registered
 *   regVersion      the registration service's version at registration
 *   regVersionSeen  the one of the last version check; another one: register
 *   dicVersion      the base data's version at the last version check
 *   configDigest    SHA-256 of the configuration that was accepted last; ""
 *                   after a new registration; absent: none ever was
 *   configRefused   SHA-256 of the one that was refused since
 *
 * A member of facts that begins with '$' is ours and is never sent:
 *   $number         the batch's number
 */
#ifndef SAMPAN_LIAONING_H
#define SAMPAN_LIAONING_H

#include "config.h"
#include "fields.h"
#include "platform.h"

struct energy_family {
    const struct platform *platform;
    const char *id_name;   /* "deviceId": issued, and sent with every call */
    bool equipment_in_two; /* dataCode: 00-00 instead of 0000 */
};

enum energy_call {
    ENERGY_REGISTER,
    ENERGY_VERSION,
    ENERGY_CONFIG,
    ENERGY_DATA,
};

/* What interface.detail points to. */
struct energy_detail {
    const struct energy_family *family;
    enum energy_call call;
    const char *url_name; /* its address in the answer to register; NULL */
};

/* session->keys: made by prepare, constant until release. */
#define ENERGY_DIGEST_SIZE 65 /* hexadecimal, with NUL */
struct energy_keys {
    json_t *config; /* the body of uploadConfigData without the id */
    char digest[ENERGY_DIGEST_SIZE];
};

extern const struct platform platform_liaoning;

/* The wire form of a code: PP-UU-EEEE-CCTTTT-XX, or PP-UU-EE-EE-CCTTTT-XX. */
#define ENERGY_CODE_SIZE 24
void energy_data_code(const struct energy_family *family,
                      const struct energy_item_config *item,
                      char code[static ENERGY_CODE_SIZE]);

/* A number as JSON, whole ones without a point; NULL: not finite. */
json_t *energy_number(double number);

enum status energy_prepare(const struct destination_config *destination,
                           struct session *session, char words[static 256]);
void energy_release(struct session *session);
const struct interface *energy_due(const struct energy_family *family,
                                   const struct destination_config *destination,
                                   const struct session *session,
                                   int64_t now_ms, bool *blocks);
enum status energy_make(const struct destination_config *destination,
                        const struct interface *interface, const json_t *record,
                        const struct making *making, struct made *made);
enum status energy_render(const struct destination_config *destination,
                          const struct interface *interface,
                          const struct session *session, struct span facts,
                          const struct lookup *lookup, int64_t now_ms,
                          struct request *request);
void energy_judge(const struct destination_config *destination,
                  const struct interface *interface, struct session *session,
                  const struct answer *answer, int64_t now_ms,
                  struct judgement *judgement);

#endif
