/* Owns where a message of the compact protocol begins and ends. */
#include "scanner-engine.h"
#include "wire-compact-private.h"

#define smallest_size tally_compact_smallest_size
#define fixed_size tally_compact_fixed_size

static Step
read_varint (Cursor *cursor, guint64 *value)
{
  guint64 result = 0;

  for (guint i = 0; i < TALLY_COMPACT_VARINT_MAX; i++)
    {
      guint8 byte;

      if (!has (cursor, 1))
        return STEP_MORE;
      byte = cursor->bytes[cursor->position++];
      result |= (guint64) (byte & 0x7f) << (7 * i);
      if ((byte & 0x80) == 0)
        {
          *value = result;
          return STEP_DONE;
        }
    }
  return STEP_INVALID;
}

static Step
pass_length (Cursor *cursor, guint64 *length)
{
  return read_varint (cursor, length);
}

static Step
pass_list_header (Cursor *cursor, TallyScannerLevel *level)
{
  guint8 byte;

  if (!has (cursor, 1))
    return STEP_MORE;
  byte = cursor->bytes[cursor->position++];
  level->type = tally_wire_types[byte & 0x0f];
  level->remaining = byte >> 4;
  return level->remaining == 15 ? read_varint (cursor, &level->remaining) : STEP_DONE;
}

/* An empty map has no types. */
static Step
pass_map_header (Cursor *cursor, TallyScannerLevel *level)
{
  Step step = read_varint (cursor, &level->remaining);

  if (step != STEP_DONE || level->remaining == 0)
    return step;
  if (!has (cursor, 1))
    return STEP_MORE;
  level->key_type = tally_wire_types[cursor->bytes[cursor->position] >> 4];
  level->type = tally_wire_types[cursor->bytes[cursor->position++] & 0x0f];
  return STEP_DONE;
}

static Step
pass_number (Cursor *cursor)
{
  guint64 number;

  return read_varint (cursor, &number);
}

static inline Step
pass_field (Cursor *cursor, guint8 *type)
{
  guint64 id;
  guint8 byte;

  if (!has (cursor, 1))
    return STEP_MORE;
  byte = cursor->bytes[cursor->position++];
  *type = tally_wire_types[byte & 0x0f];
  if (*type == T_STOP)
    return byte == 0 ? STEP_DONE : STEP_INVALID;
  if (byte >> 4 != 0)
    return STEP_DONE;
  return read_varint (cursor, &id);
}

/* A field's type says whether it is true. */
static inline gboolean
field_has_value (guint8 type)
{
  return type != T_BOOL;
}

static Step
pass_header (Cursor *cursor, const TallyLimits *limits, guint *message_type)
{
  guint64 seqid;
  guint64 name_length;
  Step step;

  if (!has (cursor, 1))
    return STEP_MORE;
  if (cursor->bytes[cursor->position] != TALLY_COMPACT_PROTOCOL_ID)
    return STEP_INVALID;
  if (!has (cursor, 2))
    return STEP_MORE;
  *message_type = cursor->bytes[cursor->position + 1] >> TALLY_COMPACT_TYPE_SHIFT;
  cursor->position += 2;
  step = read_varint (cursor, &seqid);
  if (step == STEP_DONE)
    step = read_varint (cursor, &name_length);
  if (step != STEP_DONE)
    return step;
  if (name_length > G_MAXINT32)
    return STEP_INVALID;
  cursor->position += name_length;
  return STEP_DONE;
}

#include "scanner-template.h"

gsize
tally_compact_scan (TallyScanner *self, const guint8 *bytes, gsize length)
{
  return scan_message (self, bytes, length);
}

gboolean
tally_compact_begins_message (const guint8 *bytes, gsize length)
{
  return length >= 2 && bytes[0] == TALLY_COMPACT_PROTOCOL_ID
         && (bytes[1] & TALLY_COMPACT_VERSION_MASK) == TALLY_COMPACT_VERSION;
}
