#include "henan.h"

#include "clock.h"

/* 3.1: the address of a call below http://ip:port/ysgk, which is base_url.
 * 2.4 shows restapi/detecting; chapters 3 and 4 are followed. */
#define GET_DATA "restapi/transportControl/get_data"
#define PUT_DATA "restapi/transportControl/put_data"
#define PUT_FILE "restapi/transportControl/put_file"

/* clang-format off */
static const struct interface interfaces[] = {
    { "4.1.1", "getAccessToken",     GET_DATA, ROLE_SESSION, ORDER_NONE,            0, false, &henan_token },
    { "4.1.2", "shareVehInfo",       PUT_DATA, ROLE_RECORD,  ORDER_NONE,            0, false, &henan_vehicle },
    { "4.1.3", "getCheckVehicle",    GET_DATA, ROLE_RECORD,  ORDER_NONE,            0, false, &henan_query },
    { "4.1.4", "shareDrivingRecord", PUT_DATA, ROLE_RECORD,  ORDER_KEY,             0, false, &henan_driving },
    { "4.1.5", "sharePhotoInfo",     PUT_FILE, ROLE_RECORD,  ORDER_AFTER_DELIVERED, 0, false, &henan_photo },
    { "4.1.6", "shareGoodsRecord",   PUT_DATA, ROLE_RECORD,  ORDER_AFTER_DELIVERED, 0, false, &henan_goods },
    { "4.1.7", "shareInnerVehInfo",  PUT_DATA, ROLE_RECORD,  ORDER_NONE,            0, false, &henan_inner_vehicle },
    { "4.1.8", "shareInnerMHYElec",  PUT_DATA, ROLE_RECORD,  ORDER_NONE,            0, false, &henan_inner_machine },
};
/* clang-format on */

/* The token is renewed when 8/10 of its life are over. */
static int64_t renewal_at_ms(const struct session *session)
{
    return session->token_made_at_ms +
           (session->token_expires_at_ms - session->token_made_at_ms) / 10 * 8;
}

static const struct interface *due(const struct destination_config *destination,
                                   const struct session *session,
                                   int64_t now_ms, bool *blocks)
{
    (void)destination;
    *blocks = session->token.len == 0 || now_ms >= session->token_expires_at_ms;
    /* A clock that was set back says nothing about the token's age. */
    if (*blocks || now_ms >= renewal_at_ms(session) ||
        now_ms < session->token_made_at_ms)
        return henan_interface("getAccessToken");
    return NULL;
}

const struct platform platform_henan = {
    .name = "henan",
    .interfaces = interfaces,
    .interface_count = sizeof interfaces / sizeof *interfaces,
    .due = due,
    .passage = henan_passage,
    .make = henan_make,
    .render = henan_render,
    .judge = henan_judge,
};

const struct interface *henan_interface(const char *name)
{
    return platform_interface(&platform_henan, name);
}
