/* Finds where an unframed message ends while its bytes are still arriving, so that a server needs
 * no thread for a peer that sends slowly. How that is found is the protocol's: its codec's scan (). */
#ifndef TALLY_SCANNER_PRIVATE_H
#define TALLY_SCANNER_PRIVATE_H

#include "codec-private.h"

G_BEGIN_DECLS

/* A struct or container that is open. */
typedef struct
{
  guint8 kind; /* the protocol's own number */
  guint8 key_type;
  guint8 type;
  gboolean at_value; /* a map whose next part is a value */
  guint64 remaining; /* elements of a container; a map's pairs */
} TallyScannerLevel;

/* How far a message was understood. Each byte is looked at once, however it arrives. */
struct _TallyScanner
{
  const TallyCodec *codec;
  const TallyLimits *limits;

  /* The protocol's scan () has these as it likes, but for the first two. */
  gboolean in_body;
  guint depth;      /* levels that are open; 0 in the body: the message is whole */
  guint64 position; /* may lie beyond the bytes that are there: inside a string, say */
  guint max_fields; /* of the body; 0: any number */
  guint n_fields;   /* of such a body, those that have begun */
  guint64 n_steps;
  guint n_levels; /* allocated */
  TallyScannerLevel *levels;
};

TallyScanner *tally_scanner_new (const TallyCodec *codec, const TallyLimits *limits);
void tally_scanner_free (TallyScanner *self);
/* To the start of a message. */
static inline void
tally_scanner_reset (TallyScanner *self)
{
  self->in_body = FALSE;
  self->max_fields = 0;
  self->n_fields = 0;
  self->position = 0;
  self->n_steps = 0;
  self->depth = 0;
}

/* @bytes: the message from its start, the bytes shown before included. Returns the message's
 * length, or 0 when more bytes are needed. Of a message that no reader would accept (a negative
 * length, a limit passed) all @length bytes are returned: the reader then says what is wrong with
 * it. */
static inline gsize
tally_scanner_scan (TallyScanner *self, const guint8 *bytes, gsize length)
{
  return self->codec->scan (self, bytes, length);
}

/* After an answer other than 0: whether the message ends there, and is not one that no reader would
 * accept. */
static inline gboolean
tally_scanner_is_whole (const TallyScanner *self)
{
  return self->in_body && self->depth == 0;
}

/* How much work the message has been so far: at most two steps for each byte that has arrived, and one
 * for each time that it was looked at. */
static inline guint64
tally_scanner_get_steps (const TallyScanner *self)
{
  return self->n_steps;
}

/* Makes room for more levels. */
TALLY_COLD void tally_scanner_grow (TallyScanner *self);

G_END_DECLS

#endif /* TALLY_SCANNER_PRIVATE_H */
