/* TApplicationException as a table: what a peer sends when a call failed otherwise than
 * declared. */
#include "codec-private.h"

static const TallyField application_exception_fields[] = {
  { .name = "message",
    .id = 1,
    .type = &tally_type_string,
    .requiredness = TALLY_DEFAULT,
    .offset = G_STRUCT_OFFSET (TallyApplicationException, message),
    .isset_offset = G_STRUCT_OFFSET (TallyApplicationException, has_message) },
  { .name = "type",
    .id = 2,
    .type = &tally_type_i32,
    .requiredness = TALLY_DEFAULT,
    .offset = G_STRUCT_OFFSET (TallyApplicationException, type),
    .isset_offset = G_STRUCT_OFFSET (TallyApplicationException, has_type) },
};

const TallyStructInfo tally_application_exception_info =
    TALLY_INLINE_INFO (TALLY_FORM_STRUCT,
                       "TApplicationException",
                       TallyApplicationException,
                       application_exception_fields);
