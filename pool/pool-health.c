/* Owns what can be known of a connection: whether it has ended, as the system or the user's hook
 * says, and whether its peer was silent. The policy decides what follows. */
#include "health-private.h"

#include "socket-private.h"

/* Milliseconds without an answer that count as a time-out where a borrower has told no deadline. */
#define SILENCE_MS 100

/* ---- one connection, before it is lent ---- */

/* Asks once more why a socket is not clean. */
static TallyCloseReason
find_reason (TallySocket *socket)
{
  gsize length = 0;

  if (socket->stream.was_shut)
    return TALLY_CLOSE_BROKEN;
  tally_socket_peek_input (socket, &length);
  if (length > 0 || tally_stream_look (&socket->stream) == TALLY_LOOK_INPUT)
    return TALLY_CLOSE_UNREAD;
  return TALLY_CLOSE_DEAD;
}

static gboolean
is_closed (TallyBucket *bucket)
{
  gboolean closed;

  pthread_mutex_lock (&bucket->lock);
  closed = bucket->policy.closed;
  pthread_mutex_unlock (&bucket->lock);
  return closed;
}

/* Uses @hook up. A TallySocket has the limits set for a hook that knows none. A connection that the
 * hook refuses counts as one that was silent, unless the hook was only stopped. If the pool was
 * closed while the hook ran, the borrower gets nothing. */
static TallyFinding
ask_hook (TallyBucket *bucket,
          TallyHook *hook,
          const TallyConn *conn,
          gint64 idle_age,
          gint64 deadline,
          GCancellable *cancellable)
{
  gboolean is_alive;

  if (conn->socket != NULL)
    tally_socket_set_limits (conn->socket, deadline, cancellable);
  is_alive = tally_hook_check (bucket, hook, conn->payload, idle_age, deadline, cancellable);
  if (conn->socket != NULL)
    tally_socket_reset (conn->socket);
  if (is_alive)
    return (TallyFinding){ is_closed (bucket) ? TALLY_CLOSE_POOL : TALLY_CLOSE_NONE, FALSE };
  if (g_cancellable_is_cancelled (cancellable))
    return (TallyFinding){ TALLY_CLOSE_BROKEN, FALSE };
  return (TallyFinding){ TALLY_CLOSE_DEAD, !tally_conn_is_dead (conn) };
}

/* Not under any lock; @conn is the caller's alone. A check hook has until @deadline (monotonic). */
TallyFinding
tally_bucket_examine (TallyBucket *bucket,
                      const TallyConn *conn,
                      gint64 idle_age,
                      gint64 deadline,
                      GCancellable *cancellable)
{
  TallyHook *hook = tally_bucket_take_hook (bucket, TALLY_HOOK_CHECK);
  TallyFinding finding = { TALLY_CLOSE_NONE, FALSE };

  if (hook != NULL)
    return ask_hook (bucket, hook, conn, idle_age, deadline, cancellable);
  if (conn->socket == NULL)
    finding.reason = thrift_transport_is_open (conn->payload) ? TALLY_CLOSE_NONE : TALLY_CLOSE_DEAD;
  else if (!tally_socket_is_clean (conn->socket))
    finding.reason = find_reason (conn->socket);
  return finding;
}

/* ---- many connections at once ---- */

/* Not under any lock; @conns, a list, are the caller's alone. Sets their `looks_dead`: one system call
 * says of all whether anything has arrived, and only such a connection is looked at more closely. */
void
tally_conns_look (TallyConn *conns)
{
  g_autofree TallyStream **streams = NULL;
  g_autofree gboolean *news = NULL;
  guint count = 0;

  if (conns == NULL)
    return;
  for (const TallyConn *conn = conns; conn != NULL; conn = conn->next)
    count++;
  streams = g_new (TallyStream *, count);
  news = g_new (gboolean, count);
  count = 0;
  for (const TallyConn *conn = conns; conn != NULL; conn = conn->next)
    streams[count++] = conn->socket != NULL ? &((TallySocket *) conn->socket)->stream : NULL;
  tally_streams_find_news (streams, count, news);
  count = 0;
  for (TallyConn *conn = conns; conn != NULL; conn = conn->next, count++)
    if (conn->socket == NULL)
      conn->looks_dead = !thrift_transport_is_open (conn->payload);
    else if (news[count])
      conn->looks_dead = !tally_socket_is_clean (conn->socket);
}

/* ---- one connection, which its borrower found broken ---- */

/* Not under any lock; @conn has one borrower, which is the caller. Whether the peer has closed it. */
gboolean
tally_conn_is_dead (const TallyConn *conn)
{
  TallySocket *socket = conn->socket;

  if (socket == NULL || !tally_stream_is_open (&socket->stream) || socket->stream.was_shut)
    return FALSE; /* by this side */
  return tally_stream_look (&socket->stream) >= TALLY_LOOK_END;
}

/* Not under any lock; @conn has one borrower, which is the caller and borrowed it at @since. Whether all
 * the time that it allowed has passed without a byte from the peer. A cancelled one has not waited to the
 * end. */
gboolean
tally_conn_is_silent (const TallyConn *conn, gint64 since)
{
  const TallySocket *socket = conn->socket;

  if (socket == NULL || !tally_stream_is_open (&socket->stream))
    return FALSE;
  if (conn->is_shared)
    return tally_stream_is_unanswered (&socket->stream, since, 0);
  if (socket->has_answer)
    return FALSE;
  if (socket->limits.deadline >= 0)
    return g_get_monotonic_time () >= socket->limits.deadline;
  return socket->limits.cancellable == NULL
         && tally_stream_is_unanswered (&socket->stream, since, SILENCE_MS);
}
