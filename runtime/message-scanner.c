/* Owns the search for a message's end in bytes that arrive piecemeal. It is a walk over the wire
 * format with its own stack, one small step at a time; a step that lacks bytes changes nothing and
 * is taken again when there are more. Formats: Thrift's binary and compact specifications. */
#include "message-scanner.h"

#include "wire-private.h"

typedef enum
{
  STEP_DONE,   /* the position moved on */
  STEP_MORE,   /* bytes are missing; nothing changed */
  STEP_INVALID /* no reader would accept this */
} Step;

typedef enum
{
  LEVEL_STRUCT,
  LEVEL_LIST, /* sets as well */
  LEVEL_MAP
} LevelKind;

/* A struct or container that is open. */
typedef struct
{
  guint8 kind;
  guint8 key_type;
  guint8 type;
  gboolean at_value; /* a map whose next part is a value */
  guint64 remaining; /* elements of a container; a map's pairs */
} Level;

struct _TallyScanner
{
  TallyProtocolId protocol;
  const guint8 *smallest_size; /* of the protocol */
  const guint8 *fixed_size;
  const TallyLimits *limits;
  gboolean in_body;
  guint max_fields; /* of the body; 0: any number */
  guint n_fields;   /* of such a body, those that have begun */
  guint64 position; /* may lie beyond the bytes that are there: inside a string, say */
  guint64 n_steps;
  guint depth;
  guint n_levels; /* allocated */
  Level *levels;
};

/* Readers count depth in their own ways; a message at the limit's edge is theirs to judge. */
#define DEPTH_MARGIN 2
#define FIRST_LEVELS 8

/* What a step looks at. */
typedef struct
{
  const guint8 *bytes;
  guint64 length;
  guint64 position;
} Cursor;

TallyScanner *
tally_scanner_new (TallyProtocolId protocol, const TallyLimits *limits)
{
  const gboolean binary = protocol == TALLY_PROTOCOL_BINARY;
  TallyScanner *self = g_new0 (TallyScanner, 1);

  self->protocol = protocol;
  self->smallest_size = binary ? tally_binary_smallest_size : tally_compact_smallest_size;
  self->fixed_size = binary ? tally_binary_fixed_size : tally_compact_fixed_size;
  self->limits = limits;
  self->n_levels = FIRST_LEVELS;
  self->levels = g_new (Level, FIRST_LEVELS);
  return self;
}

void
tally_scanner_free (TallyScanner *self)
{
  g_free (self->levels);
  g_free (self);
}

void
tally_scanner_reset (TallyScanner *self)
{
  self->in_body = FALSE;
  self->max_fields = 0;
  self->n_fields = 0;
  self->position = 0;
  self->n_steps = 0;
  self->depth = 0;
}

/* ---- parts of both formats ---- */

static gboolean
has (const Cursor *cursor, guint64 count)
{
  return cursor->position <= cursor->length && cursor->length - cursor->position >= count;
}

static gint32
read_i32 (Cursor *cursor)
{
  const guint8 *at = cursor->bytes + cursor->position;

  cursor->position += 4;
  return (gint32) ((guint32) at[0] << 24 | (guint32) at[1] << 16 | (guint32) at[2] << 8 | at[3]);
}

static Step
read_varint (Cursor *cursor, guint64 *value)
{
  guint64 result = 0;

  for (guint i = 0; i < 10; i++)
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

static Step scan_value (TallyScanner *self, Cursor *cursor, guint8 type);

static TALLY_COLD void
grow_levels (TallyScanner *self)
{
  self->n_levels *= 2;
  self->levels = g_renew (Level, self->levels, self->n_levels);
}

static inline Step
push (TallyScanner *self, Level level)
{
  if (self->depth >= self->limits->max_depth + DEPTH_MARGIN)
    return STEP_INVALID;
  if (G_UNLIKELY (self->depth == self->n_levels))
    grow_levels (self);
  self->levels[self->depth++] = level;
  return STEP_DONE;
}

static gboolean
is_type (const TallyScanner *self, guint8 type)
{
  return type < TALLY_N_WIRE_TYPES && self->smallest_size[type] != 0;
}

static Step
open_struct (TallyScanner *self)
{
  return push (self, (Level){ .kind = LEVEL_STRUCT });
}

/* A count that the message cannot hold, by its elements' smallest sizes, is refused before any
 * element is looked at; elements that are all of one size are passed over at once. */
static Step
open_container (TallyScanner *self, Cursor *cursor, Level level)
{
  const gboolean is_map = level.kind == LEVEL_MAP;
  guint unit, fixed_unit;

  if (level.remaining == 0)
    return STEP_DONE;
  if (!is_type (self, level.type) || (is_map && !is_type (self, level.key_type))
      || level.remaining > G_MAXINT32)
    return STEP_INVALID;
  unit = self->smallest_size[level.type] + (is_map ? self->smallest_size[level.key_type] : 0);
  fixed_unit = self->fixed_size[level.type] + (is_map ? self->fixed_size[level.key_type] : 0);
  if (cursor->position + level.remaining * unit > self->limits->max_message)
    return STEP_INVALID;
  if (unit != fixed_unit)
    return push (self, level);
  cursor->position += level.remaining * unit;
  return STEP_DONE;
}

/* A result has one field. An exception has two, and perhaps one that this library does not know. */
static guint
find_max_fields (guint message_type)
{
  return message_type == T_REPLY ? 1 : message_type == T_EXCEPTION ? 3 : 0;
}

/* ---- binary ---- */

static Step
binary_container (TallyScanner *self, Cursor *cursor, guint8 type)
{
  Level level = { .kind = type == T_MAP ? LEVEL_MAP : LEVEL_LIST };
  gint32 count;

  if (!has (cursor, type == T_MAP ? 6 : 5))
    return STEP_MORE;
  if (type == T_MAP)
    level.key_type = cursor->bytes[cursor->position++];
  level.type = cursor->bytes[cursor->position++];
  count = read_i32 (cursor);
  if (count < 0)
    return STEP_INVALID;
  level.remaining = count;
  return open_container (self, cursor, level);
}

static Step
binary_string (Cursor *cursor)
{
  gint32 length;

  if (!has (cursor, 4))
    return STEP_MORE;
  length = read_i32 (cursor);
  if (length < 0)
    return STEP_INVALID;
  cursor->position += length;
  return STEP_DONE;
}

static inline __attribute__ ((always_inline)) Step
binary_field (TallyScanner *self, Cursor *cursor)
{
  guint8 type;

  if (!has (cursor, 1))
    return STEP_MORE;
  type = cursor->bytes[cursor->position++];
  if (type == T_STOP)
    {
      self->depth--;
      return STEP_DONE;
    }
  if (!has (cursor, 2))
    return STEP_MORE;
  cursor->position += 2;
  return scan_value (self, cursor, type);
}

static Step
binary_header (TallyScanner *self, Cursor *cursor)
{
  gint32 word;
  gint32 name_length;
  gboolean versioned;

  if (!has (cursor, 4))
    return STEP_MORE;
  word = read_i32 (cursor);
  versioned = word < 0;
  if (!versioned && self->limits->strict)
    return STEP_INVALID;
  if (versioned && !has (cursor, 4))
    return STEP_MORE;
  self->max_fields = versioned ? find_max_fields (word & 0xff) : 0;
  name_length = versioned ? read_i32 (cursor) : word;
  if (name_length < 0)
    return STEP_INVALID;
  /* Behind the name: the type, where the version did not bring it, and the seqid. */
  cursor->position += (guint64) name_length + (versioned ? 4 : 5);
  return STEP_DONE;
}

/* ---- compact ---- */

static Step
compact_list (TallyScanner *self, Cursor *cursor)
{
  Level level = { .kind = LEVEL_LIST };
  guint8 byte;

  if (!has (cursor, 1))
    return STEP_MORE;
  byte = cursor->bytes[cursor->position++];
  level.type = tally_wire_types[byte & 0x0f];
  level.remaining = byte >> 4;
  if (level.remaining == 15)
    {
      Step step = read_varint (cursor, &level.remaining);

      if (step != STEP_DONE)
        return step;
    }
  return open_container (self, cursor, level);
}

static Step
compact_map (TallyScanner *self, Cursor *cursor)
{
  Level level = { .kind = LEVEL_MAP };
  Step step = read_varint (cursor, &level.remaining);

  if (step != STEP_DONE)
    return step;
  if (level.remaining == 0)
    return STEP_DONE;
  if (!has (cursor, 1))
    return STEP_MORE;
  level.key_type = tally_wire_types[cursor->bytes[cursor->position] >> 4];
  level.type = tally_wire_types[cursor->bytes[cursor->position++] & 0x0f];
  return open_container (self, cursor, level);
}

static Step
compact_container (TallyScanner *self, Cursor *cursor, guint8 type)
{
  return type == T_MAP ? compact_map (self, cursor) : compact_list (self, cursor);
}

static Step
compact_string (Cursor *cursor)
{
  guint64 length;
  Step step = read_varint (cursor, &length);

  if (step == STEP_DONE && length > G_MAXINT32)
    return STEP_INVALID;
  if (step == STEP_DONE)
    cursor->position += length;
  return step;
}

static Step
compact_field (TallyScanner *self, Cursor *cursor)
{
  guint64 id;
  guint8 byte, type;

  if (!has (cursor, 1))
    return STEP_MORE;
  byte = cursor->bytes[cursor->position++];
  if (byte == 0)
    {
      self->depth--;
      return STEP_DONE;
    }
  type = tally_wire_types[byte & 0x0f];
  if (byte >> 4 == 0)
    {
      Step step = read_varint (cursor, &id);

      if (step != STEP_DONE)
        return step;
    }
  /* A field's type says whether it is true; nothing follows. */
  if (type == T_BOOL)
    return STEP_DONE;
  return scan_value (self, cursor, type);
}

static Step
compact_header (TallyScanner *self, Cursor *cursor)
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
  self->max_fields =
      find_max_fields (cursor->bytes[cursor->position + 1] >> TALLY_COMPACT_TYPE_SHIFT);
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

/* ---- the walk ---- */

/* A field's value, or an element. */
static Step
scan_value (TallyScanner *self, Cursor *cursor, guint8 type)
{
  const gboolean binary = self->protocol == TALLY_PROTOCOL_BINARY;
  guint64 number;

  if (type == T_STRING)
    return binary ? binary_string (cursor) : compact_string (cursor);
  if (!is_type (self, type))
    return STEP_INVALID;
  if (self->fixed_size[type] > 0)
    {
      cursor->position += self->fixed_size[type];
      return STEP_DONE;
    }
  switch (type)
    {
    case T_STRUCT:
      return open_struct (self);
    case T_LIST:
    case T_SET:
    case T_MAP:
      return binary ? binary_container (self, cursor, type)
                    : compact_container (self, cursor, type);
    default: /* an integer of varying size */
      return read_varint (cursor, &number);
    }
}

/* One element, or one half of a map's pair. */
static Step
scan_element (TallyScanner *self, Cursor *cursor)
{
  Level *level = &self->levels[self->depth - 1];
  gboolean pair_ends = level->kind == LEVEL_LIST || level->at_value;
  guint8 type = level->kind == LEVEL_MAP && !level->at_value ? level->key_type : level->type;
  Level before;
  Step step;

  if (level->remaining == 0)
    {
      self->depth--;
      return STEP_DONE;
    }
  before = *level;
  level->at_value = level->kind == LEVEL_MAP && !level->at_value;
  if (pair_ends)
    level->remaining--;
  step = scan_value (self, cursor, type);
  if (step == STEP_MORE)
    *level = before;
  return step;
}

static inline Step
scan_field (TallyScanner *self, Cursor *cursor)
{
  return self->protocol == TALLY_PROTOCOL_BINARY ? binary_field (self, cursor)
                                                 : compact_field (self, cursor);
}

/* A field more than a reply may have is another reply's header: the end of this one was lost. In both
 * formats a struct ends with a byte 0. */
static G_GNUC_NO_INLINE Step
scan_field_of_reply (TallyScanner *self, Cursor *cursor)
{
  Step step;

  if (self->n_fields == self->max_fields && has (cursor, 1) && cursor->bytes[cursor->position] != 0)
    return STEP_INVALID;
  step = scan_field (self, cursor);
  if (step == STEP_DONE)
    self->n_fields++;
  return step;
}

static Step
scan_step (TallyScanner *self, Cursor *cursor)
{
  gboolean binary = self->protocol == TALLY_PROTOCOL_BINARY;
  Step step;

  if (!self->in_body)
    {
      step = binary ? binary_header (self, cursor) : compact_header (self, cursor);
      if (step == STEP_DONE)
        {
          self->in_body = TRUE;
          step = open_struct (self);
        }
      return step;
    }
  if (self->levels[self->depth - 1].kind != LEVEL_STRUCT)
    return scan_element (self, cursor);
  if (self->max_fields > 0 && self->depth == 1)
    return scan_field_of_reply (self, cursor);
  return scan_field (self, cursor);
}

/* Each step but a level's end consumes a byte, and none is taken beyond the bytes that are there: the
 * work is bounded by what arrived, whatever was declared. */
gsize
tally_scanner_scan (TallyScanner *self, const guint8 *bytes, gsize length)
{
  while (self->position <= length && (!self->in_body || self->depth > 0))
    {
      Cursor cursor = { bytes, length, self->position };
      Step step = scan_step (self, &cursor);

      self->n_steps++;
      if (step == STEP_MORE && length <= self->limits->max_message)
        return 0;
      if (step != STEP_DONE || cursor.position > self->limits->max_message)
        return length;
      self->position = cursor.position;
    }
  return self->position <= length ? self->position : 0;
}

gboolean
tally_scanner_is_whole (const TallyScanner *self)
{
  return self->in_body && self->depth == 0;
}

guint64
tally_scanner_get_steps (const TallyScanner *self)
{
  return self->n_steps;
}
