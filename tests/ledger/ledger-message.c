/* Owns the search for a message's end: of replies of the book's service, and of exceptions. */
#include "ledger-message.h"

/* Reads on until something is wrong or missing. */
typedef struct
{
  const guint8 *data;
  gsize size;
  gsize at;
  gboolean is_short;
  gboolean is_wrong;
} Cursor;

static gboolean
is_usable (const Cursor *self)
{
  return !self->is_short && !self->is_wrong;
}

static void
step (Cursor *self, gsize length)
{
  if (!is_usable (self))
    return;
  if (length > self->size - self->at)
    self->is_short = TRUE;
  else
    self->at += length;
}

static guint32
read_byte (Cursor *self)
{
  step (self, 1);
  return is_usable (self) ? self->data[self->at - 1] : 0;
}

static guint32
read_int (Cursor *self)
{
  const guint8 *p;

  step (self, 4);
  if (!is_usable (self))
    return 0;
  p = self->data + self->at - 4;
  return (guint32) p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static guint64
read_varint (Cursor *self)
{
  guint64 value = 0;
  guint shift;

  for (shift = 0; shift < 64 && is_usable (self); shift += 7)
    {
      guint32 byte = read_byte (self);

      value |= (guint64) (byte & 0x7f) << shift;
      if (byte < 0x80)
        return value;
    }
  if (is_usable (self))
    self->is_wrong = TRUE;
  return 0;
}

static void
note_length (LedgerMessage *message, gsize from, const Cursor *to)
{
  if (message->length_length > 0 || !is_usable (to))
    return;
  message->length_at = from;
  message->length_length = to->at - from;
}

static void
walk_binary (Cursor *self, LedgerMessage *message)
{
  guint32 type;

  step (self, 4);
  step (self, read_int (self));
  step (self, 4);
  while ((type = read_byte (self)) != 0 && is_usable (self))
    {
      step (self, 2);
      if (type == 8)
        step (self, 4);
      else if (type == 11)
        {
          gsize from = self->at;
          guint32 length = read_int (self);

          note_length (message, from, self);
          step (self, length);
        }
      else
        self->is_wrong = TRUE;
    }
}

static void
walk_compact (Cursor *self, LedgerMessage *message)
{
  guint32 type;

  step (self, 2);
  read_varint (self);
  step (self, read_varint (self));
  while ((type = read_byte (self)) != 0 && is_usable (self))
    {
      if (type >> 4 == 0)
        read_varint (self);
      if ((type & 0xf) == 5)
        read_varint (self);
      else if ((type & 0xf) == 8)
        {
          gsize from = self->at;
          gsize length = read_varint (self);

          note_length (message, from, self);
          step (self, length);
        }
      else
        self->is_wrong = TRUE;
    }
}

static void
walk_frame (Cursor *self, LedgerMessage *message)
{
  guint32 length = read_int (self);

  note_length (message, 0, self);
  step (self, length);
}

gboolean
ledger_message_find (LedgerLayout layout, const guint8 *data, gsize size, LedgerMessage *message)
{
  Cursor cursor = { data, size, 0, FALSE, FALSE };

  *message = (LedgerMessage){ 0 };
  if (layout == LEDGER_FRAMED)
    walk_frame (&cursor, message);
  else if (layout == LEDGER_BINARY)
    walk_binary (&cursor, message);
  else
    walk_compact (&cursor, message);
  if (is_usable (&cursor))
    message->length = cursor.at;
  return !cursor.is_wrong;
}
