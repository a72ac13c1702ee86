/* TallyBuffer: a growable run of bytes. It knows nothing of what the bytes mean. */
#include <string.h>

#include "buffer-internal.h"

/* The first allocation; enough for a small message. Each call under way has two or three. */
#define SMALLEST 128

void
tally_buffer_clear (TallyBuffer *buffer)
{
  g_free (buffer->data);
  *buffer = (TallyBuffer){ NULL };
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
