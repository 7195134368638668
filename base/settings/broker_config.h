/*
 * broker_config.h - how a program reaches the broker: the part of its settings
 * that the bridge and every adapter have in common.
 */
#ifndef SAMPAN_BROKER_CONFIG_H
#define SAMPAN_BROKER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

struct settings;
struct settings_form;

struct broker_config {
    const char *host;
    uint32_t port;
    const char *client_id;
    const char *username; /* "" : anonymous */
    const char *password_file;
    struct bytes password;
    bool tls;
    const char *ca_file; /* "": the system's */
    const char *cert_file;
    const char *key_file;
    uint32_t keepalive_s; /* 30 */
};

extern const struct settings_form broker_config_client_id;

/* clang-format off */
/*
 * The rows of these (settings.h), for a table of struct broker_config itself,
 * where `at` is empty, or of a struct that holds one: `at` is then "link.".
 */
#define BROKER_CONFIG_ROWS(at, standard_id, id_help)                           \
    {.key = "host", .type = SETTINGS_TEXT, .initial = NULL,                    \
     .offset = SETTINGS_AT(const char *, at host),                             \
     .form = &settings_form_host, .help = "where the broker listens"},         \
    {.key = "port", .type = SETTINGS_UNSIGNED, .initial = "1883",              \
     .offset = SETTINGS_AT(uint32_t, at port), .min = 1, .max = 65535,         \
     .help = "its port; usually 8883 with tls"},                               \
    {.key = "client_id", .type = SETTINGS_TEXT, .initial = standard_id,        \
     .offset = SETTINGS_AT(const char *, at client_id),                        \
     .form = &broker_config_client_id, .help = id_help},                       \
    {.key = "username", .type = SETTINGS_TEXT, .initial = "",                  \
     .offset = SETTINGS_AT(const char *, at username),                         \
     .form = &settings_form_name,                                              \
     .help = "account at the broker; none: anonymous"},                        \
    {.key = "password_file", .type = SETTINGS_FILE, .initial = "",             \
     .offset = SETTINGS_AT(const char *, at password_file),                    \
     .second = SETTINGS_AT(struct bytes, at password),                         \
     .file = SETTINGS_FILE_PRIVATE | SETTINGS_FILE_LOADED,                     \
     .help = "file with the account's password"},                              \
    {.key = "tls", .type = SETTINGS_BOOL, .initial = "false",                  \
     .offset = SETTINGS_AT(bool, at tls), .help = "TLS to the broker"},        \
    {.key = "ca_file", .type = SETTINGS_FILE, .initial = "",                   \
     .offset = SETTINGS_AT(const char *, at ca_file),                          \
     .file = SETTINGS_FILE_THERE,                                              \
     .help = "certificates (PEM) trusted for the broker; none: the system's"}, \
    {.key = "cert_file", .type = SETTINGS_FILE, .initial = "",                 \
     .offset = SETTINGS_AT(const char *, at cert_file),                        \
     .file = SETTINGS_FILE_THERE,                                              \
     .help = "client certificate (PEM), together with key_file"},              \
    {.key = "key_file", .type = SETTINGS_FILE, .initial = "",                  \
     .offset = SETTINGS_AT(const char *, at key_file),                         \
     .file = SETTINGS_FILE_PRIVATE, .help = "its private key (PEM)"},          \
    {.key = "keepalive_s", .type = SETTINGS_UNSIGNED, .initial = "30",         \
     .offset = SETTINGS_AT(uint32_t, at keepalive_s), .min = 5, .max = 3600,   \
     .help = "MQTT keep alive"}
/* clang-format on */

/* What does not fit together in the group at path becomes a mistake. */
void broker_config_check(struct settings *settings, const char *path,
                         const struct broker_config *broker);

#endif
