/* The turns of a server's handshakes, each of which blocks one of a few threads: how long a peer may keep one while
 * others wait, and which of those is next. The time is the caller's, so that tests need no clock. */
#ifndef TALLY_TLS_TURN_PRIVATE_H
#define TALLY_TLS_TURN_PRIVATE_H

#include <glib.h>

G_BEGIN_DECLS

/* Zeroed it is one that begins. Times are monotonic, in microseconds. */
typedef struct
{
  gboolean awaits;     /* the peer; else this side is to go on */
  gint64 wait_began;   /* that wait */
  gint64 record_began; /* the first wait for the record that is due; 0: there was none */
  gint64 awaited;      /* in all waits that are over */
} TallyTlsTurn;

/* It begins to wait; @inside_record: for the rest of a record of which a part has come. */
void tally_tls_turn_await (TallyTlsTurn *self, gboolean inside_record, gint64 now);
/* That wait is over. */
void tally_tls_turn_go_on (TallyTlsTurn *self, gint64 now);
/* Whether it gives way, if a peer waits for a turn. */
gboolean tally_tls_turn_is_over (const TallyTlsTurn *self, gint64 now);
/* Whether the next turn is for the peer that came last, while the one that came first waits since @oldest. */
gboolean tally_tls_turn_is_for_newest (gint64 oldest, gint64 now);

G_END_DECLS

#endif /* TALLY_TLS_TURN_PRIVATE_H */
