#include "henan.h"

#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define TIME_FORMAT "yyyy-MM-dd HH:mm:ss"
/* "字符 14" without a format; specs README: yyyyMMddHHmmss. */
#define DATE_14 "yyyyMMddHHmmss"

/* clang-format off */

/* ---- chapter 7 --------------------------------------------------------- */

static const struct code plate_colors[] = { /* 7.1 */
    { "0", "蓝色" },
    { "1", "黄色" },
    { "2", "白色" },
    { "3", "黑色" },
    { "4", "新能源" },
    { "5", "其他" },
    { NULL, NULL },
};

static const struct code photo_numbers[] = { /* 7.2 */
    { "1", "前照" },
    { "2", "后照" },
    { NULL, NULL },
};

static const struct code photo_types[] = { /* 7.3 */
    { "1", "进厂照片" },
    { "2", "出厂照片" },
    { "3", "闯岗照片" },
    { NULL, NULL },
};

static const struct code passage_states[] = { /* 4.1.4 tgzt */
    { "1", "进门" },
    { "2", "出门" },
    { NULL, NULL },
};

static const struct code barrier_states[] = { /* 4.1.4 bgzt */
    { "1", "摆杆通行" },
    { "0", "未摆杆" },
    { NULL, NULL },
};

static const struct code emission_stages[] = { /* 7.6 */
    { "0", "国0" },  { "1", "国Ⅰ" }, { "2", "国Ⅱ" },  { "3", "国Ⅲ" },
    { "4", "国Ⅳ" }, { "5", "国Ⅴ" }, { "6", "国Ⅵ" },  { "7", "国Ⅶ" },
    { "D", "电动" }, { "X", "无排放阶段" },
    { NULL, NULL },
};

static const struct code ledger_states[] = { /* 4.1.7 carStatus, 4.1.8 mhyStatus */
    { "1", "正常" },
    { "2", "封存" },
    { "3", "注销" },
    { NULL, NULL },
};

static const struct code uses[] = { /* 7.8 */
    { "A", "非营运" },   { "B", "公路客运" },   { "C", "公交客运" },
    { "D", "出租客运" }, { "E", "旅游客运" },   { "F", "货运" },
    { "G", "租赁" },     { "H", "警用" },       { "I", "消防" },
    { "J", "救护" },     { "K", "工程抢险" },   { "L", "营转非" },
    { "M", "出租转非" }, { "N", "教练" },       { "O", "幼儿校车" },
    { "P", "小学生校车" }, { "Q", "初中生校车" }, { "R", "危险品运输" },
    { "S", "中小学生校车" },
    { NULL, NULL },
};

/* 7.7; 4.1.2 and 4.1.7 give vehicleType two characters, every code has
 * three: the codes are followed. */
static const struct code vehicle_types[] = {
    { "B11", "重型普通半挂车" },
    { "B12", "重型厢式半挂车" },
    { "B13", "重型罐式半挂车" },
    { "B14", "重型平板半挂车" },
    { "B15", "重型集装箱半挂车" },
    { "B16", "重型自卸半挂车" },
    { "B17", "重型特殊结构半挂车" },
    { "B18", "重型仓栅式半挂车" },
    { "B19", "重型旅居半挂车" },
    { "B1A", "重型专项作业半挂车" },
    { "B1B", "重型低平板半挂车" },
    { "B21", "中型普通半挂车" },
    { "B22", "中型厢式半挂车" },
    { "B23", "中型罐式半挂车" },
    { "B24", "中型平板半挂车" },
    { "B25", "中型集装箱半挂车" },
    { "B26", "中型自卸半挂车" },
    { "B27", "中型特殊结构半挂车" },
    { "B28", "中型仓栅式半挂车" },
    { "B29", "中型旅居半挂车" },
    { "B2A", "中型专项作业半挂车" },
    { "B2B", "中型低平板半挂车" },
    { "B31", "轻型普通半挂车" },
    { "B32", "轻型厢式半挂车" },
    { "B33", "轻型罐式半挂车" },
    { "B34", "轻型平板半挂车" },
    { "B35", "轻型自卸半挂车" },
    { "B36", "轻型仓栅式半挂车" },
    { "B37", "轻型旅居半挂车" },
    { "B38", "轻型专项作业半挂车" },
    { "B39", "轻型低平板半挂车" },
    { "D11", "无轨电车" },
    { "D12", "有轨电车" },
    { "F01", "自行车" },
    { "F02", "三轮车" },
    { "F03", "手推车" },
    { "F04", "残疾人专用车" },
    { "F05", "畜力车" },
    { "F06", "助力自行车" },
    { "F07", "电动自行车" },
    { "F09", "其他非机动车" },
    { "G11", "重型普通全挂车" },
    { "G12", "重型厢式全挂车" },
    { "G13", "重型罐式全挂车" },
    { "G14", "重型平板全挂车" },
    { "G15", "重型集装箱全挂车" },
    { "G16", "重型自卸全挂车" },
    { "G17", "重型仓栅式全挂车" },
    { "G18", "重型旅居全挂车" },
    { "G19", "重型专项作业全挂车" },
    { "G21", "中型普通全挂车" },
    { "G22", "中型厢式全挂车" },
    { "G23", "中型罐式全挂车" },
    { "G24", "中型平板全挂车" },
    { "G25", "中型集装箱全挂车" },
    { "G26", "中型自卸全挂车" },
    { "G27", "中型仓栅式全挂车" },
    { "G28", "中型旅居全挂车" },
    { "G29", "中型专项作业全挂车" },
    { "G31", "轻型普通全挂车" },
    { "G32", "轻型厢式全挂车" },
    { "G33", "轻型罐式全挂车" },
    { "G34", "轻型平板全挂车" },
    { "G35", "轻型自卸全挂车" },
    { "G36", "轻型仓栅式全挂车" },
    { "G37", "轻型旅居全挂车" },
    { "G38", "轻型专项作业全挂车" },
    { "H11", "重型普通货车" },
    { "H12", "重型厢式货车" },
    { "H13", "重型封闭货车" },
    { "H14", "重型罐式货车" },
    { "H15", "重型平板货车" },
    { "H16", "重型集装厢车" },
    { "H17", "重型自卸货车" },
    { "H18", "重型特殊结构货车" },
    { "H19", "重型仓栅式货车" },
    { "H21", "中型普通货车" },
    { "H22", "中型厢式货车" },
    { "H23", "中型封闭货车" },
    { "H24", "中型罐式货车" },
    { "H25", "中型平板货车" },
    { "H26", "中型集装厢车" },
    { "H27", "中型自卸货车" },
    { "H28", "中型特殊结构货车" },
    { "H29", "中型仓栅式货车" },
    { "H31", "轻型普通货车" },
    { "H32", "轻型厢式货车" },
    { "H33", "轻型封闭货车" },
    { "H34", "轻型罐式货车" },
    { "H35", "轻型平板货车" },
    { "H37", "轻型自卸货车" },
    { "H38", "轻型特殊结构货车" },
    { "H39", "轻型仓栅式货车" },
    { "H41", "微型普通货车" },
    { "H42", "微型厢式货车" },
    { "H43", "微型封闭货车" },
    { "H44", "微型罐式货车" },
    { "H45", "微型自卸货车" },
    { "H46", "微型特殊结构货车" },
    { "H47", "微型仓栅式货车" },
    { "H51", "普通低速货车" },
    { "H52", "厢式低速货车" },
    { "H53", "罐式低速货车" },
    { "H54", "自卸低速货车" },
    { "H55", "仓栅式低速货车" },
    { "J11", "轮式装载机械" },
    { "J12", "轮式挖掘机械" },
    { "J13", "轮式平地机械" },
    { "K11", "大型普通客车" },
    { "K12", "大型双层客车" },
    { "K13", "大型卧铺客车" },
    { "K14", "大型铰接客车" },
    { "K15", "大型越野客车" },
    { "K16", "大型轿车" },
    { "K17", "大型专用客车" },
    { "K18", "大型专用校车" },
    { "K21", "中型普通客车" },
    { "K22", "中型双层客车" },
    { "K23", "中型卧铺客车" },
    { "K24", "中型铰接客车" },
    { "K25", "中型越野客车" },
    { "K26", "中型轿车" },
    { "K27", "中型专用客车" },
    { "K28", "中型专用校车" },
    { "K31", "小型普通客车" },
    { "K32", "小型越野客车" },
    { "K33", "小型轿车" },
    { "K34", "小型专用客车" },
    { "K38", "小型专用校车" },
    { "K41", "微型普通客车" },
    { "K42", "微型越野客车" },
    { "K43", "微型轿车" },
    { "M11", "普通正三轮摩托车" },
    { "M12", "轻便正三轮摩托车" },
    { "M13", "正三轮载客摩托车" },
    { "M14", "正三轮载货摩托车" },
    { "M15", "侧三轮摩托车" },
    { "M21", "普通二轮摩托车" },
    { "M22", "轻便二轮摩托车" },
    { "N11", "三轮汽车" },
    { "Q11", "重型半挂牵引车" },
    { "Q12", "重型全挂牵引车" },
    { "Q21", "中型半挂牵引车" },
    { "Q22", "中型全挂牵引车" },
    { "Q31", "轻型半挂牵引车" },
    { "Q32", "轻型全挂牵引车" },
    { "R01", "道路挖掘" },
    { "R02", "道路占用" },
    { "T11", "大型轮式拖拉机" },
    { "T21", "小型轮式拖拉机" },
    { "T22", "手扶拖拉机" },
    { "T23", "手扶变形运输机" },
    { "X99", "其它" },
    { "Z11", "大型专项作业车" },
    { "Z21", "中型专项作业车" },
    { "Z31", "小型专项作业车" },
    { "Z41", "微型专项作业车" },
    { "Z51", "重型专项作业车" },
    { NULL, NULL },
};

/* ---- chapter 4.1, in the order of its tables --------------------------- */

static const struct field query_fields[] = { /* 4.1.3 */
    FIELD_OF_TEXT("license", MANDATORY, 1, 20),
    FIELD_OF_CODE("licenseColor", MANDATORY, plate_colors),
};

/* qybh: the table allows 20 characters, 6.2 makes them 10 digits. */
static const struct field driving_fields[] = { /* 4.1.4 */
    FIELD_OF_TEXT("lsh", OPTIONAL, 25, 25), /* assigned, 6.4 */
    FIELD_OF_DIGITS("qybh", MANDATORY, 10, 10),
    FIELD_OF_TEXT("qymc", MANDATORY, 1, 150),
    FIELD_OF_DIGITS("dzbh", MANDATORY, 2, 2),
    FIELD_OF_TEXT("cphm", MANDATORY, 1, 20),
    FIELD_OF_CODE("cpys", MANDATORY, plate_colors),
    FIELD_OF_DATE("tgsjq", MANDATORY, TIME_FORMAT),
    FIELD_OF_DATE("tgsjz", MANDATORY, TIME_FORMAT),
    FIELD_OF_CODE("tgzt", MANDATORY, passage_states),
    FIELD_OF_CODE("bgzt", MANDATORY, barrier_states),
};

static const struct field photo_fields[] = { /* 4.1.5 */
    FIELD_OF_TEXT("lsh", MANDATORY, 25, 25),
    FIELD_OF_DIGITS("qybh", MANDATORY, 10, 10),
    FIELD_OF_TEXT("qymc", MANDATORY, 1, 150),
    FIELD_OF_DIGITS("dzbh", MANDATORY, 2, 2),
    FIELD_OF_TEXT("cphm", MANDATORY, 1, 20),
    FIELD_OF_CODE("cpys", MANDATORY, plate_colors),
    FIELD_OF_CODE("zpbh", MANDATORY, photo_numbers),
    FIELD_OF_CODE("zplx", MANDATORY, photo_types),
    FIELD_OF_PICTURE("base64Image", MANDATORY),
    FIELD_OF_DATE("pzsj", MANDATORY, TIME_FORMAT),
};

static const struct field goods_fields[] = { /* 4.1.6 */
    FIELD_OF_TEXT("lsh", MANDATORY, 25, 25),
    FIELD_OF_DIGITS("qybh", MANDATORY, 10, 10),
    FIELD_OF_TEXT("qymc", MANDATORY, 1, 150),
    FIELD_OF_DIGITS("dzbh", MANDATORY, 2, 2),
    FIELD_OF_TEXT("cphm", MANDATORY, 1, 20),
    FIELD_OF_CODE("cpys", MANDATORY, plate_colors),
    FIELD_OF_TEXT("hwmc", MANDATORY, 1, 32),
    FIELD_OF_DECIMAL("ysl", MANDATORY, 2, 0, 9999, 4), /* tonnes */
    FIELD_OF_DATE("djsj", MANDATORY, TIME_FORMAT),
};

#define VEHICLE_ROWS                                                          \
    FIELD_OF_TEXT("license", MANDATORY, 1, 14),                               \
    FIELD_OF_CODE("licenseColor", MANDATORY, plate_colors),                   \
    FIELD_OF_CODE("vehicleType", MANDATORY, vehicle_types),                   \
    FIELD_OF_TEXT("vin", MANDATORY, 1, 32),                                   \
    FIELD_OF_CODE("useCharacter", MANDATORY, uses),                           \
    FIELD_OF_TEXT("engineNo", MANDATORY, 1, 32),                              \
    FIELD_OF_TEXT("onwer", MANDATORY, 1, 100),                                \
    FIELD_OF_TEXT("address", MANDATORY, 1, 300),                              \
    FIELD_OF_TEXT("model", MANDATORY, 1, 100),                                \
    FIELD_OF_DATE("registerDate", MANDATORY, DATE_14),                        \
    FIELD_OF_DATE("issueDate", MANDATORY, DATE_14),                           \
    FIELD_OF_CODE("emissionStandard", MANDATORY, emission_stages),            \
    FIELD_OF_PICTURE("drivingLicenseImg", OPTIONAL),                          \
    FIELD_OF_PICTURE("drivingLicenseImg2", OPTIONAL)

static const struct field vehicle_fields[] = { /* 4.1.2 */
    FIELD_OF_TEXT("companySecretCode", MANDATORY, 1, 32),
    VEHICLE_ROWS,
};

static const struct field inner_vehicle_fields[] = { /* 4.1.7 */
    FIELD_OF_TEXT("companySecretCode", MANDATORY, 1, 32),
    FIELD_OF_TEXT("companyCode", MANDATORY, 1, 32),
    VEHICLE_ROWS,
    FIELD_OF_CODE("carStatus", MANDATORY, ledger_states),
};

/* mhyPlate stands in the example alone; 4.2.20 gives it 14 characters. */
static const struct field inner_machine_fields[] = { /* 4.1.8 */
    FIELD_OF_TEXT("mhyPlate", OPTIONAL, 1, 14),
    FIELD_OF_TEXT("companySecretCode", MANDATORY, 1, 32),
    FIELD_OF_TEXT("companyCode", MANDATORY, 1, 32),
    FIELD_OF_TEXT("mhyJXMC", MANDATORY, 1, 64),
    FIELD_OF_CODE("emissionLevel", MANDATORY, emission_stages),
    FIELD_OF_TEXT("mhyFrameNo", MANDATORY, 1, 64),
    FIELD_OF_DATE("mhyProdDate", MANDATORY, DATE_14),
    FIELD_OF_PICTURE("imageInfo", MANDATORY),
    FIELD_OF_CODE("mhyStatus", MANDATORY, ledger_states),
};

/* kind, fields, how many, printed without wrapper, accessToken inside */
const struct henan_detail henan_token = {
    HENAN_TOKEN, NULL, 0, false, false };
const struct henan_detail henan_vehicle = {
    HENAN_VEHICLE, vehicle_fields, COUNT(vehicle_fields), true, false };
const struct henan_detail henan_query = {
    HENAN_QUERY, query_fields, COUNT(query_fields), false, false };
const struct henan_detail henan_driving = {
    HENAN_DRIVING, driving_fields, COUNT(driving_fields), false, false };
const struct henan_detail henan_photo = {
    HENAN_PHOTO, photo_fields, COUNT(photo_fields), false, false };
const struct henan_detail henan_goods = {
    HENAN_GOODS, goods_fields, COUNT(goods_fields), false, false };
const struct henan_detail henan_inner_vehicle = {
    HENAN_VEHICLE, inner_vehicle_fields, COUNT(inner_vehicle_fields), true, true };
const struct henan_detail henan_inner_machine = {
    HENAN_MACHINE, inner_machine_fields, COUNT(inner_machine_fields), true, true };

/* clang-format on */

const char *henan_color_code(const char *color)
{
    /* The platform has one colour for new energy: both greens. */
    static const struct {
        const char *color;
        const char *code;
    } rows[] = {
        {"blue", "0"},  {"yellow", "1"},       {"white", "2"}, {"black", "3"},
        {"green", "4"}, {"yellow_green", "4"}, {"other", "5"},
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        if (strcmp(rows[i].color, color) == 0)
            return rows[i].code;
    return NULL;
}
