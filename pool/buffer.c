/* TallyBuffer: a growable run of bytes. It knows nothing of what the bytes mean. */
#include <string.h>

#include "buffer-internal.h"
#include "buffer-stock-private.h"

/* The first allocation; enough for a small message. Each call under way has two or three. */
#define SMALLEST 128

gsize
tally_buffer_clear (TallyBuffer *buffer)
{
  const gsize capacity = buffer->capacity;
  gpointer data = buffer->data;

  *buffer = (TallyBuffer){ NULL };
  if (tally_stock_put (data, capacity))
    return 0;
  g_free (data);
  return capacity;
}

/* Moves what @buffer holds into larger memory, if there is any that is kept. */
static gboolean
move_to_stock (TallyBuffer *buffer, gsize capacity)
{
  TallyBuffer moved = { tally_stock_take (capacity), buffer->length, capacity };

  if (moved.data == NULL)
    return FALSE;
  if (buffer->length > 0)
    memcpy (moved.data, buffer->data, buffer->length);
  tally_buffer_clear (buffer);
  *buffer = moved;
  return TRUE;
}

void
tally_buffer_grow (TallyBuffer *buffer, gsize extra)
{
  gsize need, capacity;

  if (extra > G_MAXSSIZE - buffer->length)
    g_error ("a buffer of %" G_GSIZE_FORMAT " + %" G_GSIZE_FORMAT " bytes is asked for",
             buffer->length, extra);
  need = buffer->length + extra;
  capacity = MAX (buffer->capacity, SMALLEST);
  while (capacity < need)
    capacity *= 2;
  if (move_to_stock (buffer, capacity))
    return;
  buffer->data = g_realloc (buffer->data, capacity);
  buffer->capacity = capacity;
}

void
tally_buffer_append (TallyBuffer *buffer, gconstpointer bytes, gsize length)
{
  if (length == 0)
    return;
  tally_buffer_reserve (buffer, length);
  memcpy (buffer->data + buffer->length, bytes, length);
  buffer->length += length;
}
