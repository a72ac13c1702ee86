/* A growable run of bytes in contiguous memory, which messages are written into and read from. */
#ifndef TALLY_BUFFER_INTERNAL_H
#define TALLY_BUFFER_INTERNAL_H

#include <glib.h>

G_BEGIN_DECLS

/* All zero is an empty buffer. */
typedef struct
{
  guint8 *data;   /* (nullable) */
  gsize length;   /* how many bytes are meaningful */
  gsize capacity; /* how many are allocated */
} TallyBuffer;

/* Makes @buffer an empty one. What it held is freed, or kept for the next large buffer (buffer-stock.c). Returns how many bytes
 * were freed. */
gsize tally_buffer_clear (TallyBuffer *buffer);

/* Makes room for @extra bytes after the length, which are more than there is room for. What is allocated at
 * least doubles, so that many small additions cost no more than one large one. Aborts when memory is gone, as
 * GLib does. */
void tally_buffer_grow (TallyBuffer *buffer, gsize extra);

/* Makes room for @extra bytes after the length, so that they may be written there directly. */
static inline void
tally_buffer_reserve (TallyBuffer *buffer, gsize extra)
{
  if (G_UNLIKELY (extra > buffer->capacity - buffer->length))
    tally_buffer_grow (buffer, extra);
}

/* Appends a copy of @bytes (nullable if there are none), which are no part of @buffer. */
void tally_buffer_append (TallyBuffer *buffer, gconstpointer bytes, gsize length);

G_END_DECLS

#endif /* TALLY_BUFFER_INTERNAL_H */
