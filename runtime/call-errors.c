/* Owns whether a call can begin at all, and what its caller is told when it has failed. */
#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "call-private.h"
#include "reply-private.h"
#include "server-words-private.h"

gboolean
tally_call_refuse_without_endpoint (GError **error)
{
  g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED,
                       "the channel was made without an endpoint");
  return FALSE;
}

gboolean
tally_call_may_begin (const TallyCall *call, GError **error)
{
  if (call->cancellable != NULL && g_cancellable_is_cancelled (call->cancellable))
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled before it began");
  else if (call->options != NULL && call->options->deadline > 0
           && call->options->deadline <= g_get_monotonic_time ())
    g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT,
                         "its deadline had passed before it began");
  else
    return TRUE;
  return FALSE;
}

TALLY_COLD gboolean
tally_call_end_unpooled (TallyCall *call, TallySocket *socket, gboolean done, GError **error)
{
  if (socket == NULL || (done && !call->method->oneway) || !tally_socket_meets_itself (socket))
    return done;
  g_clear_error (error);
  call->sent = TALLY_SENT_NOTHING;
  g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED,
                       "nobody listens there: the connection was to itself");
  return FALSE;
}

/* Every error of a call that was not answered says once what the server may have seen of it. */
static void
add_what_was_sent (const TallyCall *call, GError *error)
{
  g_autofree gchar *message = g_steal_pointer (&error->message);

  if (call->sent == TALLY_SENT_NOTHING)
    error->message = g_strconcat (message, "; nothing was sent", NULL);
  else if (call->sent == TALLY_SENT_REFUSED)
    error->message = g_strconcat (message, "; the request was not executed", NULL);
  else if (call->sent == TALLY_SENT_ALL)
    error->message =
        g_strconcat (message, "; the request was sent and may have been executed", NULL);
  else
    error->message = g_strdup_printf ("%s; %u of the request's %u bytes were sent", message,
                                      call->sent_bytes, call->request_bytes);
}

/* Where it was made last, or where the channel leads when it was made in several places. */
static const gchar *
get_place (const TallyCall *self)
{
  if (self->bucket == NULL || (self->route != NULL && tally_route_count_failures (self->route) > 1))
    return self->channel->uri;
  return tally_endpoint_get_uri (tally_bucket_get_endpoint (self->bucket));
}

GError *
tally_call_explain (const TallyCall *self, GError *error)
{
  if (!self->answered)
    add_what_was_sent (self, error);
  if (!self->declared && self->channel->endpoint != NULL)
    g_prefix_error (&error, "%s at %s: ", self->method->name, get_place (self));
  else if (!self->declared)
    g_prefix_error (&error, "%s: ", self->method->name);
  return error;
}

/* The server's own words, which no handler's exception begins with. */
gboolean
tally_call_was_not_executed (const TallyCall *self, const GError *error)
{
  return self->refused && error->domain == THRIFT_APPLICATION_EXCEPTION_ERROR
         && (g_str_has_prefix (error->message, TALLY_SERVER_SAYS TALLY_SERVER_IS)
             || g_str_has_prefix (error->message, TALLY_SERVER_SAYS TALLY_SERVER_DEADLINE))
         && strstr (error->message, TALLY_SERVER_NOT_EXECUTED) != NULL;
}

gboolean
tally_call_was_too_much (const TallyCall *self, const GError *error)
{
  return tally_call_was_not_executed (self, error)
         && (g_str_has_prefix (error->message, TALLY_SERVER_SAYS TALLY_SERVER_IS_BUSY)
             || g_str_has_prefix (error->message, TALLY_SERVER_SAYS TALLY_SERVER_IS_FULL));
}

/* The error of a call whose replay failed too. The first attempt, of which @before was sent, may have
 * been executed, and a code that says that nothing was sent, true of the replay, must not hide it. */
TALLY_COLD GError *
tally_call_join_errors (TallyCall *call, const TallyCall *before, GError *first, GError *second)
{
  gboolean maybe_executed = g_error_matches (first, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST);
  gboolean is_ending = g_error_matches (second, G_IO_ERROR, G_IO_ERROR_CANCELLED)
                       || g_error_matches (second, TALLY_ERROR, TALLY_ERROR_TIMED_OUT);
  GError *joined;

  if (call->answered
      && (before->sent != TALLY_SENT_ALL || !tally_call_was_not_executed (call, second)))
    {
      g_error_free (first);
      return second;
    }
  call->answered = call->refused = FALSE; /* of the first attempt nothing is known */
  if (before->sent > call->sent)
    {
      call->sent = before->sent;
      call->sent_bytes = before->sent_bytes;
      call->request_bytes = before->request_bytes;
    }
  joined = g_error_new (maybe_executed && !is_ending ? first->domain : second->domain,
                        maybe_executed && !is_ending ? first->code : second->code,
                        "%s; then the replay failed: %s", first->message, second->message);
  g_error_free (first);
  g_error_free (second);
  return joined;
}
