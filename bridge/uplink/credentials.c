#include "credentials.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"

#define CREDENTIALS_MAX 65536

static void path_of(char path[static PATH_MAX], const char *folder,
                    const char *name, const char *suffix)
{
    snprintf(path, PATH_MAX, "%s/%s%s", folder, name, suffix);
}

static enum status json_load(const char *path, json_t **credentials)
{
    struct bytes text = BYTES_EMPTY;
    enum status status = bytes_read_file(&text, path, CREDENTIALS_MAX);

    if (status == STATUS_NOT_FOUND) {
        *credentials = json_object();
        return *credentials == NULL ? STATUS_NOMEM : STATUS_OK;
    }
    if (status == STATUS_OK) {
        *credentials = json_loadb((const char *)text.data, text.len,
                                  JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(*credentials)) {
            json_decref(*credentials);
            *credentials = NULL;
            status = STATUS_FORMAT;
        }
    }
    bytes_wipe(&text);
    return status;
}

enum status credentials_load(const char *folder, const char *name,
                             struct session *session)
{
    char path[PATH_MAX];
    enum status status;

    path_of(path, folder, name, ".json");
    status = json_load(path, &session->credentials);
    if (status != STATUS_OK)
        return status;
    path_of(path, folder, name, ".key.pem");
    status = bytes_read_file(&session->own_key_pem, path, CREDENTIALS_MAX);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status credentials_save(const char *folder, const char *name,
                             const struct session *session)
{
    char path[PATH_MAX];
    char *text = json_dumps(session->credentials, JSON_INDENT(2));
    enum status status;

    if (text == NULL)
        return STATUS_NOMEM;
    path_of(path, folder, name, ".json");
    status = bytes_write_file(path, span_text(text), 0600);
    explicit_bzero(text, strlen(text));
    free(text);
    return status;
}

enum status credentials_key_make(const char *folder, const char *name,
                                 struct session *session)
{
    struct rsa_key *key = NULL;
    struct bytes pem = BYTES_EMPTY;
    char path[PATH_MAX];
    enum status status;

    if (session->own_key_pem.len > 0)
        return STATUS_OK;
    if ((status = rsa_key_make(&key)) != STATUS_OK)
        goto out;
    if ((status = rsa_key_private_pem(key, &pem)) != STATUS_OK)
        goto out;
    path_of(path, folder, name, ".key.pem");
    if ((status = bytes_write_file(path, bytes_view(&pem), 0600)) != STATUS_OK)
        goto out;
    bytes_move(&session->own_key_pem, &pem);
out:
    bytes_wipe(&pem);
    rsa_key_free(key);
    return status;
}

void credentials_forget(struct session *session)
{
    json_decref(session->credentials);
    bytes_wipe(&session->own_key_pem);
    bytes_wipe(&session->token);
    *session = (struct session){0};
}
