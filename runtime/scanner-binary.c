/* Owns where a message of the binary protocol begins and ends. */
#include "scanner-engine.h"
#include "wire-binary-private.h"

#define smallest_size tally_binary_smallest_size
#define fixed_size tally_binary_fixed_size

static gint32
read_i32 (Cursor *cursor)
{
  const guint8 *at = cursor->bytes + cursor->position;

  cursor->position += 4;
  return (gint32) ((guint32) at[0] << 24 | (guint32) at[1] << 16 | (guint32) at[2] << 8 | at[3]);
}

static Step
pass_length (Cursor *cursor, guint64 *length)
{
  gint32 declared;

  if (!has (cursor, 4))
    return STEP_MORE;
  declared = read_i32 (cursor);
  *length = declared;
  return declared >= 0 ? STEP_DONE : STEP_INVALID;
}

static Step
pass_list_header (Cursor *cursor, TallyScannerLevel *level)
{
  if (!has (cursor, 5))
    return STEP_MORE;
  level->type = cursor->bytes[cursor->position++];
  return pass_length (cursor, &level->remaining);
}

static Step
pass_map_header (Cursor *cursor, TallyScannerLevel *level)
{
  if (!has (cursor, 6))
    return STEP_MORE;
  level->key_type = cursor->bytes[cursor->position++];
  return pass_list_header (cursor, level);
}

/* There is none: every integer has its size. */
static inline Step
pass_number (Cursor *cursor)
{
  return STEP_INVALID;
}

static inline Step
pass_field (Cursor *cursor, guint8 *type)
{
  if (!has (cursor, 1))
    return STEP_MORE;
  *type = cursor->bytes[cursor->position++];
  if (*type == T_STOP)
    return STEP_DONE;
  if (!has (cursor, 2))
    return STEP_MORE;
  cursor->position += 2;
  return STEP_DONE;
}

static inline gboolean
field_has_value (guint8 type)
{
  return TRUE;
}

static Step
pass_header (Cursor *cursor, const TallyLimits *limits, guint *message_type)
{
  gint32 word;
  gint32 name_length;
  gboolean versioned;

  if (!has (cursor, 4))
    return STEP_MORE;
  word = read_i32 (cursor);
  versioned = word < 0;
  if (!versioned && limits->strict)
    return STEP_INVALID;
  if (versioned && !has (cursor, 4))
    return STEP_MORE;
  *message_type = versioned ? word & 0xff : 0;
  name_length = versioned ? read_i32 (cursor) : word;
  if (name_length < 0)
    return STEP_INVALID;
  /* Behind the name: the type, where the version did not bring it, and the seqid. */
  cursor->position += (guint64) name_length + (versioned ? 4 : 5);
  return STEP_DONE;
}

#include "scanner-template.h"

gsize
tally_binary_scan (TallyScanner *self, const guint8 *bytes, gsize length)
{
  return scan_message (self, bytes, length);
}

gboolean
tally_binary_begins_message (const guint8 *bytes, gsize length)
{
  return length >= 2 && bytes[0] == TALLY_BINARY_VERSION_1 >> 24
         && bytes[1] == (TALLY_BINARY_VERSION_1 >> 16 & 0xff);
}
