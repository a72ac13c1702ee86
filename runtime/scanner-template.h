/* The walk over a message whose bytes are still arriving, included by each protocol's scanner after it
 * defined:
 *
 *   pass_header (cursor, limits, &message_type)  of a message; type 0: unknown
 *   pass_field (cursor, &wire)                   a field's header; T_STOP at the end
 *   field_has_value (wire)                       whether bytes follow that header
 *   pass_length (cursor, &length)                a string's
 *   pass_list_header, pass_map_header (cursor, &level)
 *   pass_number (cursor)                         an integer of varying size
 *   smallest_size[], fixed_size[]                as the codec's
 *
 * all of which return a Step. It has its own stack, and goes one small step at a time; a step that lacks bytes
 * changes nothing and is taken again when there are more. */

/* Readers count depth in other ways, so a message just at the limit is left to them. */
#define DEPTH_MARGIN 2

static inline Step
push (TallyScanner *self, TallyScannerLevel level)
{
  if (self->depth >= self->limits->max_depth + DEPTH_MARGIN)
    return STEP_INVALID;
  if (G_UNLIKELY (self->depth == self->n_levels))
    tally_scanner_grow (self);
  self->levels[self->depth++] = level;
  return STEP_DONE;
}

static inline gboolean
is_type (guint8 type)
{
  return type < TALLY_N_WIRE_TYPES && smallest_size[type] != 0;
}

static inline Step
push_struct (TallyScanner *self)
{
  return push (self, (TallyScannerLevel){ .kind = LEVEL_STRUCT });
}

/* A count that the message cannot hold, by its elements' smallest sizes, is refused before any
 * element is looked at; elements that are all of one size are passed over at once. */
static Step
push_container (TallyScanner *self, Cursor *cursor, TallyScannerLevel level)
{
  const gboolean is_map = level.kind == LEVEL_MAP;
  guint unit, fixed_unit;

  if (level.remaining == 0)
    return STEP_DONE;
  if (!is_type (level.type) || (is_map && !is_type (level.key_type))
      || level.remaining > G_MAXINT32)
    return STEP_INVALID;
  unit = smallest_size[level.type] + (is_map ? smallest_size[level.key_type] : 0);
  fixed_unit = fixed_size[level.type] + (is_map ? fixed_size[level.key_type] : 0);
  if (cursor->position + level.remaining * unit > self->limits->max_message)
    return STEP_INVALID;
  if (unit != fixed_unit)
    return push (self, level);
  cursor->position += level.remaining * unit;
  return STEP_DONE;
}

static Step
scan_string (Cursor *cursor)
{
  guint64 length;
  Step step = pass_length (cursor, &length);

  if (step == STEP_DONE && length > G_MAXINT32)
    return STEP_INVALID;
  if (step == STEP_DONE)
    cursor->position += length;
  return step;
}

static Step
scan_container (TallyScanner *self, Cursor *cursor, guint8 type)
{
  TallyScannerLevel level = { .kind = type == T_MAP ? LEVEL_MAP : LEVEL_LIST };
  Step step = type == T_MAP ? pass_map_header (cursor, &level) : pass_list_header (cursor, &level);

  return step == STEP_DONE ? push_container (self, cursor, level) : step;
}

/* A field's value, or an element. */
static Step
scan_value (TallyScanner *self, Cursor *cursor, guint8 type)
{
  if (type == T_STRING)
    return scan_string (cursor);
  if (!is_type (type))
    return STEP_INVALID;
  if (fixed_size[type] > 0)
    {
      cursor->position += fixed_size[type];
      return STEP_DONE;
    }
  switch (type)
    {
    case T_STRUCT:
      return push_struct (self);
    case T_LIST:
    case T_SET:
    case T_MAP:
      return scan_container (self, cursor, type);
    default:
      return pass_number (cursor);
    }
}

/* One element, or one half of a map's pair. */
static Step
scan_element (TallyScanner *self, Cursor *cursor)
{
  TallyScannerLevel *level = &self->levels[self->depth - 1];
  gboolean pair_ends = level->kind == LEVEL_LIST || level->at_value;
  guint8 type = level->kind == LEVEL_MAP && !level->at_value ? level->key_type : level->type;
  TallyScannerLevel before;
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
  guint8 type;
  Step step = pass_field (cursor, &type);

  if (step != STEP_DONE)
    return step;
  if (type == T_STOP)
    {
      self->depth--;
      return STEP_DONE;
    }
  return field_has_value (type) ? scan_value (self, cursor, type) : STEP_DONE;
}

/* A field more than a reply may have is another reply's header: the end of this one was lost. A
 * struct ends with a byte 0. */
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
scan_header (TallyScanner *self, Cursor *cursor)
{
  guint message_type;
  Step step = pass_header (cursor, self->limits, &message_type);

  if (step != STEP_DONE)
    return step;
  self->max_fields = find_max_fields (message_type);
  self->in_body = TRUE;
  return push_struct (self);
}

static Step
scan_step (TallyScanner *self, Cursor *cursor)
{
  if (!self->in_body)
    return scan_header (self, cursor);
  if (self->levels[self->depth - 1].kind != LEVEL_STRUCT)
    return scan_element (self, cursor);
  if (self->max_fields > 0 && self->depth == 1)
    return scan_field_of_reply (self, cursor);
  return scan_field (self, cursor);
}

/* Each step but a level's end consumes a byte, and none is taken beyond the bytes that are there: the
 * work is bounded by what arrived, whatever was declared. */
static gsize
scan_message (TallyScanner *self, const guint8 *bytes, gsize length)
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
