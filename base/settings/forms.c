#include "settings.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define ALPHANUMERIC "a-zA-Z0-9"

static bool is_port(const char *text)
{
    size_t len = strlen(text);
    unsigned long port;

    if (len == 0 || len > 5 || strspn(text, "0123456789") != len)
        return false;
    port = strtoul(text, NULL, 10);
    return port >= 1 && port <= 65535 && text[0] != '0';
}

static bool is_hostname(const char *text, size_t len)
{
    if (len == 0 || text[0] == '-' || text[0] == '.')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '-' &&
            text[i] != '.' && text[i] != '_')
            return false;
    return true;
}

static bool is_address6(const char *text, size_t len)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (len >= sizeof copy)
        return false;
    memcpy(copy, text, len);
    copy[len] = 0;
    return inet_pton(AF_INET6, copy, &address) == 1;
}

static bool is_host(const char *text)
{
    size_t len = strlen(text);

    return is_hostname(text, len) || is_address6(text, len);
}

/* host[:port], where host may be [address]; credentials fail here. */
static bool is_authority(const char *text, size_t len)
{
    char copy[300];
    char *port;
    size_t host_len;

    if (len >= sizeof copy)
        return false;
    memcpy(copy, text, len);
    copy[len] = 0;
    if (copy[0] == '[') {
        host_len = strcspn(copy, "]");
        port = copy + host_len + (copy[host_len] == ']');
        if (copy[host_len] != ']' || !is_address6(copy + 1, host_len - 1))
            return false;
    } else {
        host_len = strcspn(copy, ":");
        port = copy + host_len;
        if (!is_hostname(copy, host_len))
            return false;
    }
    return *port == 0 || (*port == ':' && is_port(port + 1));
}

static bool is_url(const char *text)
{
    size_t len = strlen(text);
    size_t scheme = strncmp(text, "https://", 8) == 0  ? 8
                    : strncmp(text, "http://", 7) == 0 ? 7
                                                       : 0;

    if (scheme == 0 || text[len - 1] == '/' || strpbrk(text, "?#@\\") != NULL)
        return false;
    return is_authority(text + scheme, strcspn(text + scheme, "/"));
}

const struct settings_form settings_form_line = {
    .most = 256, .words = "any text of at most 256 bytes in one line"};
const struct settings_form settings_form_name = {
    .least = 1, .most = 128, .words = "1 to 128 bytes of text"};
const struct settings_form settings_form_site = {
    .characters = ALPHANUMERIC "-",
    .least = 1,
    .most = 32,
    .words = "1 to 32 letters, digits and -"};
const struct settings_form settings_form_device = {
    .characters = ALPHANUMERIC "_-",
    .least = 1,
    .most = 63,
    .words = "1 to 63 letters, digits, _ and -"};
const struct settings_form settings_form_host = {
    .least = 1,
    .most = 253,
    .valid = is_host,
    .words = "a host name or an IP address"};
const struct settings_form settings_form_url = {
    .characters = "!-~",
    .least = 8,
    .most = 512,
    .valid = is_url,
    .words = "http(s)://host[:port][/prefix], without user, ?, # and final /",
    .hidden = true};
const struct settings_form settings_form_visible = {
    .characters = "!-~",
    .least = 1,
    .most = 256,
    .words = "1 to 256 visible ASCII characters, no spaces"};
