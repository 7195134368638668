/*
 * camera_config.h - the settings of sampan-camera, after loading.
 *
 * Every member is a row of camera_config.c; docs/settings-camera.md is printed
 * from them.  Loaded once, passed down as const, never changed.
 */
#ifndef SAMPAN_CAMERA_CONFIG_H
#define SAMPAN_CAMERA_CONFIG_H

#include "adapter_config.h"
#include "capture.h"

enum maker { MAKER_VZ, MAKER_HIKVISION, MAKER_DAHUA, MAKER_FILES };
enum heading { HEADING_NONE, HEADING_IN, HEADING_OUT, HEADING_BY_MOVEMENT };
enum login { LOGIN_DIGEST, LOGIN_BASIC };

struct files_config { /* a kind of file that the camera uploads */
    const char *pattern;
    int kind; /* enum capture_part */
};

struct camera_config {
    const char *id; /* of the device, in topics */
    int maker;      /* enum maker */
    const char *const *addresses;
    unsigned address_count;
    const char *identity; /* "" : any */
    const char *username; /* "" : none is asked for */
    const char *password_file;
    struct bytes password;
    int login;     /* enum login */
    int direction; /* enum heading */
    const char *const *in_words;
    unsigned in_word_count;
    const char *const *out_words;
    unsigned out_word_count;
    const char *lane;
    const char *const *lanes; /* by the camera's numbers, from 1 */
    unsigned lane_count;
    int kind; /* enum capture_part: what its whole picture shows */
    const char *answer;
    uint32_t silent_after_s; /* 0: never called offline */
    const char *folder;      /* "" : none is watched */
    const struct files_config *files;
    unsigned file_count;
};

struct listen_config {
    const char *address;
    uint32_t port;
    const char *cert_file;
    struct bytes cert;
    const char *key_file;
    struct bytes key;
    const char *const *vz_paths;
    unsigned vz_path_count;
    uint32_t body_limit_kb;           /* 8192 */
    uint32_t pending_mb;              /* bodies in progress, all together: 48 */
    uint32_t connections;             /* 256 */
    uint32_t connections_per_address; /* 16 */
    uint32_t idle_s;                  /* between two requests: 75 */
    uint32_t request_s;               /* from first byte to last: 60 */
    uint32_t threads;                 /* 4 */
};

struct upload_config {
    uint32_t settle_s;  /* a file whose size stands still so long is whole: 5 */
    uint32_t join_s;    /* for the other files of the passage: 3 */
    uint32_t scan_s;    /* 10 */
    uint32_t keep_done; /* 0: files are removed */
};

struct mqtt_push_config {
    bool enabled;
    const char *const *filters;
    unsigned filter_count;
};

struct cameras_config {
    struct adapter_config adapter;
    struct listen_config listen;
    struct upload_config upload;
    struct mqtt_push_config mqtt_push;
    uint32_t picture_limit_kb; /* 976 */
    uint32_t payload_limit_kb; /* 4096 */
    const struct camera_config *cameras;
    unsigned camera_count;
};

extern const struct settings_group cameras_config_group;

/* The rules between values (settings_mistake); for struct program. */
void cameras_config_check(struct settings *settings, const void *config);

/* "vz"; static. */
const char *maker_word(int maker);
/* Letters and digits of both are the same, the case not counted:
 * BC:5E:33:62:2A:5C is bc5e33622a5c. */
bool identity_same(const char *a, const char *b);

#endif
