/* What lies under TLS: a descriptor in the shape in which GIO's TLS wants it, which blocks only while a
 * handshake runs. */
#ifndef TALLY_TLS_BASE_PRIVATE_H
#define TALLY_TLS_BASE_PRIVATE_H

#include <gio/gio.h>

#include "stream-private.h"

G_BEGIN_DECLS

/* Ciphertext that is received at once, so that the few bytes of a record's head cost no system call of
 * their own. The rest of a large record goes past it. */
#define TALLY_TLS_CHUNK 4096

/* What a record begins with; its last two bytes are the length of the body. */
#define TALLY_TLS_HEAD 5

/* A handshake begins, or else ends, to wait for its peer. */
typedef void (*TallyTlsBaseWaits) (gpointer data, gboolean begins);

typedef struct
{
  GSocketConnection parent; /* by its address GIO finds the session to resume */

  GInputStream *input;
  GOutputStream *output;
  TallyStream plain; /* the descriptor, which the parent's socket owns */

  gboolean blocks;           /* a handshake's input and output wait */
  gint64 deadline;           /* then; monotonic, -1 = never */
  TallyTlsBaseWaits on_wait; /* then; NULL: nobody hears of its waits */
  gpointer wait_data;
  gboolean drops; /* what the kernel does not take is lost: only a goodbye follows */
  gboolean ends;  /* the sending half's end follows what is sent */

  /* the receiver's */
  gint first;         /* the first byte that came; -1: none */
  gint receive_errno; /* why receiving has failed; 0: it has not */
  guint start;        /* of bytes: what has been received and not yet been taken */
  guint end;
  guint8 bytes[TALLY_TLS_CHUNK];
  guint8 head[TALLY_TLS_HEAD]; /* of the record of which a part was taken */
  guint n_head;                /* of that, so many bytes have been; 0 once it was complete */
  guint n_body;                /* of its body, so many bytes are to come */

  gint send_errno; /* the sender's: why sending has failed; 0: it has not */
} TallyTlsBase;

/* Takes @fd over, also when it fails. (transfer full) (nullable) */
TallyTlsBase *tally_tls_base_new (gint fd, GError **error);

/* Receives ciphertext, behind what there is. As tally_stream_receive (); 1 stands for any number, and also
 * for no room. */
gint tally_tls_base_fill (TallyTlsBase *self);

/* Closes the descriptor, which nobody uses any more; else that happens with the last reference. */
void tally_tls_base_close (TallyTlsBase *self);

static inline gboolean
tally_tls_base_has_bytes (const TallyTlsBase *self)
{
  return self->start < self->end;
}

/* Whether GIO has taken a part of a record, whose rest has not come. */
static inline gboolean
tally_tls_base_is_inside_record (const TallyTlsBase *self)
{
  return self->n_head > 0 || self->n_body > 0;
}

G_END_DECLS

#endif /* TALLY_TLS_BASE_PRIVATE_H */
