/*
 * config.h - the bridge's settings, after loading.
 *
 * Loaded once by config_load, passed down as const struct config *, never
 * changed.  Every member is a row of config_tables.c: key, default, bounds
 * and one line of text; docs/settings.md is printed from them.  Texts are
 * never NULL; what is not given is "".  Paths are joined to the folder of the
 * settings file.  Everything is borrowed from the config until config_free,
 * which wipes the secrets.
 * Secrets are read from the files that *_file keys name; such a file is
 * refused when group or others can read it.
 */
#ifndef SAMPAN_CONFIG_H
#define SAMPAN_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "broker_config.h"

/* `broker`: the connection, and what is taken over it. */
struct intake_config {
    struct broker_config link; /* its client_id: the data client's; control adds
                                  "-control" */
    uint32_t receive_maximum;  /* 1000 */
    uint32_t session_expiry_s; /* 604800 */
    uint32_t pending_mb;       /* not yet committed, at most: 16 */
};

enum config_when_full { WHEN_FULL_SHED_DELIVERED, WHEN_FULL_STOP };

struct store_config {
    const char *folder;
    uint32_t quota_mb;
    uint32_t reserve_mb;
    uint32_t keep_months; /* 13: twelve whole months and the running one */
    uint32_t dedup_days;  /* 40 */
    enum config_when_full when_full;
};

struct uplink_config {          /* defaults; each destination may replace any */
    uint32_t answer_timeout_s;  /* 30 */
    uint32_t connect_timeout_s; /* 10 */
    const uint32_t *resend_after_s; /* 5, 30, 120 */
    unsigned resend_after_count;    /* always 3: three resends */
    uint32_t round_s;               /* 900: gate platforms' round */
    uint32_t round_max_s;           /* 14400 */
    uint32_t operator_after_rounds; /* 10 */
    uint32_t concurrency;           /* 8 */
    uint32_t bandwidth_kbit_s;      /* 0: no cap */
};

struct yunnan_config {
    const char *enterprise_id; /* 22 characters */
    const char *enterprise_name;
    const char *own_key_file; /* "": made by the bridge before /init-auth */
    const char *platform_key_file; /* "": issued by /init-auth */
    const char *api_key_file;      /* "": issued by /init-auth */
    const char *api_secret_file;
    struct bytes own_key, platform_key, api_key,
        api_secret;     /* from the files */
    int signature_over; /* SIGNATURE_OVER_* */
    int signature_form; /* SIGNATURE_FORM_* */
};
enum { SIGNATURE_OVER_KEY_AND_CONTENT, SIGNATURE_OVER_CONTENT };
enum { SIGNATURE_FORM_RAW, SIGNATURE_FORM_BASE64 };

struct henan_config {
    const char *organ; /* 10 digits */
    const char *username;
    const char *password_file;
    struct bytes password;
    const char *company_number; /* qybh, 10 digits */
    const char *company_name;   /* qymc */
    bool flat;                  /* 4.1.2, 4.1.7, 4.1.8 without the wrapper */
    bool inline_photo;          /* key `inline`: base64Image inside value */
};

/* One item of GB/T 37947.1 that is reported: seven parts of its code. */
struct energy_item_config {
    const char *name;
    const char *process;         /* 2 digits */
    const char *process_unit;    /* 2 */
    const char *equipment;       /* 2: type */
    const char *equipment_unit;  /* 2: number */
    const char *energy_class;    /* 2 */
    const char *energy_type;     /* 4 */
    const char *usage;           /* 2 */
    const char *meter;           /* device id of the topic */
    const char *reg;             /* key `register`: name in the reading */
    bool gauge;                  /* false: a counter, reported as differences */
    double factor;               /* reported = difference * factor */
    double rollover;             /* of the counter; 0: none known */
    uint32_t interval_minutes;   /* 15, 30, 60 */
    uint32_t input_type;         /* table B.1 */
    uint32_t scope;              /* 1..4 */
    bool monthly;                /* a monthly item too */
    double value_min, value_max; /* both 0: none declared */
};

struct energy_config {
    const char *enterprise_code; /* 18, GB 32100 */
    const char *enterprise_name;
    const char *region; /* 6 digits */
    const char *region_name;
    bool plain_http;             /* for addresses without a scheme */
    const char *enterprise_file; /* JSON: the `enterprise` object of A.4 */
    const char *collect_system_name;
    struct bytes enterprise; /* content of enterprise_file */
    const struct energy_item_config *items;
    unsigned item_count;
};

struct generic_config {
    const char *const *headers; /* "Name: value" */
    unsigned header_count;
    const char *header_file; /* one more, secret: "Authorization: ..." */
    struct bytes secret_header;
    const char *content_type; /* application/json */
    bool sealed;              /* post the Yunnan envelope of the body */
    const char *own_key_file;
    const char *platform_key_file;
    struct bytes own_key, platform_key;
    /* first match decides: substring of the answer's body -> refused etc. */
    const char *const *refused_status; /* HTTP codes: "400", "422" */
    unsigned refused_status_count;
};

struct path_config { /* a switch of specs: another path for an interface */
    const char *interface;
    const char *path;
};

struct pattern_config { /* words of an answer -> verdict */
    const char *contains;
    int verdict; /* enum verdict */
};

struct destination_config {
    const char *name;
    const char *platform; /* "yunnan", "henan", "liaoning", "generic" */
    const char *base_url; /* http(s)://host[:port]/prefix, no trailing slash */
    bool enabled;
    const char *ca_file;
    const char *cert_file; /* client certificate */
    const char *key_file;
    bool verify_server;   /* default true */
    const char *proxy;    /* "": none */
    uint32_t heartbeat_s; /* 0: the interface's own period */
    struct uplink_config uplink;
    const struct path_config *paths;
    unsigned path_count;
    const struct pattern_config *patterns;
    unsigned pattern_count;
    struct yunnan_config yunnan;
    struct henan_config henan;
    struct energy_config energy;
    struct generic_config generic;
};

/* Any topic -> a destination of platform generic. */
struct route_config {
    const char *filter; /* MQTT topic filter */
    const char *destination;
    const char *event_id;   /* JSON pointer of the payload's id, or "" */
    const char *event_time; /* JSON pointer of its time, or "" */
    int event_time_unit;    /* EVENT_TIME_* */
    bool json;              /* false: any bytes; then no pointers */
};
enum { EVENT_TIME_ISO, EVENT_TIME_S, EVENT_TIME_MS, EVENT_TIME_NS };

enum lane_direction { DIRECTION_IN, DIRECTION_OUT, DIRECTION_BY_CAMERA };
enum lane_weighing {
    WEIGHING_NONE,       /* cargo weight is never measured: default_weight */
    WEIGHING_LANE,       /* a scale in the lane, gross minus ledger tare */
    WEIGHING_YARD,       /* a scale in the yard, by plate, minus ledger tare */
    WEIGHING_DIFFERENCE, /* difference of the entry's and the exit's weight */
};

struct lane_config {
    const char *name;
    const char *entrance; /* "A" */
    const char *gate;     /* "A01"; Henan uses its last two characters */
    enum lane_direction direction;
    const char *head_camera; /* device ids; both may be the same */
    const char *body_camera; /* "": the head camera's second picture */
    const char *weighbridge; /* "" with WEIGHING_NONE */
    enum lane_weighing weighing;
    const char *cargo_type;         /* default of the lane, "" : must be said */
    const char *cargo_unit;         /* "T" */
    double default_weight;          /* with WEIGHING_NONE; < 0: must be said */
    uint32_t deadline_s;            /* 60: then what is absent is absent */
    uint32_t difference_deadline_s; /* 86400: entry waits for the exit */
    bool barrier_opens;             /* bgzt: 1 swung open, 0 not */
    const char *const *destinations;
    unsigned destination_count;
};

struct config {
    const char *site;
    const char *log_level;     /* error warn info debug */
    const char *state_folder;  /* credentials; `state` beside store.folder */
    const char *ledger_file;   /* CSV: plate,color,vehicleId,vin,tare_t */
    uint32_t payload_limit_kb; /* 4096 */
    uint32_t picture_limit_kb; /* 976: 10^6 bytes */
    uint32_t crypto_threads;   /* 0: as many as there are processors */
    struct intake_config broker;
    struct store_config store;
    struct uplink_config uplink; /* the defaults of all destinations */
    const struct destination_config *destinations;
    unsigned destination_count;
    const struct route_config *routes;
    unsigned route_count;
    const struct lane_config *lanes;
    unsigned lane_count;
};

/*
 * Load path.  words gets one line for each mistake, by line of the file:
 * "FILE:LINE: KEY: what is wrong; allowed: ...".  A file whose shape is wrong
 * (not YAML, unknown or repeated keys, a list for a text) is told all of
 * that; one of the right shape, all of the rest: FORMAT (not a number),
 * INVALID (out of bounds, keys that do not fit together), MISSING (a key or a
 * file), DENIED (a secret readable by others).  Also NOT_FOUND, IO, NOMEM.
 * A failure leaves *config NULL.  With OK, words holds the warnings, if any.
 */
MUST_CHECK enum status config_load(const char *path, struct bytes *words,
                                   struct config **config);
void config_free(struct config *config);

const struct destination_config *config_destination(const struct config *config,
                                                    const char *name);

/* docs/settings.md, from the same tables. */
MUST_CHECK enum status config_manual(struct bytes *markdown);

#endif
