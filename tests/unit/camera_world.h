/*
 * camera_world.h - settings from text, a courier that only remembers, a clock
 * that stands still, and pictures made by libjpeg.
 */
#ifndef TEST_CAMERA_WORLD_H
#define TEST_CAMERA_WORLD_H

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jpeglib.h>

#include "camera_config.h"
#include "courier.h"

#define NOON_MS INT64_C(1795147200000) /* 2026-11-20T12:00:00+08:00 */

/* ---- a courier that remembers ------------------------------------------- */

struct put {
    char device[64];
    char id[128];
    int64_t at_ms;
    json_t *content;
};

struct courier {
    pthread_mutex_t mutex;
    enum status answer; /* what courier_put says */
    struct put puts[32];
    size_t put_count; /* without repeats */
    unsigned repeats;
    char status[160]; /* the last one told */
};

static struct courier courier = {.mutex = PTHREAD_MUTEX_INITIALIZER};

enum status courier_open(const struct courier_options *options,
                         struct courier **opened)
{
    (void)options;
    *opened = &courier;
    return STATUS_OK;
}

void courier_close(struct courier *closed)
{
    (void)closed;
}

/* As courier.h says: known by device, time and id; other content is news. */
enum status courier_put(struct courier *to, const struct courier_event *event,
                        enum courier_news *news)
{
    struct put *put;
    enum status status;

    pthread_mutex_lock(&to->mutex);
    status = to->answer;
    *news = COURIER_NEW;
    for (size_t i = 0; i < to->put_count && status == STATUS_OK; i++) {
        put = &to->puts[i];
        if (strcmp(put->device, event->device) != 0 ||
            strcmp(put->id, event->event_id) != 0 || put->at_ms != event->at_ms)
            continue;
        *news = COURIER_EDITION;
        if (json_equal(put->content, event->content))
            *news = COURIER_REPEAT;
    }
    if (status == STATUS_OK && *news == COURIER_REPEAT) {
        to->repeats++;
    } else if (status == STATUS_OK) {
        put = &to->puts[to->put_count++];
        snprintf(put->device, sizeof put->device, "%s", event->device);
        snprintf(put->id, sizeof put->id, "%s", event->event_id);
        put->at_ms = event->at_ms;
        put->content = json_deep_copy(event->content);
    }
    pthread_mutex_unlock(&to->mutex);
    return status;
}

void courier_live(struct courier *to, const char *device, const char *leaf,
                  const json_t *content)
{
    (void)to;
    (void)device;
    (void)leaf;
    (void)content;
}

void courier_status(struct courier *to, const char *device, bool online,
                    const char *why)
{
    snprintf(to->status, sizeof to->status, "%s %s %s", device,
             online ? "online" : "offline", why == NULL ? "" : why);
}

void courier_stats(struct courier *to, struct courier_stats *stats)
{
    *stats = (struct courier_stats){.kept = to->put_count};
}

static inline void courier_forget(void)
{
    for (size_t i = 0; i < courier.put_count; i++)
        json_decref(courier.puts[i].content);
    courier.put_count = 0;
    courier.repeats = 0;
    courier.answer = STATUS_OK;
    courier.status[0] = 0;
}

static inline json_t *put_member(size_t index, const char *name)
{
    assert_in_range(index, 0, courier.put_count - 1);
    return json_object_get(courier.puts[index].content, name);
}

/* ---- a clock that stands ------------------------------------------------ */

static int64_t world_now_ms = NOON_MS;

static inline int64_t world_ms(void *self)
{
    (void)self;
    return world_now_ms;
}

static const struct clock world_clock = {world_ms, world_ms, NULL};

/* ---- folders ------------------------------------------------------------ */

static inline void remove_tree(const char *path)
{
    char command[512];

    snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

static inline void file_put(const char *folder, const char *name,
                            const void *content, size_t size)
{
    char path[512];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, size, file), size);
    fclose(file);
}

/* How many names without a dot in front lie in a folder; 0: it is not there. */
static inline size_t file_count(const char *folder, const char *below)
{
    char path[512];
    size_t count = 0;
    struct dirent *entry;
    DIR *open;

    snprintf(path, sizeof path, "%s/%s", folder, below);
    open = opendir(path);
    while (open != NULL && (entry = readdir(open)) != NULL)
        count += entry->d_name[0] != '.' ? 1 : 0;
    if (open != NULL)
        closedir(open);
    return count;
}

/* ---- settings ----------------------------------------------------------- */

struct loaded {
    char folder[64];
    struct cameras_config config;
    struct settings *settings;
    struct bytes words;
    enum status status;
};

/* Text with %s for the loaded's folder, below a head that is right. */
static inline void settings_load(struct loaded *loaded, const char *text)
{
    static const char head[] = "site: plant-1\nname: cameras\n"
                               "broker: {host: 127.0.0.1}\n"
                               "outbox: {folder: outbox}\n";
    char path[128];
    char whole[4096];
    size_t len = 0;

    *loaded = (struct loaded){.folder = "/tmp/camera-XXXXXX"};
    assert_non_null(mkdtemp(loaded->folder));
    len += (size_t)snprintf(whole, sizeof whole, "%s", head);
    for (const char *at = text; *at != 0; at++)
        len +=
            at[0] == '%' && at[1] == '!'
                ? (at++, (size_t)snprintf(whole + len, sizeof whole - len, "%s",
                                          loaded->folder))
                : (size_t)snprintf(whole + len, sizeof whole - len, "%c", *at);
    file_put(loaded->folder, "camera.yaml", whole, len);
    snprintf(path, sizeof path, "%s/password", loaded->folder);
    file_put(loaded->folder, "password", "secret", 6);
    assert_int_equal(chmod(path, 0600), 0);
    snprintf(path, sizeof path, "%s/up", loaded->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/camera.yaml", loaded->folder);
    loaded->status = settings_open(path, &cameras_config_group, &loaded->config,
                                   &loaded->words, &loaded->settings);
    if (loaded->status != STATUS_OK)
        return;
    cameras_config_check(loaded->settings, &loaded->config);
    loaded->status = settings_verdict(loaded->settings, &loaded->words);
}

static inline void settings_unload(struct loaded *loaded)
{
    settings_close(loaded->settings);
    bytes_free(&loaded->words);
    remove_tree(loaded->folder);
}

static inline void settings_good(struct loaded *loaded, const char *text)
{
    settings_load(loaded, text);
    if (loaded->status != STATUS_OK)
        fail_msg("%s", bytes_text(&loaded->words));
}

/* ---- pictures ----------------------------------------------------------- */

/* Noise, which compresses badly: about half a byte a pixel and more. */
static inline struct bytes picture_of(unsigned width, unsigned height,
                                      int quality, bool progressive)
{
    struct jpeg_compress_struct out;
    struct jpeg_error_mgr error;
    struct bytes made = BYTES_EMPTY;
    unsigned char *data = NULL;
    unsigned long size = 0;
    uint32_t noise = 12345;
    JSAMPROW row = malloc((size_t)width * 3);

    out.err = jpeg_std_error(&error);
    jpeg_create_compress(&out);
    jpeg_mem_dest(&out, &data, &size);
    out.image_width = width;
    out.image_height = height;
    out.input_components = 3;
    out.in_color_space = JCS_RGB;
    jpeg_set_defaults(&out);
    jpeg_set_quality(&out, quality, TRUE);
    if (progressive)
        jpeg_simple_progression(&out);
    jpeg_start_compress(&out, TRUE);
    for (unsigned y = 0; y < height; y++) {
        for (size_t i = 0; i < (size_t)width * 3; i++)
            row[i] = (JSAMPLE)((noise = noise * 1664525 + 1013904223) >> 24);
        jpeg_write_scanlines(&out, &row, 1);
    }
    jpeg_finish_compress(&out);
    jpeg_destroy_compress(&out);
    free(row);
    assert_int_equal(bytes_copy(&made, span_of(data, size)), STATUS_OK);
    free(data);
    return made;
}

#endif
