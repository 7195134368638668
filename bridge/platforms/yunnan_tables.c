#include "yunnan.h"

#include <string.h>

/* Yunnan V1.1, chapter 6, one row a field in the order of the document.  Types
 * are the tables'; where an example shows another one, yunnan_record.c turns
 * the example's into the table's. */

#define COUNT_OF(table) (sizeof(table) / sizeof *(table))
#define COUNT_MAX 1000000
#define WEIGHT_MAX 1e9

/* clang-format off */
static const struct code yes_no[] = {
    { "1", "是" }, { "0", "否" }, { NULL, NULL } };
static const struct code enabled[] = {
    { "1", "正常" }, { "0", "停用" }, { NULL, NULL } };
static const struct code camera_types[] = {
    { "1", "车牌识别" }, { "2", "视频监控" }, { "3", "红外监控" }, { NULL, NULL } };
static const struct code vehicle_uses[] = {
    { "1", "运输车辆" }, { "2", "厂内车辆" }, { NULL, NULL } };
static const struct code access_types[] = {
    { "0", "进厂" }, { "1", "出厂" }, { NULL, NULL } };
static const struct code cargo_units[] = {
    { "T", "吨" }, { "L", "升" }, { "P", "包" }, { NULL, NULL } };
static const struct code exceed_results[] = {
    { "0", "超标" }, { "1", "不超标" }, { NULL, NULL } };

/* 6.3 */
static const struct field enterprise_fields[] = {
    FIELD_OF_TEXT("enterpriseId", MANDATORY, YUNNAN_ENTERPRISE_LEN, YUNNAN_ENTERPRISE_LEN),
    FIELD_OF_TEXT("enterpriseCode", MANDATORY, 1, 0),
    FIELD_OF_TEXT("enterpriseName", MANDATORY, 1, 0),
    FIELD_OF_TEXT("address", MANDATORY, 1, 0),
    FIELD_OF_CODE("areaCode", MANDATORY, yunnan_regions),
    FIELD_OF_CODE("regionCode", MANDATORY, yunnan_regions),
    FIELD_OF_TEXT("legalPerson", MANDATORY, 1, 0),
    FIELD_OF_TEXT("contactPerson", MANDATORY, 1, 0),
    FIELD_OF_TEXT("contactPhone", MANDATORY, 1, 0),
    FIELD_OF_CODE("industryType", MANDATORY, yunnan_industries),
    FIELD_OF_CODE("industryBranch", OPTIONAL, yunnan_industry_branches),
    FIELD_OF_NUMBER("longitude", MANDATORY, 6, -180, 180),
    FIELD_OF_NUMBER("latitude", MANDATORY, 6, -90, 90),
    FIELD_OF_CODE("performanceLevel", MANDATORY, yunnan_performance_levels),
    FIELD_OF_INTEGER("entranceNums", MANDATORY, 0, COUNT_MAX),
    FIELD_OF_INTEGER("gateNums", MANDATORY, 0, COUNT_MAX),
    FIELD_OF_INTEGER("outsideCars", MANDATORY, 0, COUNT_MAX),
    FIELD_OF_INTEGER("insideCars", MANDATORY, 0, COUNT_MAX),
    FIELD_OF_INTEGER("machineries", MANDATORY, 0, COUNT_MAX),
    FIELD_OF_CODE("status", MANDATORY, enabled),
};

/* 6.4.  The table says nvrPost, the example nvrPort: nvrPort is our reading;
 * a record that is spelt nvrPost is sent so.  See camera_rule. */
static const struct field camera_fields[] = {
    FIELD_OF_TEXT("cameraId", MANDATORY, 1, 0),
    FIELD_OF_TEXT("enterpriseId", MANDATORY, YUNNAN_ENTERPRISE_LEN, YUNNAN_ENTERPRISE_LEN),
    FIELD_OF_TEXT("entranceId", MANDATORY, 1, 1),
    FIELD_OF_TEXT("gateId", OPTIONAL, 3, 3),
    FIELD_OF_TEXT("cameraName", MANDATORY, 1, 0),
    FIELD_OF_CODE("cameraType", MANDATORY, camera_types),
    FIELD_OF_TEXT("cameraModel", MANDATORY, 1, 0),
    FIELD_OF_TEXT("manufacturer", MANDATORY, 1, 0),
    FIELD_OF_DATE("installDate", MANDATORY, "yyyyMMdd"),
    FIELD_OF_TEXT("cameraIp", MANDATORY, 1, 0),
    FIELD_OF_TEXT("cameraHost", MANDATORY, 1, 0),
    FIELD_OF_TEXT("cameraUsername", MANDATORY, 1, 0),
    FIELD_OF_TEXT("cameraPassword", MANDATORY, 1, 0),
    FIELD_OF_TEXT("cameraChannel", MANDATORY, 1, 0),
    FIELD_OF_TEXT("resolution", MANDATORY, 1, 0),
    FIELD_OF_CODE("recordingEnabled", MANDATORY, yes_no),
    FIELD_OF_TEXT("nvrIp", MANDATORY, 1, 0),
    FIELD_OF_TEXT("nvrPort", OPTIONAL, 1, 0),
    FIELD_OF_TEXT("nvrPost", OPTIONAL, 1, 0),
    FIELD_OF_TEXT("nvrUsername", MANDATORY, 1, 0),
    FIELD_OF_TEXT("nvrPassword", MANDATORY, 1, 0),
    FIELD_OF_CODE("status", MANDATORY, enabled),
};
static const struct yunnan_form camera_forms[] = {
    { "cameraId", "EG99", "enterpriseId, entranceId, 2 digits" },
    { "gateId", "G99", "entranceId, 2 digits" },
    { NULL, NULL, NULL },
};

/* 6.11 */
static const struct field vehicle_fields[] = {
    FIELD_OF_TEXT("vehicleId", MANDATORY, 1, 0),
    FIELD_OF_TEXT("enterpriseId", MANDATORY, YUNNAN_ENTERPRISE_LEN, YUNNAN_ENTERPRISE_LEN),
    FIELD_OF_TEXT("licensePlate", MANDATORY, 1, 0),
    FIELD_OF_CODE("plateColor", OPTIONAL, yunnan_plate_colors),
    FIELD_OF_CODE("vehicleUse", MANDATORY, vehicle_uses),
    FIELD_OF_TEXT("vin", MANDATORY, 1, 0),
    FIELD_OF_CODE("vehicleType", MANDATORY, yunnan_vehicle_types),
    FIELD_OF_TEXT("vehicleBrand", MANDATORY, 1, 0),
    FIELD_OF_TEXT("vehicleModel", MANDATORY, 1, 0),
    FIELD_OF_CODE("fuelType", MANDATORY, yunnan_fuels),
    FIELD_OF_CODE("emissionStandard", MANDATORY, yunnan_emission_standards),
    FIELD_OF_CODE("useType", MANDATORY, yunnan_uses),
    FIELD_OF_TEXT("fleetName", MANDATORY, 1, 0),
    FIELD_OF_DATE("registrationDate", MANDATORY, "yyyyMMdd"),
    FIELD_OF_CODE("networkStatus", MANDATORY, yes_no),
    FIELD_OF_PICTURE("carImg1", MANDATORY),
    FIELD_OF_PICTURE("carImg2", MANDATORY),
};
static const struct yunnan_form vehicle_forms[] = {
    { "vehicleId", "E99999", "enterpriseId, 5 digits" },
    { NULL, NULL, NULL },
};

/* 6.12 */
static const struct field machinery_fields[] = {
    FIELD_OF_TEXT("machineryId", MANDATORY, 1, 0),
    FIELD_OF_TEXT("enterpriseId", MANDATORY, YUNNAN_ENTERPRISE_LEN, YUNNAN_ENTERPRISE_LEN),
    FIELD_OF_TEXT("machineryCode", MANDATORY, 1, 0),
    FIELD_OF_DATE("manufactureDate", MANDATORY, "yyyyMMdd"),
    FIELD_OF_TEXT("licensePlate", OPTIONAL, 1, 0),
    FIELD_OF_CODE("emissionStandard", MANDATORY, yunnan_emission_standards),
    FIELD_OF_CODE("fuelType", MANDATORY, yunnan_fuels),
    FIELD_OF_CODE("machineryType", MANDATORY, yunnan_machinery_types),
    FIELD_OF_TEXT("machineryPin", MANDATORY, 1, 0),
    FIELD_OF_TEXT("machineryBrand", MANDATORY, 1, 0),
    FIELD_OF_TEXT("engineModel", MANDATORY, 1, 0),
    FIELD_OF_TEXT("engineMaker", MANDATORY, 1, 0),
    FIELD_OF_TEXT("engineNumber", MANDATORY, 1, 0),
    FIELD_OF_PICTURE("machineryImg1", MANDATORY),
    FIELD_OF_PICTURE("machineryImg2", MANDATORY),
    FIELD_OF_PICTURE("machineryImg3", OPTIONAL),
    FIELD_OF_TEXT("ownerName", MANDATORY, 1, 0),
};
static const struct yunnan_form machinery_forms[] = {
    { "machineryId", "JXE99999", "JX, enterpriseId, 5 digits" },
    { NULL, NULL, NULL },
};

/* 6.13 */
static const struct field access_fields[] = {
    FIELD_OF_TEXT("recordId", OPTIONAL, 1, 0), /* made when it is absent */
    FIELD_OF_TEXT("enterpriseId", MANDATORY, YUNNAN_ENTERPRISE_LEN, YUNNAN_ENTERPRISE_LEN),
    FIELD_OF_TEXT("entranceId", MANDATORY, 1, 1),
    FIELD_OF_TEXT("gateId", OPTIONAL, 3, 3),
    FIELD_OF_TEXT("vehicleId", MANDATORY, 1, 0),
    FIELD_OF_TEXT("licensePlate", MANDATORY, 1, 0),
    FIELD_OF_CODE("plateColor", MANDATORY, yunnan_plate_colors),
    FIELD_OF_TEXT("vin", MANDATORY, 1, 0),
    FIELD_OF_CODE("accessType", MANDATORY, access_types),
    FIELD_OF_DATE("accessTime", MANDATORY, "yyyy-MM-dd HH:mm:ss"), /* "hh": 24 hours */
    FIELD_OF_TEXT("cargoType", MANDATORY, 1, 0),
    FIELD_OF_NUMBER("cargoWeight", MANDATORY, -1, 0, WEIGHT_MAX),
    FIELD_OF_CODE("cargoUnit", MANDATORY, cargo_units),
    FIELD_OF_PICTURE("carHeadImg", MANDATORY),
    FIELD_OF_PICTURE("carImg", MANDATORY),
};
/* recordId: timestamp(18), enterprise(22), type(1), serial(5).  The usual
 * yyyyMMddHHmmssSSS has 17 digits; ours has four of 0.1 ms. */
static const struct yunnan_form access_forms[] = {
    { "recordId", "T9999EA99999", "yyyyMMddHHmmss, 4 digits, enterpriseId, accessType, 5 digits" },
    { "gateId", "G99", "entranceId, 2 digits" },
    { NULL, NULL, NULL },
};

/* 6.14.  recordId is the platform's own, out of 6.6. */
static const struct field exceed_confirm_fields[] = {
    FIELD_OF_TEXT("recordId", MANDATORY, 1, 0),
    FIELD_OF_TEXT("licensePlate", MANDATORY, 1, 0),
    FIELD_OF_CODE("plateColor", MANDATORY, yunnan_plate_colors),
    FIELD_OF_TEXT("vin", MANDATORY, 1, 0),
    FIELD_OF_CODE("excessVerifica", MANDATORY, exceed_results),
    FIELD_OF_DATE("excessVerificadate", MANDATORY, "yyyyMMdd"),
};
static const struct yunnan_form no_forms[] = { { NULL, NULL, NULL } };
/* clang-format on */

static void enterprise_rule(const json_t *record, struct faults *faults)
{
    const char *type = fields_text(record, "industryType");
    const char *branch = fields_text(record, "industryBranch");

    if (*branch && strncmp(branch, type, 2) != 0)
        faults_add_impossible(faults,
                              "industryBranch %.8s is none of industryType "
                              "%.8s",
                              branch, type);
}

static void camera_rule(const json_t *record, struct faults *faults)
{
    if (!*fields_text(record, "nvrPort") && !*fields_text(record, "nvrPost"))
        faults_add_absent(faults, "nvrPort");
}

/* 6.12, row 16: for machines made since 2017-07-01. */
static void machinery_rule(const json_t *record, struct faults *faults)
{
    const char *made = fields_text(record, "manufactureDate");
    const json_t *label = json_object_get(record, "machineryImg3");

    if (strcmp(made, "20170701") >= 0 &&
        (!label || json_is_null(label) ||
         (json_is_string(label) && !json_string_length(label))))
        faults_add_absent(faults, "machineryImg3");
}

const struct yunnan_detail yunnan_init_auth = {.kind = YUNNAN_INIT_AUTH};
const struct yunnan_detail yunnan_get_token = {.kind = YUNNAN_GET_TOKEN};
const struct yunnan_detail yunnan_heartbeat = {.kind = YUNNAN_HEARTBEAT};

#define RECORD_OF(table, forms_, rule_, number_, subject_)                     \
    {                                                                          \
        .kind = YUNNAN_RECORD, .fields = table,                                \
        .field_count = COUNT_OF(table), .forms = forms_, .rule = rule_,        \
        .number = number_, .subject = subject_                                 \
    }
const struct yunnan_detail yunnan_enterprise =
    RECORD_OF(enterprise_fields, no_forms, enterprise_rule, "enterpriseId",
              "enterpriseName");
const struct yunnan_detail yunnan_camera = RECORD_OF(
    camera_fields, camera_forms, camera_rule, "cameraId", "cameraName");
const struct yunnan_detail yunnan_vehicle =
    RECORD_OF(vehicle_fields, vehicle_forms, NULL, "vehicleId", "licensePlate");
const struct yunnan_detail yunnan_machinery =
    RECORD_OF(machinery_fields, machinery_forms, machinery_rule, "machineryId",
              "machineryCode");
const struct yunnan_detail yunnan_access =
    RECORD_OF(access_fields, access_forms, NULL, "recordId", "licensePlate");
const struct yunnan_detail yunnan_exceed_confirm = RECORD_OF(
    exceed_confirm_fields, no_forms, NULL, "recordId", "licensePlate");
