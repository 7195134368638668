#include "camera_config.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "address.h"

#define PATH_SIZE 32 /* "cameras[199]" */

struct checking {
    struct settings *settings;
    const struct cameras_config *config;
};

#define WRONG(checking, path, key, ...)                                        \
    settings_mistake((checking)->settings, STATUS_INVALID, path, key,          \
                     __VA_ARGS__)

/* ---- one camera --------------------------------------------------------- */

static void check_login(const struct checking *checking, const char *path,
                        const struct camera_config *camera)
{
    if (camera->username[0] != 0 && camera->password_file[0] == 0)
        WRONG(checking, path, "username",
              "is given without password_file; allowed: both or none");
    if (camera->username[0] == 0 && camera->password_file[0] != 0)
        WRONG(checking, path, "password_file",
              "is given without username; allowed: both or none");
    if (camera->username[0] != 0 && camera->login == LOGIN_BASIC &&
        checking->config->listen.cert_file[0] == 0)
        settings_warn(checking->settings, path, "login",
                      "basic sends the password readable; allowed, better: "
                      "digest, or listen.cert_file");
}

static bool pushes_over_mqtt(const struct checking *checking,
                             const struct camera_config *camera)
{
    return camera->maker == MAKER_VZ && checking->config->mqtt_push.enabled &&
           camera->identity[0] != 0;
}

/* Is there a way for anything to come from it? */
static void check_ways(const struct checking *checking, const char *path,
                       const struct camera_config *camera)
{
    if (camera->maker == MAKER_FILES && camera->folder[0] == 0)
        settings_mistake(checking->settings, STATUS_MISSING, path, "folder",
                         "must be given for a camera of files; allowed: the "
                         "folder that its files are put in");
    if (camera->maker == MAKER_FILES && camera->address_count > 0)
        WRONG(checking, path, "address",
              "is given but a camera of files pushes nothing; allowed: with "
              "maker vz, hikvision, dahua");
    if (camera->maker != MAKER_FILES && camera->address_count == 0 &&
        !pushes_over_mqtt(checking, camera))
        settings_mistake(checking->settings, STATUS_MISSING, path, "address",
                         "must be given for a camera that pushes; allowed: "
                         "where it may post from, or for vz an identity with "
                         "mqtt_push.enabled");
}

static void check_folder(const struct checking *checking, const char *path,
                         const struct camera_config *camera)
{
    struct stat info;

    if (camera->folder[0] == 0) {
        if (camera->file_count > 0)
            WRONG(checking, path, "files",
                  "is given without folder; allowed: both or none");
        return;
    }
    if (camera->file_count == 0)
        settings_mistake(checking->settings, STATUS_MISSING, path, "files",
                         "must be given with folder; allowed: a list of "
                         "patterns");
    if (stat(camera->folder, &info) != 0 || !S_ISDIR(info.st_mode))
        settings_mistake(checking->settings, STATUS_INVALID, path, "folder",
                         "%s is no folder that is there; allowed: the FTP "
                         "server's",
                         camera->folder);
    else if (access(camera->folder, R_OK | W_OK | X_OK) != 0)
        settings_mistake(checking->settings, STATUS_DENIED, path, "folder",
                         "%s cannot be read and written; allowed: a folder "
                         "whose files may be taken out",
                         camera->folder);
}

/* What they say holds no heartbeat: a gate without traffic is silent. */
static void check_silence(const struct checking *checking, const char *path,
                          const struct camera_config *camera)
{
    if ((camera->maker == MAKER_HIKVISION || camera->maker == MAKER_FILES) &&
        !settings_given(checking->settings, path, "silent_after_s"))
        settings_warn(checking->settings, path, "silent_after_s",
                      "is not given and this camera sends no heartbeat, so "
                      "three quiet minutes are told as offline; allowed, "
                      "better: 0 (never) or some hours");
}

static bool has_word(const char *const *words, unsigned count, const char *word)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}

static void check_direction(const struct checking *checking, const char *path,
                            const struct camera_config *camera)
{
    for (unsigned i = 0; i < camera->in_word_count; i++)
        if (has_word(camera->out_words, camera->out_word_count,
                     camera->in_words[i]))
            WRONG(checking, path, "in_words",
                  "\"%s\" is in out_words too; allowed: in one of them",
                  camera->in_words[i]);
    if (camera->lane[0] != 0 && camera->lane_count > 0)
        WRONG(checking, path, "lanes",
              "is given with lane; allowed: one of them");
}

/* ---- two cameras -------------------------------------------------------- */

static bool addresses_meet(const struct camera_config *a,
                           const struct camera_config *b)
{
    for (unsigned i = 0; i < a->address_count; i++)
        for (unsigned k = 0; k < b->address_count; k++) {
            struct address_range one;
            struct address_range other;

            if (address_range_read(a->addresses[i], &one) &&
                address_range_read(b->addresses[k], &other) &&
                address_ranges_meet(&one, &other))
                return true;
        }
    return false;
}

static bool folder_within(const char *inner, const char *outer)
{
    size_t len = strlen(outer);

    return strncmp(inner, outer, len) == 0 &&
           (inner[len] == 0 || inner[len] == '/' || outer[len - 1] == '/');
}

/* What another camera with the same maker at the same address must have. */
static void check_neighbours(const struct checking *checking, const char *path,
                             const struct camera_config *camera, unsigned k)
{
    const struct camera_config *other = &checking->config->cameras[k];

    if (camera->maker != other->maker)
        return;
    if (camera->identity[0] != 0 && other->identity[0] != 0 &&
        identity_same(camera->identity, other->identity))
        WRONG(checking, path, "identity",
              "\"%s\" is that of cameras[%u] too; allowed: one each",
              camera->identity, k);
    if (!addresses_meet(camera, other))
        return;
    if (camera->identity[0] == 0 || other->identity[0] == 0)
        WRONG(checking, path, "address",
              "overlaps that of cameras[%u]; allowed: with an identity for "
              "each of the two",
              k);
    if (strcmp(camera->username, other->username) != 0 ||
        !span_equal(bytes_view(&camera->password),
                    bytes_view(&other->password)) ||
        camera->login != other->login)
        WRONG(checking, path, "username",
              "differs from that of cameras[%u] at the same address; allowed: "
              "the same username, password and login",
              k);
}

static void check_pair(const struct checking *checking, const char *path,
                       const struct camera_config *camera, unsigned k)
{
    const struct camera_config *other = &checking->config->cameras[k];

    if (camera->id[0] != 0 && strcmp(camera->id, other->id) == 0)
        WRONG(checking, path, "id",
              "\"%s\" is the id of cameras[%u] too; allowed: unique ids",
              camera->id, k);
    if (camera->folder[0] != 0 && other->folder[0] != 0 &&
        (folder_within(camera->folder, other->folder) ||
         folder_within(other->folder, camera->folder)))
        WRONG(checking, path, "folder",
              "lies within or around that of cameras[%u]; allowed: folders "
              "apart from each other",
              k);
    check_neighbours(checking, path, camera, k);
}

static void check_camera(const struct checking *checking, unsigned index)
{
    const struct camera_config *camera = &checking->config->cameras[index];
    char path[PATH_SIZE];

    snprintf(path, sizeof path, "cameras[%u]", index);
    check_login(checking, path, camera);
    check_ways(checking, path, camera);
    check_folder(checking, path, camera);
    check_direction(checking, path, camera);
    check_silence(checking, path, camera);
    for (unsigned k = 0; k < index; k++)
        check_pair(checking, path, camera, k);
}

/* ---- the whole ---------------------------------------------------------- */

static void check_limits(const struct checking *checking)
{
    const struct cameras_config *config = checking->config;

    if (config->payload_limit_kb < config->picture_limit_kb / 3 * 4 + 32)
        WRONG(checking, "", "picture_limit_kb",
              "%u KB in Base64 are above payload_limit_kb (%u); allowed: at "
              "most %u",
              config->picture_limit_kb, config->payload_limit_kb,
              (config->payload_limit_kb - 32) / 4 * 3);
    if (config->listen.pending_mb * 1024 < 2 * config->listen.body_limit_kb)
        WRONG(checking, "listen", "pending_mb",
              "%u MB do not hold two requests of body_limit_kb (%u); allowed: "
              "%u and more",
              config->listen.pending_mb, config->listen.body_limit_kb,
              (config->listen.body_limit_kb + 511) / 512);
}

static void check_mqtt_push(const struct checking *checking)
{
    const struct cameras_config *config = checking->config;
    unsigned cameras = 0;

    for (unsigned i = 0; i < config->camera_count; i++)
        cameras += pushes_over_mqtt(checking, &config->cameras[i]) ? 1 : 0;
    if (config->mqtt_push.enabled && cameras == 0)
        WRONG(checking, "mqtt_push", "enabled",
              "is true but no camera of maker vz has an identity; allowed: "
              "with at least one");
}

void cameras_config_check(struct settings *settings, const void *config)
{
    const struct checking checking = {settings, config};
    const struct listen_config *listen = &checking.config->listen;

    settings_check_pair(settings, "listen", listen->cert_file,
                        listen->key_file);
    check_limits(&checking);
    check_mqtt_push(&checking);
    if (checking.config->camera_count == 0)
        settings_mistake(settings, STATUS_MISSING, "", "cameras",
                         "has none; allowed: 1 to 200 cameras");
    for (unsigned i = 0; i < checking.config->camera_count; i++)
        check_camera(&checking, i);
}
