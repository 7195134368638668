#include "meter_config.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "station.h"

#define PATH_MAX_BYTES 64

/* A mistake of a value. */
#define WRONG(settings, path, key, ...)                                        \
    settings_mistake(settings, STATUS_INVALID, path, key, __VA_ARGS__)

struct checking {
    struct settings *settings;
    const struct meter_config *config;
};

static void bus_path(char path[static PATH_MAX_BYTES], unsigned bus)
{
    snprintf(path, PATH_MAX_BYTES, "buses[%u]", bus);
}

static void meter_path(char path[static PATH_MAX_BYTES], unsigned bus,
                       unsigned meter)
{
    snprintf(path, PATH_MAX_BYTES, "buses[%u].meters[%u]", bus, meter);
}

/* ---- ids ----------------------------------------------------------------- */

/* True: the id is used before meter `meter` of bus `bus`. */
static bool id_is_taken(const struct meter_config *config, unsigned bus,
                        unsigned meter, char where[static PATH_MAX_BYTES])
{
    const char *id = config->buses[bus].meters[meter].id;

    for (unsigned b = 0; b <= bus; b++)
        for (unsigned m = 0;
             m < (b == bus ? meter : config->buses[b].meter_count); m++)
            if (strcmp(config->buses[b].meters[m].id, id) == 0) {
                meter_path(where, b, m);
                return true;
            }
    return false;
}

static void check_id(const struct checking *checking, unsigned bus,
                     unsigned meter)
{
    char path[PATH_MAX_BYTES];
    char where[PATH_MAX_BYTES];

    meter_path(path, bus, meter);
    if (id_is_taken(checking->config, bus, meter, where))
        WRONG(checking->settings, path, "id",
              "\"%s\" is the id of %s too; allowed: unique ids",
              checking->config->buses[bus].meters[meter].id, where);
}

/* ---- a bus --------------------------------------------------------------- */

static void check_port(const struct checking *checking, unsigned bus)
{
    const char *port = checking->config->buses[bus].line.port;
    char path[PATH_MAX_BYTES];

    bus_path(path, bus);
    for (unsigned b = 0; b < bus; b++)
        if (strcmp(checking->config->buses[b].line.port, port) == 0)
            WRONG(checking->settings, path, "port",
                  "\"%s\" is the port of buses[%u] too; allowed: all its "
                  "meters under one bus",
                  port, b);
}

static bool is_tcp(const struct bus_config *bus)
{
    return strncmp(bus->line.port, "tcp://", 6) == 0;
}

static void check_speed(const struct checking *checking, unsigned bus)
{
    const struct bus_config *config = &checking->config->buses[bus];
    char path[PATH_MAX_BYTES];

    bus_path(path, bus);
    if (config->line.format[0] == '7')
        WRONG(checking->settings, path, "format",
              "%s carries 7 bits, and these protocols need 8; allowed: 8N1, "
              "8E1, 8O1, 8N2",
              config->line.format);
    if (!line_speed_holds(config->line.speed))
        WRONG(checking->settings, path, "speed",
              "%u is no speed of a serial port; allowed: " LINE_SPEEDS,
              config->line.speed);
}

/* Modbus TCP and serial frames on one connection cannot be told apart. */
static void check_transport(const struct checking *checking, unsigned bus)
{
    const struct bus_config *config = &checking->config->buses[bus];
    char path[PATH_MAX_BYTES];

    for (unsigned m = 0; m < config->meter_count; m++) {
        bool tcp = meter_protocol_is_tcp(config->meters[m].protocol);

        meter_path(path, bus, m);
        if (tcp && !is_tcp(config))
            WRONG(checking->settings, path, "protocol",
                  "modbus-tcp needs a port of the form tcp://HOST:PORT; "
                  "allowed: modbus-rtu on a serial port");
        else if (tcp != meter_protocol_is_tcp(config->meters[0].protocol))
            WRONG(checking->settings, path, "protocol",
                  "%s and %s cannot share a line; allowed: modbus-tcp alone, "
                  "the others together (modbus-rtu also through a serial "
                  "server)",
                  meter_protocol_name(config->meters[m].protocol),
                  meter_protocol_name(config->meters[0].protocol));
    }
}

/* ---- meters on it -------------------------------------------------------- */

struct stations {
    struct station *of[METER_STATIONS_MAX]; /* NULL: it has a mistake */
    unsigned count;
};

static void make_stations(const struct checking *checking, unsigned bus,
                          struct stations *stations)
{
    const struct bus_config *config = &checking->config->buses[bus];

    for (unsigned m = 0; m < config->meter_count; m++) {
        char path[PATH_MAX_BYTES];
        char why[STATION_WHY_MAX] = "there is no memory left";
        const char *key = "id";

        meter_path(path, bus, m);
        stations->of[m] = NULL;
        if (station_make(&config->meters[m], checking->config->profile_folder,
                         &stations->of[m], &key, why) != STATUS_OK)
            WRONG(checking->settings, path, key, "%s", why);
        stations->count = m + 1;
    }
}

static void check_addresses(const struct checking *checking, unsigned bus,
                            const struct stations *stations)
{
    char path[PATH_MAX_BYTES];

    for (unsigned m = 0; m < stations->count; m++) {
        const struct station *one = stations->of[m];

        meter_path(path, bus, m);
        if (one != NULL && one->anybody && stations->count > 1)
            WRONG(checking->settings, path, "address",
                  "%s is answered by every meter of the bus at once; allowed: "
                  "when it is alone on it",
                  one->config->address);
        for (unsigned k = 0; one != NULL && !one->anybody && k < m; k++)
            if (stations->of[k] != NULL && !stations->of[k]->anybody &&
                station_same(one, stations->of[k]))
                WRONG(checking->settings, path, "address",
                      "%s is the address of meters[%u] too; allowed: unique "
                      "addresses on a bus",
                      one->config->address, k);
    }
}

/* Each interval has to hold the reading of every meter that has it, with
 * those of shorter ones. */
static void check_time(const struct checking *checking, unsigned bus,
                       const struct stations *stations)
{
    const struct bus_config *config = &checking->config->buses[bus];
    char path[PATH_MAX_BYTES];
    int64_t least_ms = HOUR_MS;
    int64_t needed_ms = 0;

    bus_path(path, bus);
    for (unsigned m = 0; m < stations->count; m++)
        if (config->meters[m].every_minutes * MINUTE_MS < least_ms)
            least_ms = config->meters[m].every_minutes * MINUTE_MS;
    for (unsigned m = 0; m < stations->count; m++)
        if (stations->of[m] != NULL &&
            config->meters[m].every_minutes * MINUTE_MS == least_ms)
            needed_ms += station_duration_ms(stations->of[m], config);
    if (needed_ms > least_ms * 4 / 5)
        settings_warn(checking->settings, path, "meters",
                      "reading them once takes about %lld s, and they are to "
                      "be read every %lld s; fewer registers, a higher speed, "
                      "or a second bus would help",
                      (long long)(needed_ms / SECOND_MS),
                      (long long)(least_ms / SECOND_MS));
}

static void check_bus(const struct checking *checking, unsigned bus)
{
    struct stations stations = {.count = 0};

    check_port(checking, bus);
    check_speed(checking, bus);
    check_transport(checking, bus);
    for (unsigned m = 0; m < checking->config->buses[bus].meter_count; m++)
        check_id(checking, bus, m);
    make_stations(checking, bus, &stations);
    check_addresses(checking, bus, &stations);
    check_time(checking, bus, &stations);
    for (unsigned m = 0; m < stations.count; m++)
        station_free(stations.of[m]);
}

void meter_config_check(struct settings *settings, const void *config)
{
    const struct checking checking = {settings, config};

    if (checking.config->bus_count == 0)
        settings_mistake(settings, STATUS_MISSING, "", "buses",
                         "must be given; allowed: 1 to %d", METER_BUSES_MAX);
    for (unsigned b = 0; b < checking.config->bus_count; b++) {
        char path[PATH_MAX_BYTES];

        bus_path(path, b);
        if (checking.config->buses[b].meter_count == 0)
            settings_mistake(settings, STATUS_MISSING, path, "meters",
                             "must be given; allowed: 1 to %d",
                             METER_STATIONS_MAX);
        check_bus(&checking, b);
    }
}
