/* Owns the rule by which a handshake gives way to peers that wait for a turn. It knows neither threads nor clocks.
 *
 * Only the peer's time counts: what this side computes, on a busy machine for long, is not the peer's fault. It
 * counts from the last record that was whole, which brings a handshake on; a byte does not. A peer has to answer
 * once, and twice where the two sides do not agree on a key exchange at first; so its records may be awaited for
 * twice as long in all, and no longer, in however many pieces they come.
 *
 * With so much time for each, peers that stop behind their first message can fill all turns for longer than anybody
 * waits. Where the oldest has waited for so long that this is the case, the one that came last is next: an honest
 * peer gets the next turn that is free, and needs it for a moment. Without that, all would wait for the same, too
 * long a time. */
#include "tls-turn-private.h"

/* A record may be awaited for so long, several times a long way there and back; microseconds. */
#define GRACE G_TIME_SPAN_SECOND
/* The number of answers that a handshake needs at most. */
#define N_ANSWERS 2

void
tally_tls_turn_await (TallyTlsTurn *self, gboolean inside_record, gint64 now)
{
  self->awaits = TRUE;
  self->wait_began = now;
  if (!inside_record || self->record_began == 0)
    self->record_began = now;
}

void
tally_tls_turn_go_on (TallyTlsTurn *self, gint64 now)
{
  self->awaits = FALSE;
  self->awaited += now - self->wait_began;
}

gboolean
tally_tls_turn_is_over (const TallyTlsTurn *self, gint64 now)
{
  return self->awaits
         && (now - self->record_began >= GRACE
             || self->awaited + now - self->wait_began >= N_ANSWERS * GRACE);
}

gboolean
tally_tls_turn_is_for_newest (gint64 oldest, gint64 now)
{
  return now - oldest >= GRACE;
}
