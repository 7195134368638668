#include "protocols.h"

#include "modbus_frame.h"
#include "paper_codes.h"
#include "shows.h"

static bool rtu_decode(struct span input, const char *content_type,
                       json_t *frames, struct decode_fault *fault)
{
    return modbus_rtu_protocol.decode(input, content_type, frames, fault);
}

static bool tcp_decode(struct span input, const char *content_type,
                       json_t *frames, struct decode_fault *fault)
{
    return modbus_tcp_protocol.decode(input, content_type, frames, fault);
}

/* clang-format off */
const struct decode_protocol meter_protocols[METER_PROTOCOLS] = {
    { .name = "dlt645-2007", .about = "DL/T 645-2007 electricity meters",
      .decode = dlt645_2007_decode },
    { .name = "dlt645-1997", .about = "DL/T 645-1997 electricity meters",
      .decode = dlt645_1997_decode },
    { .name = "cjt188", .about = "CJ/T 188 water, heat and gas meters",
      .decode = cjt188_decode },
    { .name = "modbus-rtu", .about = "Modbus on a serial line",
      .decode = rtu_decode },
    { .name = "modbus-tcp", .about = "Modbus in TCP", .decode = tcp_decode },
    { .name = "necc-datacode", .about = "a data item code of energy platforms",
      .text = true, .decode = data_code_decode },
    { .name = "gb32100-uscc", .about = "a unified social credit code",
      .text = true, .decode = uscc_decode },
};
/* clang-format on */
