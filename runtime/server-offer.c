/* Answers that wait in a worker's buffer while the next request of the same receive is under way.
 * Sending them together saves a system call for each; but the handler of that next request may be
 * slow. So the worker offers them first, and the supervisor sends them if it comes before the
 * worker is done. It knows no message. */
#include "server-private.h"

#include <sched.h>

typedef enum
{
  OFFER_NONE,
  OFFER_OPEN,    /* the supervisor may send them, or the rest of them */
  OFFER_SENDING, /* it does */
  OFFER_TAKEN    /* it did, or could not */
} OfferState;

void
server_offer (ServerWorker *worker, TallyStream *stream)
{
  TallyServer *self = worker->server;

  worker->offer_stream = stream;
  worker->offer_sent = 0;
  atomic_set (&worker->offer, OFFER_OPEN);
  if (!atomic_get (&self->supervisor_asleep))
    return;
  pthread_mutex_lock (&self->lock);
  server_wake_supervisor_locked (self);
  pthread_mutex_unlock (&self->lock);
}

gssize
server_take_back (ServerWorker *worker)
{
  guint state = OFFER_OPEN;

  while (!__atomic_compare_exchange_n (&worker->offer, &state, OFFER_NONE, FALSE, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST)
         && state != OFFER_TAKEN)
    {
      sched_yield (); /* for the length of one send that does not block */
      state = OFFER_OPEN;
    }
  atomic_set (&worker->offer, OFFER_NONE);
  return worker->offer_sent;
}

static gboolean
claim_offer (ServerWorker *worker)
{
  guint state = OFFER_OPEN;

  return __atomic_compare_exchange_n (&worker->offer, &state, OFFER_SENDING, FALSE,
                                      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* Neither the worker nor its connection can go while the offer is claimed. What the peer does not take yet
 * stays offered. Whether it took any. */
static gboolean
send_offer (ServerWorker *worker)
{
  gsize before = (gsize) worker->offer_sent;
  gsize sent = before;
  gsize length = worker->output.length;
  gboolean lives =
      tally_stream_send (worker->offer_stream, worker->output.data, length, FALSE, &sent);

  worker->offer_sent = lives ? (gssize) sent : -1;
  atomic_set (&worker->offer, lives && sent < length ? OFFER_OPEN : OFFER_TAKEN);
  return sent > before;
}

gboolean
server_accept_offers_locked (TallyServer *self)
{
  gboolean any = FALSE;
  ServerWorker *worker = self->workers;
  guint64 round = ++self->n_offer_rounds;

  while (worker != NULL)
    {
      if (worker->offer_round == round || !claim_offer (worker))
        {
          worker = worker->next;
          continue;
        }
      worker->offer_round = round;
      pthread_mutex_unlock (&self->lock);
      any |= send_offer (worker);
      pthread_mutex_lock (&self->lock);
      worker = self->workers; /* the list may have changed */
    }
  return any;
}
