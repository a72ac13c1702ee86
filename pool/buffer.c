/* TallyBuffer: a growable run of bytes. It knows nothing of what the bytes mean. */
#include <string.h>

#include "tally-socket.h"

/* The first allocation; enough for a small message. */
#define SMALLEST 256

/**
 * tally_buffer_clear:
 * @buffer: a buffer
 *
 * Frees what @buffer holds and makes it an empty one.
 */
void
tally_buffer_clear (TallyBuffer *buffer)
{
  g_free (buffer->data);
  *buffer = (TallyBuffer){ NULL };
}

/**
 * tally_buffer_grow:
 * @buffer: a buffer
 * @extra: bytes, more than there is room for
 *
 * Makes room for @extra bytes after the buffer's length, for tally_buffer_reserve (). What is
 * allocated at least doubles, so that many small additions cost no more than one large one. Aborts
 * when memory is gone, as GLib does.
 */
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
  buffer->data = g_realloc (buffer->data, capacity);
  buffer->capacity = capacity;
}

/**
 * tally_buffer_append:
 * @buffer: a buffer
 * @bytes: (nullable): the bytes; not part of @buffer
 * @length: how many
 *
 * Appends a copy of @bytes.
 */
void
tally_buffer_append (TallyBuffer *buffer, gconstpointer bytes, gsize length)
{
  if (length == 0)
    return;
  tally_buffer_reserve (buffer, length);
  memcpy (buffer->data + buffer->length, bytes, length);
  buffer->length += length;
}
