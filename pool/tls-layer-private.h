/* The layer of one stream, for the files that shake hands. */
#ifndef TALLY_TLS_LAYER_PRIVATE_H
#define TALLY_TLS_LAYER_PRIVATE_H

#include "tls-base-private.h"
#include "tls-internal.h"
#include "tls-turn-private.h"

G_BEGIN_DECLS

#define TALLY_TLS_NOT_SPOKEN "the peer does not speak TLS"

typedef enum
{
  TALLY_TLS_GREETING, /* a server's: the peer's first message has not come yet */
  TALLY_TLS_SHAKING,  /* a server's: a handshake is under way, or waits for its turn */
  TALLY_TLS_SECURED,
  TALLY_TLS_FAILED
} TallyTlsState;

typedef struct
{
  gatomicrefcount ref_count; /* the stream's and a handshake's */
  gint state;                /* atomic: a TallyTlsState */
  TallyTlsBase *base;
  GTlsConnection *connection; /* NULL before a handshake */

  /* the receiver's */
  gboolean has_received;
  gboolean may_hold; /* the last record may not have been taken to its end */
  gboolean
      has_ended; /* by a goodbye, which the descriptor does not tell of again; nor does it of receive_error */
  gboolean has_kept; /* a look has found kept */
  guint8 kept;
  gchar *receive_error; /* (nullable): why receiving has failed, where no errno says it */

  /* the sender's */
  gsize committed;   /* atomic: of the next bytes to be sent, so many can have gone already */
  gchar *send_error; /* as above */

  /* a server's */
  TallyTlsAcceptor *acceptor;
  GMutex lock;
  gboolean is_closed; /* the lock's; so are the next two */
  TallyTlsReady ready;
  gpointer ready_data;
  gint64 queued;     /* the acceptor's: monotonic, when the peer's first message was there */
  TallyTlsTurn turn; /* the acceptor's lock's */
} TallyTls;

/* Puts a layer on @stream. FALSE with @error: it is closed. */
gboolean tally_tls_put (TallyStream *stream, TallyTlsState state, GError **error);
TallyTls *tally_tls_ref (TallyTls *self);
void tally_tls_unref (TallyTls *self);

/* A peer's first message is there. */
void tally_tls_acceptor_begin (TallyTlsAcceptor *self, TallyTls *tls);
/* Its peer lets it wait for longer than a handshake may while others wait, and nothing of it has come that was not read yet: on a
 * busy machine the thread that is to read may not have run. */
gboolean tally_tls_has_stalled (const TallyTls *self, gint64 now);
/* The stream is closed: nobody waits for the handshake any more. */
void tally_tls_acceptor_forget (TallyTlsAcceptor *self, TallyTls *tls);

G_END_DECLS

#endif /* TALLY_TLS_LAYER_PRIVATE_H */
