/* The tables that every program shares, and finding things in tables. */
#include <string.h>

#include "codec-private.h"
#include "hash-private.h"
#include "storage.h"
#include "tally-error.h"
#include "tally-struct.h"

#define BASE_TYPE(kind_, wire_, storage_, size_)                                                   \
  {                                                                                                \
    .kind = TALLY_KIND_##kind_, .wire = (wire_), .storage = TALLY_STORAGE_##storage_,              \
    .size = (size_)                                                                                \
  }

/**
 * tally_type_bool: (skip)
 *
 * The table of IDL's `bool`, in C a `gboolean`.
 */
const TallyType tally_type_bool = BASE_TYPE (BOOL, T_BOOL, PLAIN, sizeof (gboolean));
/**
 * tally_type_i8: (skip)
 *
 * The table of IDL's `i8`, in C a `gint8`.
 */
const TallyType tally_type_i8 = BASE_TYPE (I8, T_BYTE, PLAIN, sizeof (gint8));
/**
 * tally_type_i16: (skip)
 *
 * The table of IDL's `i16`, in C a `gint16`.
 */
const TallyType tally_type_i16 = BASE_TYPE (I16, T_I16, PLAIN, sizeof (gint16));
/**
 * tally_type_i32: (skip)
 *
 * The table of IDL's `i32`, in C a `gint32`.
 */
const TallyType tally_type_i32 = BASE_TYPE (I32, T_I32, PLAIN, sizeof (gint32));
/**
 * tally_type_i64: (skip)
 *
 * The table of IDL's `i64`, in C a `gint64`.
 */
const TallyType tally_type_i64 = BASE_TYPE (I64, T_I64, PLAIN, sizeof (gint64));
/**
 * tally_type_double: (skip)
 *
 * The table of IDL's `double`, in C a `gdouble`.
 */
const TallyType tally_type_double = BASE_TYPE (DOUBLE, T_DOUBLE, PLAIN, sizeof (gdouble));
/**
 * tally_type_uuid: (skip)
 *
 * The table of IDL's `uuid`, in C a #TallyUuid.
 */
const TallyType tally_type_uuid = BASE_TYPE (UUID, TALLY_WIRE_UUID, PLAIN, sizeof (TallyUuid));
/**
 * tally_type_string: (skip)
 *
 * The table of IDL's `string`, in C a `gchar *`.
 */
const TallyType tally_type_string = BASE_TYPE (STRING, T_STRING, STRING, sizeof (gpointer));
/**
 * tally_type_binary: (skip)
 *
 * The table of IDL's `binary`, in C a `GByteArray *`.
 */
const TallyType tally_type_binary = BASE_TYPE (BINARY, T_STRING, BYTES, sizeof (gpointer));

/**
 * tally_empty_args: (skip)
 *
 * The arguments of every method that has none.
 */
const TallyStructInfo tally_empty_args = {
  .type = BASE_TYPE (STRUCT, T_STRUCT, INLINE, 0),
  .name = "args",
  .form = TALLY_FORM_ARGS,
};

/**
 * tally_empty_result: (skip)
 *
 * The result of every method that has none.
 */
const TallyStructInfo tally_empty_result = {
  .type = BASE_TYPE (STRUCT, T_STRUCT, INLINE, 0),
  .name = "result",
  .form = TALLY_FORM_RESULT,
};

const TallyField *
tally_struct_info_find_field (const TallyStructInfo *info, gint16 id)
{
  guint low = 0, high = info->n_fields;

  while (low < high)
    {
      guint middle = (low + high) / 2;

      if (info->fields[middle].id == id)
        return &info->fields[middle];
      if (info->fields[middle].id < id)
        low = middle + 1;
      else
        high = middle;
    }
  return NULL;
}

/* strcmp () order, for a name that need not end in NUL. */
static gint
compare_name (const gchar *name, gsize length, const TallyMethod *method)
{
  gint order = memcmp (name, method->name, MIN (length, method->name_length));

  if (order != 0 || length == method->name_length)
    return order;
  return length < method->name_length ? -1 : 1;
}

/* (nullable) */
static G_GNUC_NO_INLINE const TallyMethod *
bisect_methods (const TallyService *service, const gchar *name, gsize length)
{
  guint low = 0, high = service->n_methods;

  while (low < high)
    {
      guint middle = (low + high) / 2;
      gint order = compare_name (name, length, &service->methods[middle]);

      if (order == 0)
        return &service->methods[middle];
      if (order < 0)
        high = middle;
      else
        low = middle + 1;
    }
  return NULL;
}

/* Of so few methods most are told apart by the lengths of their names. */
#define FEW_METHODS 8

/* (nullable): of the service itself. */
static inline const TallyMethod *
find_own_method (const TallyService *service, const gchar *name, gsize length)
{
  const TallyMethod *end = service->methods + service->n_methods;

  if (G_UNLIKELY (service->n_methods > FEW_METHODS))
    return bisect_methods (service, name, length);
  for (const TallyMethod *method = service->methods; method < end; method++)
    if (method->name_length == length && tally_bytes_are_equal (name, method->name, length))
      return method;
  return NULL;
}

const TallyMethod *
tally_service_find_method (const TallyService *service, const gchar *name, gsize length)
{
  for (; service != NULL; service = service->parent)
    {
      const TallyMethod *method = find_own_method (service, name, length);

      if (G_LIKELY (method != NULL))
        return method;
    }
  return NULL;
}

/**
 * tally_enum_to_string:
 * @info: an enum's table
 * @value: a value
 *
 * What the generated `toString_<Enum> ()` calls.
 *
 * Returns: (transfer none): the value's name in C; for a value that has none the number as text, in the
 *   thread's own buffer, until its next call for such a value
 */
const gchar *
tally_enum_to_string (const TallyEnumInfo *info, gint value)
{
  for (guint i = 0; i < info->n_values; i++)
    if (info->values[i].value == value)
      return info->values[i].c_name;

  /* As Apache's toString_X () does: the number, good until the thread asks for another. */
  static _Thread_local gchar number[16];

  g_snprintf (number, sizeof number, "%d", value);
  return number;
}

/* ---- keys ---- */

/**
 * tally_binary_hash:
 * @bytes: (type GByteArray) (nullable): a key; %NULL is one without bytes
 *
 * Returns: a hash of the bytes, with the process's own key
 */
guint
tally_binary_hash (gconstpointer bytes)
{
  const GByteArray *array = bytes;

  return array != NULL ? tally_hash_bytes (array->data, array->len) : tally_hash_bytes (NULL, 0);
}

/**
 * tally_binary_equal:
 * @a: (type GByteArray) (nullable): a key; %NULL is one without bytes
 * @b: (type GByteArray) (nullable): another
 *
 * Returns: whether both hold the same bytes
 */
gboolean
tally_binary_equal (gconstpointer a, gconstpointer b)
{
  const GByteArray *left = a, *right = b;
  guint length = left != NULL ? left->len : 0;

  return length == (right != NULL ? right->len : 0)
         && (length == 0 || memcmp (left->data, right->data, length) == 0);
}

/**
 * tally_uuid_hash:
 * @uuid: (type TallyUuid): a key
 *
 * Returns: a hash of the uuid, with the process's own key
 */
guint
tally_uuid_hash (gconstpointer uuid)
{
  return tally_hash_bytes (uuid, sizeof (TallyUuid));
}

/**
 * tally_uuid_equal:
 * @a: (type TallyUuid): a key
 * @b: (type TallyUuid): another
 *
 * Returns: whether both are the same uuid
 */
gboolean
tally_uuid_equal (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, sizeof (TallyUuid)) == 0;
}

/* ---- uuid ---- */

static TallyUuid *
tally_uuid_copy (TallyUuid *uuid)
{
  return g_memdup2 (uuid, sizeof *uuid);
}

static void
tally_uuid_free (TallyUuid *uuid)
{
  g_free (uuid);
}

G_DEFINE_BOXED_TYPE (TallyUuid, tally_uuid, tally_uuid_copy, tally_uuid_free)

static gboolean
is_dash (guint byte)
{
  return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

/**
 * tally_uuid_to_string: (skip)
 * @uuid: a uuid
 * @text: (out caller-allocates): its text in lower case, with a NUL
 *
 * Writes a uuid in the form 8-4-4-4-12 of RFC 4122.
 */
void
tally_uuid_to_string (const TallyUuid *uuid, gchar text[37])
{
  static const gchar digits[] = "0123456789abcdef";
  gchar *next = text;

  for (guint i = 0; i < sizeof uuid->bytes; i++)
    {
      if (is_dash (i))
        *next++ = '-';
      *next++ = digits[uuid->bytes[i] >> 4];
      *next++ = digits[uuid->bytes[i] & 15];
    }
  *next = '\0';
}

/**
 * tally_uuid_parse:
 * @text: 36 characters in the form 8-4-4-4-12, of either case
 * @uuid: (out caller-allocates): the uuid; untouched after a failure
 * @error: return location for an error
 *
 * Returns: %TRUE, or %FALSE with %TALLY_ERROR_INVALID_VALUE
 */
gboolean
tally_uuid_parse (const gchar *text, TallyUuid *uuid, GError **error)
{
  TallyUuid parsed = { { 0 } };
  const gchar *next = text;

  g_return_val_if_fail (text != NULL && uuid != NULL, FALSE);

  for (guint i = 0; next != NULL && i < sizeof parsed.bytes; i++)
    {
      if (is_dash (i) && *next++ != '-')
        next = NULL;
      else if (!g_ascii_isxdigit (next[0]) || !g_ascii_isxdigit (next[1]))
        next = NULL;
      else
        {
          parsed.bytes[i] = g_ascii_xdigit_value (next[0]) << 4 | g_ascii_xdigit_value (next[1]);
          next += 2;
        }
    }
  if (next == NULL || *next != '\0')
    {
      g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE,
                   "\"%s\" is no uuid: 8-4-4-4-12 hexadecimal digits are expected", text);
      return FALSE;
    }
  *uuid = parsed;
  return TRUE;
}
