/* Answers that wait in a worker's buffer while the next request of the same receive is under way.
 * Sending them together saves a system call for each; but the handler of that next request may be
 * slow. So the worker offers them first, and the supervisor sends them if it comes before the
 * worker is done. It knows no message. */
#include "server-private.h"

#include <sched.h>

typedef enum
{
  OFFER_NONE,
  OFFER_OPEN,    /* the supervisor may send them */
  OFFER_SENDING, /* it does */
  OFFER_TAKEN    /* it did; offer_sent says how many bytes the peer took */
} OfferState;

void
server_offer (ServerWorker *worker, TallyStream *stream)
{
  TallyServer *self = worker->server;

  worker->offer_stream = stream;
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

  if (__atomic_compare_exchange_n (&worker->offer, &state, OFFER_NONE, FALSE, __ATOMIC_SEQ_CST,
                                   __ATOMIC_SEQ_CST))
    return 0;
  while (atomic_get (&worker->offer) != OFFER_TAKEN)
    sched_yield (); /* for the length of one send that does not block */
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

/* Neither the worker nor its connection can go while the offer is claimed. */
static void
send_offer (ServerWorker *worker)
{
  gsize sent = 0;
  gboolean lives = tally_stream_send (worker->offer_stream, worker->output.data,
                                      worker->output.length, FALSE, &sent);

  worker->offer_sent = lives ? (gssize) sent : -1;
  atomic_set (&worker->offer, OFFER_TAKEN);
}

gboolean
server_accept_offers_locked (TallyServer *self)
{
  gboolean any = FALSE;
  ServerWorker *worker = self->workers;

  while (worker != NULL)
    {
      if (!claim_offer (worker))
        {
          worker = worker->next;
          continue;
        }
      any = TRUE;
      pthread_mutex_unlock (&self->lock);
      send_offer (worker);
      pthread_mutex_lock (&self->lock);
      worker = self->workers; /* the list may have changed */
    }
  return any;
}
