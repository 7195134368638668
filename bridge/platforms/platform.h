/*
 * platform.h - what a supervising platform wants, as pure codecs.
 *
 * A platform is one row of platform_table and one table of interfaces.  All
 * functions here are pure: bytes in, bytes out; no network, no disk, no
 * clock, no lock.  The bridge stores, sends and retries; a platform says
 * what to send and what an answer means.
 *
 *   passage (neutral) --passage--> records (wire fields, pictures as
 *                                  references)
 *   record --make--> facts: checked, number assigned, fixed for ever
 *   facts --render--> request: envelope, signature, token, fresh every time
 *   answer --judge--> verdict, and for calls that open a session, the
 *                     session's new content
 *
 * A reference stands where a picture (or any large text) goes:
 *     {"$event": 4711, "pointer": "/pictures/0/jpeg"}
 * and names a string in the JSON body of a stored event; render asks
 * struct lookup for it.  So a picture is stored once and copied only into a
 * request.
 *
 * Threads: every function may run in several threads at once, on different
 * sessions.
 */
#ifndef SAMPAN_PLATFORM_H
#define SAMPAN_PLATFORM_H

#include <jansson.h>
#include <stdint.h>

#include "bytes.h"
#include "clock.h"

struct destination_config; /* bridge/config.h */

/* ---- interfaces -------------------------------------------------------- */

enum interface_role {
    ROLE_RECORD,    /* stored and retried until accepted */
    ROLE_HEARTBEAT, /* sent every every_ms, never stored; probes the platform */
    ROLE_SESSION,   /* opens or renews the session (token, registration) */
};

enum interface_order {
    ORDER_NONE,
    ORDER_KEY,             /* same key: one by one while in resends */
    ORDER_AFTER_DELIVERED, /* behind the record named by `follows` */
    ORDER_AFTER_SETTLED,   /* behind the interface's previous record */
};

struct interface {
    const char *clause; /* of the specification: "6.13" */
    const char *name;   /* "vehicleAccess": the topic's and the operator's */
    const char *path;   /* default path below base_url; a setting replaces it */
    enum interface_role role;
    enum interface_order order;
    int64_t every_ms;   /* HEARTBEAT: period; a daily SESSION call: DAY_MS */
    bool once_only;     /* an intent is committed before it is sent */
    const void *detail; /* the platform's own row */
};

/* ---- session: what a destination must hold to be allowed to send ------- */

/*
 * Kept by the bridge per destination.  credentials is a JSON object that is
 * written to a file of mode 0600 whenever judge changes it (issued keys,
 * deviceId, uploadTime, versions); the token lives in memory only.
 */
struct session {
    json_t *credentials;      /* object, owned */
    struct bytes own_key_pem; /* PKCS#8 PEM of our key, when there is one */
    struct bytes token;
    int64_t token_made_at_ms;
    int64_t token_expires_at_ms; /* 0: no token */
    int64_t checked_at_ms;       /* last daily SESSION call that succeeded */
    bool credentials_changed;    /* out of judge */
    bool redo;                   /* judge: register again / load again */
    /* Prepared from the above by platform->prepare, freed by ->release. */
    void *keys;
};

/* ---- requests and answers ---------------------------------------------- */

struct request_part { /* of multipart/form-data */
    const char *name;
    const char *file_name;    /* NULL: a plain field */
    const char *content_type; /* NULL: none */
    struct bytes content;
};

struct request {
    struct bytes url;         /* absolute */
    const char *content_type; /* NULL with parts */
    struct bytes headers[8];  /* "Name: value" each */
    size_t header_count;
    struct bytes body; /* without parts */
    struct request_part parts[4];
    size_t part_count;
    bool close;      /* no keep-alive */
    char words[256]; /* of a render that failed: why, for the operator */
};
void request_free(struct request *request);

/* Where render gets what a reference names: text is borrowed until the render
 * returns, body replaces what *body holds.  NOT_FOUND, FORMAT (no such
 * pointer), CORRUPT. */
struct lookup {
    enum status (*text)(void *self, uint64_t event, const char *pointer,
                        struct span *text);
    enum status (*body)(void *self, uint64_t event, struct bytes *body);
    void *self;
};

enum verdict {
    VERDICT_ACCEPTED,
    VERDICT_DUPLICATE, /* it has it already: as good as accepted */
    VERDICT_RENEW,     /* the token is no longer valid: renew, send again */
    VERDICT_BUSY,      /* not now: counts as a failed attempt */
    VERDICT_REFUSED,   /* never: to REJECTED with the platform's words */
    VERDICT_FAULT,     /* the destination itself is wrong (signature, client
                          id, clock): pause it, no record's attempt is spent */
    VERDICT_UNKNOWN,   /* an answer nobody described: park it and show it */
};
const char *verdict_name(enum verdict verdict);

struct answer {
    long http_status; /* 0: none came */
    struct span content_type;
    struct span body;
    int64_t date_ms; /* of the Date header, 0: none */
};

/* What a judge makes of an answer. */
struct judgement {
    enum verdict verdict;
    char code[32];            /* the platform's own code, "" when none */
    char words[512];          /* the platform's words, UTF-8, printable */
    int64_t platform_time_ms; /* when the answer tells the time; 0 */
    json_t *value;            /* opened content of the answer, or NULL; owned */
};

/* ---- making ------------------------------------------------------------ */

enum made_state { MADE_READY, MADE_HELD, MADE_IMPOSSIBLE };

struct made {
    enum made_state state;
    struct bytes facts; /* JSON; MADE_HELD too (what is there) */
    char reason[512];   /* "vin is absent", every fault, "; " between */
    char number[128];   /* the record's number: recordId, lsh, ... */
    char subject[64];   /* plate or meter */
    char order_key[64];
};
void made_free(struct made *made);

/*
 * Numbers and instants that make may need.  serial counts up per destination
 * and never repeats.  taken says whether a record number is in use already
 * (Henan: one vehicle a second and gate).
 */
struct making {
    int64_t now_ms;
    uint64_t serial;
    bool (*taken)(void *self, const char *number);
    void *self;
};

#define PASSAGE_RECORDS_MAX 8
struct passage_record {
    const struct interface *interface;
    json_t *record; /* owned; wire fields */
    int follows;    /* -1, or the index of an earlier record here */
};

struct platform {
    const char *name; /* "yunnan" */
    const struct interface *interfaces;
    size_t interface_count;

    /* Load keys from the session and the settings into session->keys.
     * MISSING, CRYPTO, FORMAT; words[256] says what. May be NULL. */
    enum status (*prepare)(const struct destination_config *destination,
                           struct session *session, char words[static 256]);
    void (*release)(struct session *session);

    /* The SESSION call that must be made now, or NULL.  *blocks: records wait
     * for it (otherwise it is only due). May be NULL: no session. */
    const struct interface *(*due)(const struct destination_config *destination,
                                   const struct session *session,
                                   int64_t now_ms, bool *blocks);

    /* The records one gate passage makes.  May be NULL. */
    enum status (*passage)(
        const struct destination_config *destination, const json_t *passage,
        struct passage_record records[static PASSAGE_RECORDS_MAX],
        size_t *count);

    /* Check a record and fix its facts.  record is borrowed.  A record that
     * already carries its number keeps it (complete, replay by hand). */
    enum status (*make)(const struct destination_config *destination,
                        const struct interface *interface, const json_t *record,
                        const struct making *making, struct made *made);

    /* facts: of a RECORD; for HEARTBEAT and SESSION it is empty.  INVALID,
     * FORMAT, NOT_FOUND: this record can never be sent (a picture is bad or
     * gone); MISSING: the session lacks something; request->words says what.
     * The caller frees request whatever is returned. */
    enum status (*render)(const struct destination_config *destination,
                          const struct interface *interface,
                          const struct session *session, struct span facts,
                          const struct lookup *lookup, int64_t now_ms,
                          struct request *request);

    /* Never fails: what cannot be understood is VERDICT_UNKNOWN. */
    void (*judge)(const struct destination_config *destination,
                  const struct interface *interface, struct session *session,
                  const struct answer *answer, int64_t now_ms,
                  struct judgement *judgement);
};

/* NULL when there is none. */
const struct platform *platform_find(const char *name);
const struct interface *platform_interface(const struct platform *platform,
                                           const char *name);

#endif
