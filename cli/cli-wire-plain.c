/* Owns the pieces of what is read, and how numbers, strings and uuids are. */
#include "cli-wire-private.h"

#include <string.h>

/* ---- pieces ---- */

static void
free_piece (gpointer data)
{
  CliPiece *piece = data;

  g_free (piece->text);
  g_free (piece);
}

void
cli_wire_reader_init (CliWireReader *self, const guint8 *bytes, gsize length, gboolean is_compact)
{
  *self = (CliWireReader){ .bytes = bytes, .length = length, .is_compact = is_compact };
  self->pieces = g_ptr_array_new_with_free_func (free_piece);
}

void
cli_wire_reader_clear (CliWireReader *self)
{
  g_clear_pointer (&self->pieces, g_ptr_array_unref);
  g_clear_pointer (&self->damage, g_free);
}

void
cli_wire_add_piece (CliWireReader *self, gsize start, const gchar *format, ...)
{
  CliPiece *piece;
  va_list arguments;

  if (start == self->at)
    return;
  piece = g_new (CliPiece, 1);
  va_start (arguments, format);
  piece->text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  piece->start = start;
  piece->length = self->at - start;
  piece->depth = self->depth;
  g_ptr_array_add (self->pieces, piece);
}

gboolean
cli_wire_fail (CliWireReader *self, gsize at, const gchar *format, ...)
{
  g_autofree gchar *message = NULL;
  va_list arguments;

  if (self->damage != NULL)
    return FALSE;
  va_start (arguments, format);
  message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  self->damage =
      g_strdup_printf ("byte %" G_GSIZE_FORMAT " (0x%" G_GSIZE_MODIFIER "x): %s", at, at, message);
  return FALSE;
}

gboolean
cli_wire_need (CliWireReader *self, gsize count, const gchar *what)
{
  const gsize left = self->length - self->at;

  return count <= left
         || cli_wire_fail (self, self->at,
                           "%s needs %" G_GSIZE_FORMAT " bytes, and %" G_GSIZE_FORMAT " are left",
                           what, count, left);
}

const gchar *
cli_wire_get_name (guint8 wire)
{
  static const gchar *const names[] = {
    [T_BOOL] = "bool", [T_BYTE] = "i8",       [T_I16] = "i16",       [T_I32] = "i32",
    [T_I64] = "i64",   [T_DOUBLE] = "double", [T_STRING] = "string", [T_STRUCT] = "struct",
    [T_MAP] = "map",   [T_SET] = "set",       [T_LIST] = "list",     [TALLY_WIRE_UUID] = "uuid",
  };

  return wire < G_N_ELEMENTS (names) ? names[wire] : NULL;
}

gchar *
cli_wire_quote (const guint8 *bytes, gsize length)
{
  GString *text = g_string_new ("\"");
  const gsize shown = length > 40 ? 37 : length;

  for (gsize i = 0; i < shown; i++)
    if (bytes[i] == '"' || bytes[i] == '\\')
      g_string_append_printf (text, "\\%c", bytes[i]);
    else if (bytes[i] >= 0x20 && bytes[i] < 0x7f)
      g_string_append_c (text, (gchar) bytes[i]);
    else
      g_string_append_printf (text, "\\x%02x", bytes[i]);
  g_string_append (text, shown < length ? "...\"" : "\"");
  return g_string_free (text, FALSE);
}

/* ---- numbers ---- */

guint64
cli_wire_get_fixed (const CliWireReader *self, guint n_bytes)
{
  guint64 value = 0;

  for (guint i = 0; i < n_bytes; i++)
    value = value << 8 | self->bytes[self->at + i];
  return value;
}

gboolean
cli_wire_read_varint (CliWireReader *self, guint n_bits, guint64 *value, const gchar *what)
{
  const gsize start = self->at;
  guint64 read = 0;

  for (guint shift = 0; shift < 70; shift += 7)
    {
      guint8 byte;

      if (!cli_wire_need (self, 1, what))
        {
          self->at = start;
          return FALSE;
        }
      byte = self->bytes[self->at++];
      if (shift < 64)
        read |= (guint64) (byte & 0x7f) << shift;
      if ((byte & 0x80) == 0)
        {
          if (n_bits < 64 && read >> n_bits != 0)
            break;
          *value = read;
          return TRUE;
        }
    }
  self->at = start;
  return cli_wire_fail (self, start, "%s has more than %u bits", what, n_bits);
}

gint64
cli_wire_unzigzag (guint64 value)
{
  return (gint64) (value >> 1) ^ -(gint64) (value & 1);
}

static gint64
sign (guint64 value, guint n_bytes)
{
  const guint shift = 64 - 8 * n_bytes;

  return (gint64) (value << shift) >> shift;
}

/* A number that is as long as its type. */
static gboolean
read_fixed (CliWireReader *self, guint n_bytes, guint8 wire, guint64 *value)
{
  if (!cli_wire_need (self, n_bytes, cli_wire_get_name (wire)))
    return FALSE;
  *value = cli_wire_get_fixed (self, n_bytes);
  self->at += n_bytes;
  return TRUE;
}

static const gchar *
find_enum_name (const TallyType *type, gint64 value)
{
  const TallyEnumInfo *info = (const TallyEnumInfo *) type;

  if (type == NULL || type->kind != TALLY_KIND_ENUM || value < G_MININT32 || value > G_MAXINT32)
    return NULL;
  return tally_enum_to_string (info, (gint) value);
}

static gboolean
read_wire_integer (CliWireReader *self, CliWire *value, const TallyType *type)
{
  const guint n_bytes = value->wire == T_BYTE  ? 1
                        : value->wire == T_I16 ? 2
                        : value->wire == T_I32 ? 4
                                               : 8;
  const gsize start = self->at;
  const gchar *name;
  guint64 read;

  if (self->is_compact && n_bytes > 1)
    {
      if (!cli_wire_read_varint (self, n_bytes * 8, &read, cli_wire_get_name (value->wire)))
        return FALSE;
      value->integer = cli_wire_unzigzag (read);
    }
  else
    {
      if (!read_fixed (self, n_bytes, value->wire, &read))
        return FALSE;
      value->integer = sign (read, n_bytes);
    }
  name = find_enum_name (type, value->integer);
  cli_wire_add_piece (self, start, "%" G_GINT64_FORMAT "%s%s", value->integer,
                      name != NULL ? " = " : "", name != NULL ? name : "");
  return TRUE;
}

static gboolean
read_double (CliWireReader *self, CliWire *value)
{
  const gsize start = self->at;
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];
  guint64 bits;

  if (!read_fixed (self, 8, T_DOUBLE, &bits))
    return FALSE;
  if (self->is_compact)
    bits = GUINT64_SWAP_LE_BE (bits);
  memcpy (&value->number, &bits, sizeof bits);
  g_ascii_formatd (text, sizeof text, "%.17g", value->number);
  cli_wire_add_piece (self, start, "%s", text);
  return TRUE;
}

/* A bool that is an element; as a compact field it is in its field's header. */
static gboolean
read_bool (CliWireReader *self, CliWire *value)
{
  const gsize start = self->at;
  guint64 byte;

  if (!read_fixed (self, 1, T_BOOL, &byte))
    return FALSE;
  value->integer = self->is_compact ? byte == 1 : byte != 0;
  cli_wire_add_piece (self, start, "%s", value->integer != 0 ? "true" : "false");
  return TRUE;
}

/* ---- bytes ---- */

/* A length or count. */
gboolean
cli_wire_read_size (CliWireReader *self, guint64 *size, const gchar *what)
{
  const gsize start = self->at;

  if (self->is_compact)
    return cli_wire_read_varint (self, 32, size, what);
  if (!cli_wire_need (self, 4, what))
    return FALSE;
  *size = cli_wire_get_fixed (self, 4);
  if (*size > G_MAXINT32)
    return cli_wire_fail (self, start, "%s is negative: %" G_GINT64_FORMAT, what, sign (*size, 4));
  self->at += 4;
  return TRUE;
}

static gboolean
read_string_bytes (CliWireReader *self, CliWire *value)
{
  const gsize start = self->at;
  g_autofree gchar *text = NULL;
  guint64 length;
  gsize left;

  if (!cli_wire_read_size (self, &length, "a string's length"))
    return FALSE;
  left = self->length - self->at;
  if (length > left)
    return cli_wire_fail (self, start,
                          "a string of %" G_GUINT64_FORMAT
                          " bytes is announced, and %" G_GSIZE_FORMAT " are left",
                          length, left);
  cli_wire_add_piece (self, start, "length %" G_GUINT64_FORMAT, length);
  value->start = self->at;
  value->length = (gsize) length;
  self->at += value->length;
  text = cli_wire_quote (self->bytes + value->start, value->length);
  cli_wire_add_piece (self, value->start, "%s", text);
  return TRUE;
}

static gboolean
read_uuid (CliWireReader *self, CliWire *value)
{
  TallyUuid uuid;
  gchar text[37];

  if (!cli_wire_need (self, sizeof uuid.bytes, "uuid"))
    return FALSE;
  value->start = self->at;
  value->length = sizeof uuid.bytes;
  memcpy (uuid.bytes, self->bytes + self->at, sizeof uuid.bytes);
  self->at += sizeof uuid.bytes;
  tally_uuid_to_string (&uuid, text);
  cli_wire_add_piece (self, value->start, "%s", text);
  return TRUE;
}
gboolean
cli_wire_read_plain (CliWireReader *self, CliWire *value, const TallyType *type)
{
  if (value->wire == T_STRING)
    return read_string_bytes (self, value);
  if (value->wire == TALLY_WIRE_UUID)
    return read_uuid (self, value);
  if (value->wire == T_BOOL)
    return read_bool (self, value);
  if (value->wire == T_DOUBLE)
    return read_double (self, value);
  return read_wire_integer (self, value, type);
}
