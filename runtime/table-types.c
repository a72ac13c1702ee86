/* Owns the GObject types of a call's options and of the tables that tallyc emits: their enumerations, and a boxed type for each
 * table, whose copy is the table itself, since a table lives for ever. */
#include "tally-call-options.h"
#include "tally-processor.h"
#include "tally-types.h"

G_DEFINE_ENUM_TYPE (TallyKind,
                    tally_kind,
                    G_DEFINE_ENUM_VALUE (TALLY_KIND_BOOL, "bool"),
                    G_DEFINE_ENUM_VALUE (TALLY_KIND_I8, "i8"),
                    G_DEFINE_ENUM_VALUE (TALLY_KIND_I16, "i16"),
                    G_DEFINE_ENUM_VALUE (TALLY_KIND_I32, "i32"),
                    G_DEFINE_ENUM_VALUE (TALLY_KIND_I64, "i64"),
                    G_DEFINE_ENUM_VALUE (TALLY_KIND_DOUBLE, "double"),
                    G_DEFINE_ENUM_VALUE (TALLY_KIND_ENUM, "enum"),
                    G_DEFINE_ENUM_VALUE (TALLY_KIND_UUID, "uuid"),
                    G_DEFINE_ENUM_VALUE (TALLY_KIND_STRING, "string"),
                    G_DEFINE_ENUM_VALUE (TALLY_KIND_BINARY, "binary"),
                    G_DEFINE_ENUM_VALUE (TALLY_KIND_STRUCT, "struct"),
                    G_DEFINE_ENUM_VALUE (TALLY_KIND_LIST, "list"),
                    G_DEFINE_ENUM_VALUE (TALLY_KIND_SET, "set"),
                    G_DEFINE_ENUM_VALUE (TALLY_KIND_MAP, "map"))

G_DEFINE_ENUM_TYPE (TallyStorage,
                    tally_storage,
                    G_DEFINE_ENUM_VALUE (TALLY_STORAGE_PLAIN, "plain"),
                    G_DEFINE_ENUM_VALUE (TALLY_STORAGE_STRING, "string"),
                    G_DEFINE_ENUM_VALUE (TALLY_STORAGE_BYTES, "bytes"),
                    G_DEFINE_ENUM_VALUE (TALLY_STORAGE_OBJECT, "object"),
                    G_DEFINE_ENUM_VALUE (TALLY_STORAGE_INLINE, "inline"),
                    G_DEFINE_ENUM_VALUE (TALLY_STORAGE_ARRAY, "array"),
                    G_DEFINE_ENUM_VALUE (TALLY_STORAGE_PTRARRAY, "ptrarray"),
                    G_DEFINE_ENUM_VALUE (TALLY_STORAGE_TABLE, "table"))

G_DEFINE_ENUM_TYPE (TallyRequiredness,
                    tally_requiredness,
                    G_DEFINE_ENUM_VALUE (TALLY_REQUIRED, "required"),
                    G_DEFINE_ENUM_VALUE (TALLY_OPTIONAL, "optional"),
                    G_DEFINE_ENUM_VALUE (TALLY_DEFAULT, "default"))

G_DEFINE_ENUM_TYPE (TallyForm,
                    tally_form,
                    G_DEFINE_ENUM_VALUE (TALLY_FORM_STRUCT, "struct"),
                    G_DEFINE_ENUM_VALUE (TALLY_FORM_UNION, "union"),
                    G_DEFINE_ENUM_VALUE (TALLY_FORM_EXCEPTION, "exception"),
                    G_DEFINE_ENUM_VALUE (TALLY_FORM_ARGS, "args"),
                    G_DEFINE_ENUM_VALUE (TALLY_FORM_RESULT, "result"))

G_DEFINE_ENUM_TYPE (TallyIdempotence,
                    tally_idempotence,
                    G_DEFINE_ENUM_VALUE (TALLY_IDEMPOTENCE_OF_METHOD, "of-method"),
                    G_DEFINE_ENUM_VALUE (TALLY_IDEMPOTENCE_YES, "yes"),
                    G_DEFINE_ENUM_VALUE (TALLY_IDEMPOTENCE_NO, "no"))

static gpointer
copy_call_options (gpointer boxed)
{
  return g_memdup2 (boxed, sizeof (TallyCallOptions));
}

G_DEFINE_BOXED_TYPE (TallyCallOptions, tally_call_options, copy_call_options, g_free)

/* Tables are constant and live for ever, so that one may be shared instead of copied. */
static gpointer
share_table (gpointer table)
{
  return table;
}

static void
leave_table (gpointer table)
{
}

G_DEFINE_BOXED_TYPE (TallyType, tally_type, share_table, leave_table)

G_DEFINE_BOXED_TYPE (TallyEnumValue, tally_enum_value, share_table, leave_table)

G_DEFINE_BOXED_TYPE (TallyEnumInfo, tally_enum_info, share_table, leave_table)

G_DEFINE_BOXED_TYPE (TallyValue, tally_value, share_table, leave_table)

G_DEFINE_BOXED_TYPE (TallyField, tally_field, share_table, leave_table)

G_DEFINE_BOXED_TYPE (TallyStructInfo, tally_struct_info, share_table, leave_table)

G_DEFINE_BOXED_TYPE (TallyMethod, tally_method, share_table, leave_table)

G_DEFINE_BOXED_TYPE (TallyService, tally_service, share_table, leave_table)

G_DEFINE_BOXED_TYPE (TallyProcessorInfo, tally_processor_info, share_table, leave_table)
