/* Owns the attempts of an asynchronous call beyond the first: the pause before each, in the call's main context. */
#include "async-private.h"
#include "cancel-watch-internal.h"
#include "retry-private.h"
#include "tally-struct.h"

struct _TallyAsyncRetry
{
  TallyRetry retry;
  gint64 began;            /* the attempt that runs */
  GSource *pause;          /* nullable: between two attempts */
  TallyCancelWatch cancel; /* meanwhile */
};

TallyAsyncRetry *
tally_async_retry_new (TallyChannel *channel, TallyRetryPolicy *policy)
{
  TallyAsyncRetry *self = g_new0 (TallyAsyncRetry, 1);

  tally_retry_begin (&self->retry, channel, policy);
  self->began = self->retry.began;
  return self;
}

void
tally_async_retry_free (TallyAsyncRetry *self)
{
  tally_retry_clear (&self->retry);
  g_free (self);
}

TallyRetry *
tally_async_retry_get (TallyAsyncRetry *self)
{
  return &self->retry;
}

void
tally_async_retry_set_began (TallyAsyncRetry *self, gint64 began)
{
  self->began = began;
}

GError *
tally_async_retry_explain (TallyAsyncRetry *self, TallyCall *call, GError *error)
{
  return tally_retry_explain (&self->retry, call, error);
}

/* ---- the pause ---- */

static void
end_pause (TallyAsyncRetry *self)
{
  tally_cancel_watch_end (&self->cancel);
  g_source_destroy (self->pause);
  g_clear_pointer (&self->pause, g_source_unref);
}

static gboolean
on_pause_over (gpointer data)
{
  TallyAsyncCall *call = data;

  end_pause (call->retry);
  call->retry->began = g_get_monotonic_time ();
  tally_async_call_attempt (call);
  return G_SOURCE_REMOVE;
}

static gboolean
on_pause_cancelled (gpointer data)
{
  TallyAsyncCall *call = data;

  end_pause (call->retry);
  tally_async_call_tell (call, tally_retry_cancel (&call->retry->retry));
  return G_SOURCE_REMOVE;
}

static void
begin_pause (TallyAsyncCall *call, gint64 until)
{
  TallyAsyncRetry *self = call->retry;
  GMainContext *context = call->context;

  self->pause = g_timeout_source_new (0);
  g_source_set_static_name (self->pause, "tally retry");
  g_source_set_ready_time (self->pause, until);
  g_source_set_callback (self->pause, on_pause_over, call, NULL);
  if (call->call.cancellable != NULL)
    tally_cancel_watch_begin (&self->cancel, call->call.cancellable, context, on_pause_cancelled,
                              call, NULL);
  g_source_attach (self->pause, context);
}

/* What an earlier attempt brought is no longer the call's. */
static void
drop_result (TallyAsyncCall *call)
{
  const TallyStructInfo *result = call->call.method->result;

  for (guint i = 0; result != NULL && i < result->n_fields; i++)
    tally_value_clear (result->fields[i].type, &call->slots[i]);
  tally_call_init_outcome (&call->call);
}

gboolean
tally_async_retry_again (TallyAsyncCall *call, GError *error)
{
  TallyAsyncRetry *self = call->retry;
  gint64 until;

  tally_retry_note (&self->retry, &call->call, error, self->began);
  if (!tally_retry_is_allowed (&self->retry, &call->call, error)
      || !tally_retry_take_later (&self->retry, call->call.deadline, &until))
    return FALSE;
  g_error_free (error);
  drop_result (call);
  begin_pause (call, until);
  return TRUE;
}
