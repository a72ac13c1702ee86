/* Finds where an unframed message ends while its bytes are still arriving, so that a server needs
 * no thread for a peer that sends slowly. It knows the two wire formats' shapes and nothing of
 * tables. */
#ifndef TALLY_MESSAGE_SCANNER_H
#define TALLY_MESSAGE_SCANNER_H

#include "codec-private.h"
#include "tally-endpoint.h"

G_BEGIN_DECLS

/* How far a message was understood. Each byte is looked at once, however it arrives. */
typedef struct _TallyScanner TallyScanner;

TallyScanner *tally_scanner_new (TallyProtocolId protocol, const TallyLimits *limits);
void tally_scanner_free (TallyScanner *self);
/* To the start of a message. */
void tally_scanner_reset (TallyScanner *self);

/* @bytes: the message from its start, the bytes shown before included. Returns the message's
 * length, or 0 when more bytes are needed. Of a message that no reader would accept (a negative
 * length, a limit passed) all @length bytes are returned: the reader then says what is wrong with
 * it. */
gsize tally_scanner_scan (TallyScanner *self, const guint8 *bytes, gsize length);

/* After an answer other than 0: whether the message ends there, and is not one that no reader would
 * accept. */
gboolean tally_scanner_is_whole (const TallyScanner *self);

/* How much work the message has been so far: at most two steps for each byte that has arrived, and one
 * for each time that it was looked at. */
guint64 tally_scanner_get_steps (const TallyScanner *self);

G_END_DECLS

#endif /* TALLY_MESSAGE_SCANNER_H */
