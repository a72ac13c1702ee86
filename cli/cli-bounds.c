/* Owns how messages are found in a stream of bytes: by their frame's length or, without one, by what is in them. It knows no
 * IDL, and what a value is only as far as its length goes. */
#include "cli-bounds.h"

#include <thrift/c_glib/protocol/thrift_protocol.h>

#define WIRE_UUID 16

void
cli_bounds_reset (CliBounds *self)
{
  self->is_known = FALSE;
  self->in_body = FALSE;
  self->position = 0;
  self->depth = 0;
}

/* ---- pieces ---- */

/* A step says one of these; CLI_CUT_WHOLE: go on. */
static CliCut
skip_bytes (CliBounds *self, gsize length, gsize count)
{
  if (self->position > length || count > length - self->position)
    return CLI_CUT_MORE;
  self->position += count;
  return CLI_CUT_WHOLE;
}

static guint64
get_fixed (const guint8 *bytes, guint count)
{
  guint64 value = 0;

  for (guint i = 0; i < count; i++)
    value = value << 8 | bytes[i];
  return value;
}

/* At @at, which is moved behind it. */
static CliCut
read_varint (const guint8 *bytes, gsize length, gsize *at, guint64 *value)
{
  *value = 0;
  for (guint i = 0; i < 10; i++)
    {
      if (*at + i >= length)
        return CLI_CUT_MORE;
      *value |= (guint64) (bytes[*at + i] & 0x7f) << (7 * i);
      if (bytes[*at + i] < 0x80)
        {
          *at += i + 1;
          return CLI_CUT_WHOLE;
        }
    }
  return CLI_CUT_STRANGE;
}

/* A length of four bytes, or a varint; @at is moved behind it. */
static CliCut
read_length (const CliBounds *self, const guint8 *bytes, gsize length, gsize *at, guint64 *value)
{
  CliCut cut = CLI_CUT_WHOLE;

  if (self->is_compact)
    cut = read_varint (bytes, length, at, value);
  else if (*at > length || length - *at < 4)
    return CLI_CUT_MORE;
  else
    {
      *value = get_fixed (bytes + *at, 4);
      *at += 4;
    }
  return cut == CLI_CUT_WHOLE && *value > G_MAXINT32 ? CLI_CUT_STRANGE : cut;
}

/* What follows the length that stands at the position is passed over, whether it has arrived or not. */
static CliCut
skip_string (CliBounds *self, const guint8 *bytes, gsize length)
{
  gsize at = self->position;
  guint64 count;
  const CliCut cut = read_length (self, bytes, length, &at, &count);

  if (cut == CLI_CUT_WHOLE)
    self->position = at + (gsize) count;
  return cut;
}

/* ---- values ---- */

static CliCut
open_level (CliBounds *self, guint8 kind, guint8 key, guint8 element, guint64 count)
{
  if (self->depth == CLI_MAX_DEPTH)
    return CLI_CUT_STRANGE;
  self->levels[self->depth++] =
      (CliLevel){ .kind = kind, .key = key, .element = element, .remaining = count };
  return CLI_CUT_WHOLE;
}

static CliCut
open_binary_container (CliBounds *self, const guint8 *bytes, gsize length, gboolean is_map)
{
  const guint n_types = is_map ? 2 : 1;
  gsize at = self->position + n_types;
  guint64 count;
  CliCut cut = read_length (self, bytes, length, &at, &count);

  if (cut != CLI_CUT_WHOLE)
    return cut;
  cut = open_level (self, is_map ? T_MAP : T_LIST, bytes[self->position],
                    bytes[self->position + n_types - 1], count);
  self->position = at;
  return cut;
}

static CliCut
open_compact_list (CliBounds *self, const guint8 *bytes, gsize length)
{
  gsize at = self->position + 1;
  CliCut cut = CLI_CUT_WHOLE;
  guint64 count;

  if (self->position >= length)
    return CLI_CUT_MORE;
  count = bytes[self->position] >> 4;
  if (count == 15)
    cut = read_length (self, bytes, length, &at, &count);
  if (cut != CLI_CUT_WHOLE)
    return cut;
  cut = open_level (self, T_LIST, 0, bytes[self->position] & 15, count);
  self->position = at;
  return cut;
}

static CliCut
open_compact_map (CliBounds *self, const guint8 *bytes, gsize length)
{
  gsize at = self->position;
  guint64 count;
  CliCut cut = read_length (self, bytes, length, &at, &count);

  if (cut != CLI_CUT_WHOLE)
    return cut;
  if (count == 0)
    {
      self->position = at;
      return CLI_CUT_WHOLE;
    }
  if (at >= length)
    return CLI_CUT_MORE;
  cut = open_level (self, T_MAP, bytes[at] >> 4, bytes[at] & 15, count);
  self->position = at + 1;
  return cut;
}

static CliCut
skip_binary_value (CliBounds *self, const guint8 *bytes, gsize length, guint8 type)
{
  switch (type)
    {
    case T_BOOL:
    case T_BYTE:
      return skip_bytes (self, length, 1);
    case T_I16:
      return skip_bytes (self, length, 2);
    case T_I32:
      return skip_bytes (self, length, 4);
    case T_I64:
    case T_DOUBLE:
      return skip_bytes (self, length, 8);
    case WIRE_UUID:
      return skip_bytes (self, length, 16);
    case T_STRING:
      return skip_string (self, bytes, length);
    case T_STRUCT:
      return open_level (self, T_STRUCT, 0, 0, 0);
    case T_LIST:
    case T_SET:
      return open_binary_container (self, bytes, length, FALSE);
    case T_MAP:
      return open_binary_container (self, bytes, length, TRUE);
    default:
      return CLI_CUT_STRANGE;
    }
}

/* Thrift compact protocol, "Field types": 1 and 2 are bools, whose byte in a container is theirs. */
static CliCut
skip_compact_value (CliBounds *self, const guint8 *bytes, gsize length, guint8 type)
{
  guint64 ignored;

  switch (type)
    {
    case 1:
    case 2:
    case 3:
      return skip_bytes (self, length, 1);
    case 4:
    case 5:
    case 6:
      return read_varint (bytes, length, &self->position, &ignored);
    case 7:
      return skip_bytes (self, length, 8);
    case 8:
      return skip_string (self, bytes, length);
    case 9:
    case 10:
      return open_compact_list (self, bytes, length);
    case 11:
      return open_compact_map (self, bytes, length);
    case 12:
      return open_level (self, T_STRUCT, 0, 0, 0);
    case 13:
      return skip_bytes (self, length, 16);
    default:
      return CLI_CUT_STRANGE;
    }
}

/* A value may begin at the position; nothing is moved where it does not all fit, but that what is open stays so. */
static CliCut
skip_value (CliBounds *self, const guint8 *bytes, gsize length, guint8 type)
{
  return self->is_compact ? skip_compact_value (self, bytes, length, type)
                          : skip_binary_value (self, bytes, length, type);
}

/* ---- structs and containers ---- */

/* The field that begins at @at; *@type 0: the struct ends. The value begins at *@value. */
static CliCut
cut_field (const CliBounds *self, const guint8 *bytes, gsize length, guint8 *type, gsize *value)
{
  gsize at = self->position;
  guint64 id;
  CliCut cut = CLI_CUT_WHOLE;

  if (at >= length)
    return CLI_CUT_MORE;
  *type = self->is_compact ? bytes[at] & 15 : bytes[at];
  if (*type == 0)
    *value = at + 1;
  else if (!self->is_compact)
    {
      *value = at + 3;
      cut = length - at < 3 ? CLI_CUT_MORE : CLI_CUT_WHOLE;
    }
  else
    {
      const gboolean is_long = bytes[at] >> 4 == 0;

      at++;
      if (is_long)
        cut = read_varint (bytes, length, &at, &id);
      *value = at;
    }
  return cut;
}

static CliCut
scan_struct (CliBounds *self, const guint8 *bytes, gsize length)
{
  const gsize start = self->position;
  guint8 type;
  CliCut cut = cut_field (self, bytes, length, &type, &self->position);

  if (cut != CLI_CUT_WHOLE)
    self->position = start;
  else if (type == 0)
    self->depth--;
  else if (!self->is_compact || type > 2) /* of a bool the field's type is the value */
    {
      cut = skip_value (self, bytes, length, type);
      if (cut != CLI_CUT_WHOLE)
        self->position = start;
    }
  return cut;
}

static CliCut
scan_container (CliBounds *self, CliLevel *level, const guint8 *bytes, gsize length)
{
  CliLevel before = *level;
  guint8 type;
  CliCut cut;

  if (level->remaining == 0)
    {
      self->depth--;
      return CLI_CUT_WHOLE;
    }
  type = level->kind == T_MAP && !level->at_value ? level->key : level->element;
  if (level->kind == T_MAP && !level->at_value)
    level->at_value = TRUE;
  else
    {
      level->at_value = FALSE;
      level->remaining--;
    }
  cut = skip_value (self, bytes, length, type);
  if (cut != CLI_CUT_WHOLE)
    *level = before;
  return cut;
}

/* ---- messages ---- */

/* From the header to the body; the header begins at the position, and its name has a length before it. */
static CliCut
scan_header (CliBounds *self, const guint8 *bytes, gsize length)
{
  const gboolean is_old = !self->is_compact && bytes[0] < 0x80;
  gsize at = self->is_compact ? 2 : is_old ? 0 : 4;
  guint64 count = 0;
  CliCut cut = CLI_CUT_WHOLE;

  if (self->is_compact)
    cut = read_varint (bytes, length, &at, &count); /* the sequence id */
  if (cut == CLI_CUT_WHOLE)
    cut = read_length (self, bytes, length, &at, &count);
  if (cut != CLI_CUT_WHOLE)
    return cut;
  self->position = at + (gsize) count + (self->is_compact ? 0 : is_old ? 5 : 4);
  self->in_body = TRUE;
  return open_level (self, T_STRUCT, 0, 0, 0);
}

static CliCut
scan_message (CliBounds *self, const guint8 *bytes, gsize length, gsize *size)
{
  CliCut cut = self->in_body ? CLI_CUT_WHOLE : scan_header (self, bytes, length);

  while (cut == CLI_CUT_WHOLE && self->depth > 0 && self->position <= length)
    {
      CliLevel *level = &self->levels[self->depth - 1];

      cut = level->kind == T_STRUCT ? scan_struct (self, bytes, length)
                                    : scan_container (self, level, bytes, length);
    }
  if (self->position > CLI_MAX_MESSAGE)
    return CLI_CUT_TOO_LONG;
  if (cut == CLI_CUT_WHOLE && (self->depth > 0 || self->position > length))
    return CLI_CUT_MORE;
  if (cut == CLI_CUT_WHOLE)
    *size = self->position;
  return cut;
}

static CliCut
cut_frame (const guint8 *bytes, gsize length, gsize *size)
{
  const guint64 body = get_fixed (bytes, 4);

  if (body > CLI_MAX_MESSAGE)
    return CLI_CUT_TOO_LONG;
  *size = 4 + (gsize) body;
  return *size <= length ? CLI_CUT_WHOLE : CLI_CUT_MORE;
}

CliCut
cli_bounds_cut (CliBounds *self, const guint8 *bytes, gsize length, gsize *size)
{
  CliBeginning beginning = CLI_BEGINS_BINARY;

  if (!self->is_known)
    {
      beginning = cli_bounds_find_beginning (bytes, length);
      if (beginning == CLI_BEGINS_LATER)
        return CLI_CUT_MORE;
      if (beginning == CLI_BEGINS_STRANGE)
        return CLI_CUT_STRANGE;
      if (beginning == CLI_BEGINS_FRAME)
        return cut_frame (bytes, length, size);
      self->is_known = TRUE;
      self->is_compact = beginning == CLI_BEGINS_COMPACT;
    }
  return scan_message (self, bytes, length, size);
}
