/* Owns whether a call can begin at all, and what its caller is told when it has failed. */
#include "call-private.h"

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

GError *
tally_call_explain (const TallyCall *self, GError *error)
{
  if (!self->answered)
    add_what_was_sent (self, error);
  if (!self->declared && self->channel->endpoint != NULL)
    g_prefix_error (&error, "%s at %s: ", self->method->name,
                    tally_endpoint_get_uri (self->channel->endpoint));
  else if (!self->declared)
    g_prefix_error (&error, "%s: ", self->method->name);
  return error;
}
