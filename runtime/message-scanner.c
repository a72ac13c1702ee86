/* Owns the search for a message's end in bytes that arrive piecemeal. It is a walk over the wire
 * format with its own stack, one small step at a time; a step that lacks bytes changes nothing and
 * is taken again when there are more. Formats: Thrift's binary and compact specifications. */
#include "message-scanner.h"

#include <thrift/c_glib/protocol/thrift_protocol.h>

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

/* A struct or container that is open. Types are the wire's own: binary's or compact's numbers. */
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
  const TallyLimits *limits;
  gboolean in_body;
  guint64 position; /* may lie beyond the bytes that are there: inside a string, say */
  guint depth;
  guint max_depth;
  Level levels[]; /* max_depth of them */
};

/* Readers count depth in their own ways; a message at the limit's edge is theirs to judge. */
#define DEPTH_MARGIN 2

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
  guint max_depth = limits->max_depth + DEPTH_MARGIN;
  TallyScanner *self = g_malloc0 (sizeof (TallyScanner) + max_depth * sizeof (Level));

  self->protocol = protocol;
  self->limits = limits;
  self->max_depth = max_depth;
  return self;
}

void
tally_scanner_free (TallyScanner *self)
{
  g_free (self);
}

void
tally_scanner_reset (TallyScanner *self)
{
  self->in_body = FALSE;
  self->position = 0;
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

static Step
push (TallyScanner *self, Level level)
{
  if (self->depth >= self->max_depth)
    return STEP_INVALID;
  if (level.kind == LEVEL_STRUCT || level.remaining > 0)
    self->levels[self->depth++] = level;
  return STEP_DONE;
}

/* ---- binary ---- */

/* Bytes of a value that always has as many; 0 for the other types. */
static guint
binary_fixed_size (guint8 type)
{
  switch (type)
    {
    case T_BOOL:
    case T_BYTE:
      return 1;
    case T_I16:
      return 2;
    case T_I32:
      return 4;
    case T_I64:
    case T_DOUBLE:
      return 8;
    case TALLY_WIRE_UUID:
      return 16;
    default:
      return 0;
    }
}

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
  /* Elements that are all of one size are passed over at once. */
  if (level.kind == LEVEL_LIST && binary_fixed_size (level.type) > 0)
    {
      cursor->position += level.remaining * binary_fixed_size (level.type);
      level.remaining = 0;
    }
  return push (self, level);
}

static Step
binary_value (TallyScanner *self, Cursor *cursor, guint8 type)
{
  gint32 length;

  if (binary_fixed_size (type) > 0)
    {
      cursor->position += binary_fixed_size (type);
      return STEP_DONE;
    }
  switch (type)
    {
    case T_STRING:
      if (!has (cursor, 4))
        return STEP_MORE;
      length = read_i32 (cursor);
      if (length < 0)
        return STEP_INVALID;
      cursor->position += length;
      return STEP_DONE;
    case T_STRUCT:
      return push (self, (Level){ .kind = LEVEL_STRUCT });
    case T_LIST:
    case T_SET:
    case T_MAP:
      return binary_container (self, cursor, type);
    default:
      return STEP_INVALID;
    }
}

static Step
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
  return binary_value (self, cursor, type);
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
  name_length = versioned ? read_i32 (cursor) : word;
  if (name_length < 0)
    return STEP_INVALID;
  /* Behind the name: the type, where the version did not bring it, and the seqid. */
  cursor->position += (guint64) name_length + (versioned ? 4 : 5);
  return STEP_DONE;
}

/* ---- compact ---- */

enum
{
  COMPACT_TRUE = 1,
  COMPACT_FALSE,
  COMPACT_BYTE,
  COMPACT_I16,
  COMPACT_I32,
  COMPACT_I64,
  COMPACT_DOUBLE,
  COMPACT_BINARY,
  COMPACT_LIST,
  COMPACT_SET,
  COMPACT_MAP,
  COMPACT_STRUCT,
  COMPACT_UUID
};

static Step
compact_list (TallyScanner *self, Cursor *cursor)
{
  Level level = { .kind = LEVEL_LIST };
  guint8 byte;

  if (!has (cursor, 1))
    return STEP_MORE;
  byte = cursor->bytes[cursor->position++];
  level.type = byte & 0x0f;
  level.remaining = byte >> 4;
  if (level.remaining == 15)
    {
      Step step = read_varint (cursor, &level.remaining);

      if (step != STEP_DONE)
        return step;
    }
  return level.remaining > G_MAXINT32 ? STEP_INVALID : push (self, level);
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
  level.key_type = cursor->bytes[cursor->position] >> 4;
  level.type = cursor->bytes[cursor->position++] & 0x0f;
  return level.remaining > G_MAXINT32 ? STEP_INVALID : push (self, level);
}

static Step
compact_value (TallyScanner *self, Cursor *cursor, guint8 type)
{
  guint64 number;
  Step step;

  switch (type)
    {
    case COMPACT_TRUE:
    case COMPACT_FALSE:
    case COMPACT_BYTE:
      cursor->position += 1;
      return STEP_DONE;
    case COMPACT_I16:
    case COMPACT_I32:
    case COMPACT_I64:
      return read_varint (cursor, &number);
    case COMPACT_DOUBLE:
      cursor->position += 8;
      return STEP_DONE;
    case COMPACT_UUID:
      cursor->position += 16;
      return STEP_DONE;
    case COMPACT_BINARY:
      step = read_varint (cursor, &number);
      if (step == STEP_DONE && number > G_MAXINT32)
        return STEP_INVALID;
      if (step == STEP_DONE)
        cursor->position += number;
      return step;
    case COMPACT_LIST:
    case COMPACT_SET:
      return compact_list (self, cursor);
    case COMPACT_MAP:
      return compact_map (self, cursor);
    case COMPACT_STRUCT:
      return push (self, (Level){ .kind = LEVEL_STRUCT });
    default:
      return STEP_INVALID;
    }
}

static Step
compact_field (TallyScanner *self, Cursor *cursor)
{
  guint64 id;
  guint8 byte;

  if (!has (cursor, 1))
    return STEP_MORE;
  byte = cursor->bytes[cursor->position++];
  if (byte == 0)
    {
      self->depth--;
      return STEP_DONE;
    }
  if (byte >> 4 == 0)
    {
      Step step = read_varint (cursor, &id);

      if (step != STEP_DONE)
        return step;
    }
  /* A field's type says whether it is true; nothing follows. */
  if ((byte & 0x0f) == COMPACT_TRUE || (byte & 0x0f) == COMPACT_FALSE)
    return STEP_DONE;
  return compact_value (self, cursor, byte & 0x0f);
}

static Step
compact_header (TallyScanner *self, Cursor *cursor)
{
  guint64 seqid;
  guint64 name_length;
  Step step;

  if (!has (cursor, 1))
    return STEP_MORE;
  if (cursor->bytes[cursor->position] != 0x82)
    return STEP_INVALID;
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

static Step
scan_value (TallyScanner *self, Cursor *cursor, guint8 type)
{
  return self->protocol == TALLY_PROTOCOL_BINARY ? binary_value (self, cursor, type)
                                                 : compact_value (self, cursor, type);
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
          step = push (self, (Level){ .kind = LEVEL_STRUCT });
        }
      return step;
    }
  if (self->levels[self->depth - 1].kind != LEVEL_STRUCT)
    return scan_element (self, cursor);
  return binary ? binary_field (self, cursor) : compact_field (self, cursor);
}

gsize
tally_scanner_scan (TallyScanner *self, const guint8 *bytes, gsize length)
{
  while (!self->in_body || self->depth > 0)
    {
      Cursor cursor = { bytes, length, self->position };
      Step step = scan_step (self, &cursor);

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
