/* Owns how a connection of a pool is dialed, on whatever thread, and how that is ended. */
#include "dials-private.h"

#include "socket-private.h"

/* With the lock. */
TallyDialTerms
tally_dial_get_terms_locked (const TallyBucket *bucket, gint64 deadline, GCancellable *cancellable)
{
  const TallyPoolOptions *options = &bucket->policy.options;
  gboolean is_tcp = tally_endpoint_get_scheme (bucket->endpoint) != TALLY_SCHEME_UNIX;

  return (TallyDialTerms){ .deadline = deadline,
                           .cancellable = cancellable,
                           .tcp_keepalive = is_tcp ? options->tcp_keepalive : 0,
                           .tcp_user_timeout = is_tcp ? options->tcp_user_timeout : 0 };
}

static gpointer
dial_socket (TallyBucket *bucket, const TallyDialTerms *terms, GError **error)
{
  TallySocket *socket = tally_socket_dial_for (bucket->endpoint, terms->deadline,
                                               terms->cancellable, terms->manner, error);

  if (socket != NULL)
    tally_dial_watch_peer (&socket->stream, terms->tcp_keepalive, terms->tcp_user_timeout);
  return socket;
}

/* Without the lock. A hook may dial as the pool does. */
gpointer
tally_dial_conn (TallyBucket *bucket, TallyConn *conn, const TallyDialTerms *terms, GError **error)
{
  gpointer transport;

  tally_dial_take_failed_here ();
  if (terms->hook != NULL)
    transport = tally_hook_dial (bucket, terms->hook, terms->deadline, terms->cancellable, error);
  else
    transport = dial_socket (bucket, terms, error);
  if (transport == NULL)
    conn->failed_here = tally_dial_take_failed_here ()
                        || g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);
  conn->socket = transport != NULL && TALLY_IS_SOCKET (transport) ? transport : NULL;
  return transport;
}

/* (transfer full): the cancellables of the dials on threads, or of those that shall end. With the lock. */
GPtrArray *
tally_dials_dup_locked (TallyBucket *bucket, gboolean only_given_up)
{
  GPtrArray *dials = g_ptr_array_new_with_free_func (g_object_unref);

  for (TallyConn *conn = bucket->policy.conns; conn != NULL; conn = conn->older)
    if (conn->cancellable != NULL && (conn->given_up || !only_given_up))
      g_ptr_array_add (dials, g_object_ref (conn->cancellable));
  return dials;
}

/* Not under any lock. @dials (nullable). */
void
tally_dials_cancel (GPtrArray *dials)
{
  for (guint i = 0; dials != NULL && i < dials->len; i++)
    g_cancellable_cancel (g_ptr_array_index (dials, i));
}

/* (transfer full): what is cancelled when the pool closes. With the lock. */
GCancellable *
tally_bucket_dup_closing_locked (TallyBucket *bucket)
{
  if (bucket->closing == NULL)
    bucket->closing = g_cancellable_new ();
  return g_object_ref (bucket->closing);
}
