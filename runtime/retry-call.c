/* Owns the attempts of a call whose thread waits for it. */
#include "hedge-private.h"
#include "pause-internal.h"
#include "retry-private.h"

/* An exception that an earlier attempt brought is no longer the call's. */
static void
drop_exceptions (const TallyCall *call)
{
  const TallyStructInfo *info = call->method->result;

  for (guint i = 0; call->results != NULL && info != NULL && i < info->n_fields; i++)
    if (info->fields[i].id != 0 && call->results[i] != NULL)
      g_clear_object ((GObject **) call->results[i]);
}

/* (nullable): the error of a call that may be made several times. */
static GError *
make_attempts (TallyRetry *retry, TallyCall *call, TallyCallInfo *info)
{
  for (gint64 began = retry->began;; began = g_get_monotonic_time ())
    {
      GError *error = tally_call_run (call, info);
      gint64 until;

      if (error == NULL)
        return NULL;
      tally_retry_note (retry, call, error, began);
      if (!tally_retry_is_allowed (retry, call, error)
          || !tally_retry_take_later (retry, call->deadline, &until))
        return error;
      if (call->declared)
        drop_exceptions (call);
      tally_call_init_outcome (call);
      g_error_free (error);
      if (!tally_pause_until (until, call->cancellable))
        return tally_retry_cancel (retry);
    }
}

static GError *
make_with_policy (TallyCall *call, TallyCallInfo *info, TallyRetryPolicy *policy)
{
  TallyRetry retry;
  GError *error;

  tally_retry_begin (&retry, call->channel, policy);
  error = make_attempts (&retry, call, info);
  if (error != NULL)
    error = tally_retry_explain (&retry, call, error);
  tally_retry_clear (&retry);
  return error;
}

/* (nullable): the error of a call, which the caller is told. @info: nullable. */
static GError *
make_call (TallyCall *call, TallyCallInfo *info)
{
  TallyRetryPolicy *policy;
  GError *error = NULL;

  if (call->channel->endpoint == NULL)
    tally_call_refuse_without_endpoint (&error);
  else if (call->options == NULL || tally_call_may_begin (call, &error))
    {
      policy = tally_retry_find_policy (call->channel, call->options);
      if (policy != NULL)
        return make_with_policy (call, info, policy);
      error = tally_call_run (call, info);
    }
  return error != NULL ? tally_call_explain (call, error) : NULL;
}

/* Whether the call is hedged. */
static gboolean
is_hedged (const TallyCall *call)
{
  TallyRetryPolicy *policy = tally_retry_find_policy (call->channel, call->options);
  gboolean wanted = tally_hedge_is_wanted (policy, call);

  g_clear_pointer (&policy, tally_retry_policy_unref);
  return wanted;
}

TALLY_COLD gboolean
tally_retry_make_call (TallyChannel *channel,
                       const TallyMethod *method,
                       gconstpointer args,
                       gpointer const *results,
                       const TallyCallOptions *options,
                       GError **error)
{
  TallyCall call;
  TallyCallInfo *info = NULL;
  GError *local_error = NULL;

  tally_call_open (&call, channel, method, args, results, options);
  if (is_hedged (&call))
    return tally_hedge_make_call (channel, method, args, results, options, error);
  if (channel->fleet != NULL)
    call.route = tally_route_new (channel->fleet);
  if (tally_interceptors_is_empty (&channel->interceptors)
      || tally_call_begin_watched (&call, &info, &local_error))
    local_error = make_call (&call, info);
  else
    local_error = tally_call_explain (&call, local_error);
  if (info != NULL)
    tally_call_end_watched (&call, info, local_error);
  g_clear_pointer (&call.route, tally_route_free);
  if (local_error == NULL)
    return TRUE;
  g_propagate_error (error, local_error);
  return FALSE;
}
