#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "codes.h"

static void credit_codes_are_checked_by_their_last_character(void **state)
{
    json_t *file = json_load_file(TEST_VECTORS "/uscc.json", 0, NULL);
    json_t *row;
    size_t i;

    (void)state;
    assert_non_null(file);
    json_array_foreach(json_object_get(file, "cases"), i, row) assert_int_equal(
        uscc_valid(json_string_value(json_object_get(row, "text"))),
        json_is_true(json_object_get(row, "valid")));
    json_decref(file);
}

static void a_credit_code_of_another_form_is_none(void **state)
{
    static const char *const codes[] = {
        "",
        "91330000573973053",   /* 17 */
        "91330000573973053FF", /* 19 */
        "91330000573973053f",  /* a small letter */
        "9133000O573973053F",  /* O for 0 */
        "91330000537973053F",  /* two digits changed places */
    };

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        assert_false(uscc_valid(codes[i]));
}
