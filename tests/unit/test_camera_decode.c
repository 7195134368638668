/* Cameras' messages: those seen in public, and the traps that others met. */
#include "device_vectors.h"

#include <math.h>

#include "dahua.h"
#include "isapi.h"
#include "protocols.h"
#include "vz.h"

static const struct decode_protocol *protocol(const char *name)
{
    for (size_t i = 0; i < camera_protocol_count; i++)
        if (strcmp(camera_protocols[i].name, name) == 0)
            return &camera_protocols[i];
    fail_msg("there is no protocol %s", name);
    return NULL;
}

/* What the two plates of devices.json that are not valid are refused for. */
static const char *plate_fault(const json_t *vector)
{
    if (json_object_get(vector, "fault") != NULL)
        return vector_fault(vector);
    return strcmp(vector_text(vector, "id"), "cn-plate-07") == 0 ? "value"
                                                                 : "length";
}

static void every_message_seen_in_public_gives_its_values(void **state)
{
    static const struct {
        const char *name;
        size_t count;
    } rows[] = {
        {"vz-http", 6},       {"vz-mqtt", 1},    {"vz-reply", 3},
        {"vz-led-serial", 1}, {"isapi-anpr", 6}, {"dahua-itsapi", 3},
        {"dahua-event", 3},   {"cn-plate", 8},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(
            vectors_check("devices.json", protocol(rows[i].name), plate_fault),
            rows[i].count);
}
