/* Waiting on a stream, for the pool's own files. */
#ifndef TALLY_STREAM_PRIVATE_H
#define TALLY_STREAM_PRIVATE_H

#include "stream-internal.h"
#include "wait-private.h"

G_BEGIN_DECLS

/* What ends a wait. */
typedef struct
{
  gint64 deadline;           /* monotonic; -1 = never; 0 = for nothing */
  GCancellable *cancellable; /* borrowed, nullable */
  gboolean is_final; /* the deadline, which there is, may end the stream for reading; nothing
                              * else ends the wait */
} TallyStreamLimits;

/* Waits for one of @events; @found (nullable): which of them may be there. A hint: see
 * stream-internal.h. Failed: errno. */
TallyWait tally_stream_wait (
    TallyStream *self, guint events, gint64 deadline, GCancellable *cancellable, guint *found);

/* tally_stream_receive_until () where the deadline's thread does not watch. */
gssize tally_stream_receive_in_time (TallyStream *self,
                                     gpointer bytes,
                                     gsize length,
                                     const TallyStreamLimits *limits,
                                     TallyWait *why);

/* Waits for bytes within @limits and receives some: how many; 0 at the peer's end. *@why: READY, or what
 * ended it; errno says why it FAILED. Bytes may have come with a deadline that passed. Inlined: it is a
 * call's only wait. */
static inline __attribute__ ((always_inline)) gssize
tally_stream_receive_until (TallyStream *self,
                            gpointer bytes,
                            gsize length,
                            const TallyStreamLimits *limits,
                            TallyWait *why)
{
  gssize count;

  /* Only plain descriptors are watched. */
  if (G_UNLIKELY (!limits->is_final || self->armed != 0
                  || !tally_deadline_is_watched (&self->watch)))
    return tally_stream_receive_in_time (self, bytes, length, limits, why);
  tally_deadline_begin (&self->watch, limits->deadline);
  count = tally_recv (self->fd, bytes, length, 0);
  *why = TALLY_WAIT_READY;
  if (G_UNLIKELY (!tally_deadline_end (&self->watch)))
    {
      self->was_shut = TRUE;
      *why = TALLY_WAIT_TIMED_OUT;
    }
  else if (G_UNLIKELY (count < 0))
    {
      if (errno == EINTR || errno == EAGAIN)
        return tally_stream_receive_in_time (self, bytes, length, limits, why);
      *why = TALLY_WAIT_FAILED;
    }
  return count;
}

G_END_DECLS

#endif /* TALLY_STREAM_PRIVATE_H */
