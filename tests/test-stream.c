/* Owns the test's layer over streams. */
#include "test-stream.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>

#include "harness.h"

#define AHEAD_BYTES (64 * 1024)
#define N_ORIGINS 3

typedef struct
{
  TestStreamPlan plan;
  guint8 *ahead; /* what was received and not given out: the receiver's, as what follows */
  gsize start;
  gsize end;
  gsize received;
  guint n_receives;
  guint pieces;
  gint sends_first; /* atomic: the next receive waits for room */
  gsize sent;       /* the sender's, as what follows */
  guint n_sends;
  guint pieces_out;
} Layer;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* protects what follows */
static TestStreamPlan plans[N_ORIGINS];
static gboolean is_planned[N_ORIGINS];

static gsize total_sent, total_received; /* atomic */

/* ---- pieces and faults ---- */

/* Sizes from 1 to 64 KiB, each power of two as often as the others. */
static gsize
next_piece (const Layer *self, guint *pieces, gsize length)
{
  guint32 number = ++*pieces * 2654435761u;
  gsize limit = (gsize) 1 << (number >> 16) % 17;
  gsize piece = self->plan.piece > 0 ? self->plan.piece : 1 + (number >> 8) % limit;

  return MIN (piece, length);
}

/* How many of @length bytes come before the fault, after @passed; 0: it is now. */
static gsize
up_to_fault (const Layer *self, gboolean sends, gsize passed, gsize length)
{
  if (self->plan.fault_at < 0 || (self->plan.fault == TEST_STREAM_SENDS_FAILS) != sends)
    return length;
  return MIN (length, (gsize) self->plan.fault_at - passed);
}

static gboolean
is_at_fault (const Layer *self)
{
  return up_to_fault (self, FALSE, self->received, 1) == 0;
}

/* ---- the kind ---- */

static gssize
layer_send (TallyStream *stream, gconstpointer bytes, gsize length, gboolean ends)
{
  Layer *self = stream->layer;
  gsize piece = up_to_fault (self, TRUE, self->sent, next_piece (self, &self->pieces_out, length));
  gssize count;

  if (piece == 0)
    {
      shutdown (stream->fd, SHUT_RDWR); /* nobody waits for an answer on what has failed */
      errno = ECONNRESET;
      return -1;
    }
  if (self->plan.refuse_every > 0 && ++self->n_sends % self->plan.refuse_every == 0)
    {
      errno = EAGAIN;
      return -1;
    }
  /* Counted before, as the peer may have it before this thread goes on. */
  __atomic_add_fetch (&total_sent, piece, __ATOMIC_RELAXED);
  count = send (stream->fd, bytes, piece, MSG_DONTWAIT | MSG_NOSIGNAL | (ends ? MSG_MORE : 0));
  __atomic_sub_fetch (&total_sent, piece - MAX (count, 0), __ATOMIC_RELAXED);
  self->sent += MAX (count, 0);
  return count;
}

/* 1: there is something ahead, 0: the end, -1: errno. */
static gssize
look_ahead (TallyStream *stream)
{
  Layer *self = stream->layer;
  gssize count;

  if (is_at_fault (self))
    {
      errno = ECONNRESET;
      return self->plan.fault == TEST_STREAM_RECEIVES_ENDS ? 0 : -1;
    }
  if (self->start < self->end)
    return 1;
  do
    count = recv (stream->fd, self->ahead, AHEAD_BYTES, MSG_DONTWAIT);
  while (count < 0 && errno == EINTR);
  if (count <= 0)
    return count;
  self->start = 0;
  self->end = count;
  return 1;
}

static gssize
layer_receive (TallyStream *stream, gpointer bytes, gsize length)
{
  Layer *self = stream->layer;
  gssize result;
  gsize piece;

  __atomic_store_n (&self->sends_first, FALSE, __ATOMIC_RELAXED);
  if (self->n_receives < self->plan.n_sends_first && self->start == self->end
      && !is_at_fault (self))
    {
      self->n_receives++;
      __atomic_store_n (&self->sends_first, TRUE, __ATOMIC_RELAXED);
      errno = EAGAIN;
      return -1;
    }
  result = look_ahead (stream);
  if (result <= 0)
    return result;
  piece = next_piece (self, &self->pieces, MIN (length, self->end - self->start));
  piece = up_to_fault (self, FALSE, self->received, piece);
  memcpy (bytes, self->ahead + self->start, piece);
  self->start += piece;
  self->received += piece;
  __atomic_add_fetch (&total_received, piece, __ATOMIC_RELAXED);
  return piece;
}

static TallyLook
layer_look (TallyStream *stream)
{
  gssize result = look_ahead (stream);

  if (result < 0)
    return errno == EAGAIN ? TALLY_LOOK_NOTHING : TALLY_LOOK_FAILED;
  return result > 0 ? TALLY_LOOK_INPUT : TALLY_LOOK_END;
}

static gboolean
layer_has_input (const TallyStream *stream)
{
  const Layer *self = stream->layer;

  return self->start < self->end || is_at_fault (self);
}

static guint
layer_get_watch (const TallyStream *stream, guint events)
{
  const Layer *self = stream->layer;
  gshort readable = __atomic_load_n (&self->sends_first, __ATOMIC_RELAXED) ? POLLOUT : POLLIN;

  return ((events & TALLY_STREAM_READABLE) != 0 ? readable : 0)
         | ((events & TALLY_STREAM_WRITABLE) != 0 ? POLLOUT : 0)
         | ((events & TALLY_STREAM_HUNG_UP) != 0 ? POLLRDHUP : 0);
}

static void
layer_end_sending (TallyStream *stream)
{
}

static void
layer_close (TallyStream *stream)
{
  Layer *self = stream->layer;

  g_free (self->ahead);
  g_free (self);
}

static const TallyStreamKind kind = {
  .send = layer_send,
  .receive = layer_receive,
  .look = layer_look,
  .has_input = layer_has_input,
  .get_watch = layer_get_watch,
  .end_sending = layer_end_sending,
  .close = layer_close,
};

/* ---- plans ---- */

static void
put_layer_on (TallyStream *stream, TallyStreamOrigin origin)
{
  Layer *self = NULL;

  pthread_mutex_lock (&lock);
  if (is_planned[origin])
    {
      self = g_new0 (Layer, 1);
      self->plan = plans[origin];
    }
  pthread_mutex_unlock (&lock);
  if (self == NULL)
    return;
  self->ahead = g_malloc (AHEAD_BYTES);
  stream->kind = &kind;
  stream->layer = self;
  tally_layer_note_input (stream);
}

void
test_stream_plan (TallyStreamOrigin origin, const TestStreamPlan *plan)
{
  pthread_mutex_lock (&lock);
  is_planned[origin] = plan != NULL;
  if (plan != NULL)
    plans[origin] = *plan;
  pthread_mutex_unlock (&lock);
  __atomic_store_n (&total_sent, 0, __ATOMIC_RELAXED);
  __atomic_store_n (&total_received, 0, __ATOMIC_RELAXED);
}

gboolean
test_stream_is_planned (TallyStreamOrigin origin)
{
  gboolean planned;

  pthread_mutex_lock (&lock);
  planned = is_planned[origin];
  pthread_mutex_unlock (&lock);
  return planned;
}

gsize
test_stream_get_sent (void)
{
  return __atomic_load_n (&total_sent, __ATOMIC_RELAXED);
}

gsize
test_stream_get_received (void)
{
  return __atomic_load_n (&total_received, __ATOMIC_RELAXED);
}

gboolean
test_skip_layered (const gchar *reason)
{
  for (guint i = 0; i < N_ORIGINS; i++)
    if (test_stream_is_planned (i))
      {
        test_skip (reason);
        return TRUE;
      }
  return FALSE;
}

static void __attribute__ ((constructor)) plan_from_environment (void)
{
  static const gchar *const names[N_ORIGINS] = { "dialed", "accepted", "adopted" };
  const gchar *wanted = g_getenv ("TALLY_TEST_STREAM");

  tally_stream_opened = put_layer_on; /* before there are threads */
  for (guint i = 0; wanted != NULL && i < N_ORIGINS; i++)
    {
      /* A server's handshake comes after it has accepted, a client's is over when it has dialed. */
      TestStreamPlan plan = { .refuse_every = 7,
                              .n_sends_first = i == TALLY_STREAM_ACCEPTED ? 3 : 0,
                              .fault_at = -1 };

      if (strstr (wanted, names[i]) != NULL)
        test_stream_plan (i, &plan);
    }
}
