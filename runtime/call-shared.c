/* Owns a call's steps between borrowing and releasing where its connection is shared: what is on
 * the wire when is shared-exchange.c's. */
#include <thrift/c_glib/protocol/thrift_protocol.h>

#include "call-shared-private.h"
#include "call-steps-private.h"
#include "socket-internal.h"
#include "tally-error.h"

/* The connection's limit is the largest that a caller allows. */
static gboolean
check_length (const TallyCall *call, const TallyPending *pending, GError **error)
{
  if (G_LIKELY (pending->reply_length <= call->limits.max_message))
    return TRUE;
  g_set_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT,
               "the reply has %" G_GSIZE_FORMAT " bytes; the limit is %" G_GUINT32_FORMAT,
               pending->reply_length, call->limits.max_message);
  return FALSE;
}

/* A reply whose header was not read, or not as its caller wants it. */
static G_GNUC_NO_INLINE gboolean
read_with_header (TallyCall *call, TallyReader *reader, GError **error)
{
  return tally_call_read (call, reader, error);
}

/* @whole: whether the reply was one, to its last byte. Inlined for the common path's sake, as what calls it. */
static inline __attribute__ ((always_inline)) gboolean
read_shared_reply (TallyCall *call, const TallyPending *pending, gboolean *whole, GError **error)
{
  const guint8 *start = pending->body != NULL ? pending->body : pending->reply;
  TallyReader reader;
  gboolean done;

  tally_reader_init (&reader, start, pending->reply + pending->reply_length - start, &call->limits);
  done = check_length (call, pending, error)
         && (pending->body != NULL ? tally_call_read_body (call, &pending->header, &reader, error)
                                   : read_with_header (call, &reader, error));
  *whole = call->answered && tally_reader_is_at_end (&reader);
  return done;
}

/* Also counts the late replies that it learns of. */
static gboolean
close_pending (TallyCall *call, TallyShared *shared, TallyPending *pending)
{
  guint late;
  gboolean is_usable = tally_shared_close (shared, pending, &late);

  if (G_UNLIKELY (late > 0))
    tally_bucket_count_late_replies (call->bucket, late);
  return is_usable;
}

/* A call that waited for its connection for more than half of its time cannot tell whether the
 * connection is alive. */
static gboolean
had_its_time (const TallyCall *call, const TallyLease *lease)
{
  return call->deadline - tally_lease_get_since (lease)
         >= call->timeout * G_TIME_SPAN_MILLISECOND / 2;
}

TallyShared *
tally_call_refuse_keeper (GError **error)
{
  g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED,
                       "the pool's connection is shared and has a keeper that is no channel's");
  return NULL;
}

/* A call that was not answered. */
static TALLY_COLD void
note_failure (TallyCall *call,
              const TallyLease *lease,
              TallyShared *shared,
              const TallyPending *pending,
              const GError *error)
{
  gsize length = pending->end - pending->start;
  gsize sent = pending->sent;

  if (g_error_matches (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT) && had_its_time (call, lease))
    tally_shared_fail_if_stalled (shared, pending);
  if (sent > 0 && sent < length)
    sent = tally_shared_count_sent (shared, pending);
  tally_call_set_sent (call, sent, length);
  if (pending->refused && sent > 0)
    call->sent = TALLY_SENT_REFUSED;
}

static inline __attribute__ ((always_inline)) gboolean
settle_pending (TallyCall *call,
                const TallyLease *lease,
                TallyShared *shared,
                TallyPending *pending,
                gboolean exchanged,
                gboolean *whole,
                GError **error)
{
  gboolean done;

  *whole = TRUE;
  if (G_UNLIKELY (!exchanged))
    {
      note_failure (call, lease, shared, pending, *error);
      return FALSE;
    }
  if (call->method->oneway)
    return TRUE;
  done = read_shared_reply (call, pending, whole, error);
  tally_shared_consume_reply (shared, pending);
  if (G_UNLIKELY (!done))
    call->sent = TALLY_SENT_ALL;
  if (G_UNLIKELY (call->refused) && !tally_shared_bear_refusal (shared, pending))
    *whole = FALSE;
  return done;
}

gboolean
tally_call_settle_shared (TallyCall *call,
                          const TallyLease *lease,
                          TallyShared *shared,
                          TallyPending *pending,
                          gboolean exchanged,
                          gboolean *whole,
                          GError **error)
{
  return settle_pending (call, lease, shared, pending, exchanged, whole, error);
}

gboolean
tally_call_close_shared (TallyCall *call,
                         TallyShared *shared,
                         TallyPending *pending,
                         gboolean whole)
{
  /* a refusal may be the last that the peer says */
  gboolean has_ended = G_UNLIKELY (call->refused) && tally_shared_has_ended (shared, pending);
  gboolean clean = close_pending (call, shared, pending) && whole && !has_ended;

  if (G_UNLIKELY (!clean))
    call->failed_at = tally_shared_get_failed_at (shared);
  return clean;
}

/* @info: NULL, where that is known when this is compiled, costs a call without interceptors nothing. */
static inline __attribute__ ((always_inline)) gboolean
exchange_shared (TallyCall *call,
                 TallyCallInfo *info,
                 const TallyLease *lease,
                 TallyShared *shared,
                 TallyPending *pending,
                 gboolean *whole,
                 GError **error)
{
  gboolean exchanged;

  call->seqid = pending->seqid;
  *whole = TRUE;
  if (!tally_call_write (call, &pending->buffer, error))
    return FALSE;
  if (info != NULL)
    tally_call_note_shared_request (call, info, pending);
  exchanged = tally_shared_exchange (shared, pending, call->method->oneway, call->deadline,
                                     call->cancellable, error);
  if (info != NULL)
    tally_call_note_shared_end (info, pending, exchanged);
  return settle_pending (call, lease, shared, pending, exchanged, whole, error);
}

static inline __attribute__ ((always_inline)) gboolean
exchange_on (TallyCall *call,
             TallyCallInfo *info,
             const TallyLease *lease,
             TallySocket *socket,
             gboolean *clean,
             GError **error)
{
  TallyShared *shared = tally_call_find_shared (call, socket, error);
  TallyPending *pending;
  gboolean done;
  gboolean whole;

  *clean = FALSE;
  if (shared == NULL)
    return FALSE;
  pending = tally_shared_open (shared, &call->limits, error);
  if (G_UNLIKELY (pending == NULL))
    {
      call->failed_at = tally_shared_get_failed_at (shared);
      return FALSE;
    }
  done = exchange_shared (call, info, lease, shared, pending, &whole, error);
  /* the common case of tally_call_close_shared () */
  if (G_LIKELY (pending == &shared->alone && whole && !call->refused)
      && tally_shared_close_alone (shared, pending))
    *clean = TRUE;
  else
    *clean = tally_call_close_shared (call, shared, pending, whole);
  return done;
}

gboolean
tally_call_exchange_shared (
    TallyCall *call, const TallyLease *lease, TallySocket *socket, gboolean *clean, GError **error)
{
  return exchange_on (call, NULL, lease, socket, clean, error);
}

gboolean
tally_call_exchange_shared_watched (TallyCall *call,
                                    TallyCallInfo *info,
                                    const TallyLease *lease,
                                    TallySocket *socket,
                                    gboolean *clean,
                                    GError **error)
{
  return exchange_on (call, info, lease, socket, clean, error);
}
