/* Owns a call of a channel over several endpoints: what an attempt's end says of its endpoint, and whether the call goes on
 * to another one. Which one that is, the fleet decides. */
#include <string.h>

#include "call-info-private.h"
#include "call-private.h"
#include "server-words-private.h"

/* ---- where it goes ---- */

static void
use_bucket (TallyCall *call, TallyCallInfo *info, TallyBucket *bucket)
{
  call->bucket = bucket;
  if (info == NULL)
    return;
  g_free (info->peer);
  info->peer = g_strdup (tally_endpoint_get_uri (tally_bucket_get_endpoint (bucket)));
}

/* (transfer full): why there is no endpoint. */
static GError *
find_failure (const TallyCall *call)
{
  g_autoptr (GError) failure = tally_fleet_dup_failure (call->channel->fleet);

  if (g_cancellable_is_cancelled (call->cancellable))
    return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED,
                                "cancelled while looking up its endpoints");
  if (failure == NULL)
    return g_error_new_literal (TALLY_ERROR, TALLY_ERROR_TIMED_OUT,
                                "timed out while looking up its endpoints");
  return g_error_new (TALLY_ERROR,
                      failure->domain == TALLY_ERROR ? failure->code : TALLY_ERROR_CONNECT_FAILED,
                      "failed while looking up its endpoints: %s", failure->message);
}

gboolean
tally_call_enter_route (TallyCall *call, TallyCallInfo *info, GError **error)
{
  TallyBucket *bucket = tally_route_begin (call->route);

  if (bucket == NULL)
    {
      g_propagate_error (error, find_failure (call));
      return FALSE;
    }
  use_bucket (call, info, bucket);
  return TRUE;
}

gboolean
tally_call_take_next (TallyCall *call, TallyCallInfo *info)
{
  TallyBucket *bucket = tally_route_next (call->route);

  if (bucket == NULL)
    return FALSE;
  use_bucket (call, info, bucket);
  return TRUE;
}

gboolean
tally_call_begin_round (TallyCall *call, TallyCallInfo *info, GError **error)
{
  TallyBucket *bucket = tally_route_begin_round (call->route, error);

  tally_call_init_outcome (call);
  if (bucket == NULL)
    return FALSE;
  use_bucket (call, info, bucket);
  return TRUE;
}

/* ---- what became of an attempt ---- */

static gboolean
is_ours (const GError *error, TallyError code)
{
  return g_error_matches (error, TALLY_ERROR, code);
}

/* Nothing was sent: for a reason that lies with the endpoint or with its share of the pool. */
static gboolean
failed_before_it_was_sent (const GError *error)
{
  return error->domain == G_TLS_ERROR || is_ours (error, TALLY_ERROR_CONNECT_FAILED)
         || is_ours (error, TALLY_ERROR_BACKOFF) || is_ours (error, TALLY_ERROR_NOT_SENT)
         || is_ours (error, TALLY_ERROR_TIMED_OUT);
}

static TallyAttemptEnd
find_end (const TallyCall *call, const GError *error)
{
  if (error == NULL)
    return TALLY_ATTEMPT_ANSWERED;
  if (call->answered && tally_call_was_too_much (call, error))
    return TALLY_ATTEMPT_REFUSED;
  if (call->answered)
    return tally_call_was_not_executed (call, error) ? TALLY_ATTEMPT_FAILED
                                                     : TALLY_ATTEMPT_ANSWERED;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return TALLY_ATTEMPT_UNKNOWN;
  if (call->sent == TALLY_SENT_NOTHING)
    return failed_before_it_was_sent (error) ? TALLY_ATTEMPT_FAILED : TALLY_ATTEMPT_UNKNOWN;
  return is_ours (error, TALLY_ERROR_TIMED_OUT) ? TALLY_ATTEMPT_TIMED_OUT : TALLY_ATTEMPT_FAILED;
}

void
tally_call_leave_endpoint (TallyCall *call, const GError *error)
{
  tally_route_end (call->route, find_end (call, error), error);
}

/* A server that has too much to do is believed once: where all have, a call must not ask each of them. */
static gboolean
may_leave_busy_server (const TallyCall *call, const GError *error)
{
  return strstr (error->message, TALLY_SERVER_IS_STOPPING) != NULL
         || tally_route_count_failures (call->route) == 1;
}

gboolean
tally_call_may_move_on (const TallyCall *call, const GError *error)
{
  if (call->deadline >= 0 && g_get_monotonic_time () >= call->deadline)
    return FALSE;
  if (call->answered)
    return tally_call_was_not_executed (call, error) && may_leave_busy_server (call, error);
  if (call->sent == TALLY_SENT_NOTHING)
    return failed_before_it_was_sent (error) || is_ours (error, TALLY_ERROR_POOL_EXHAUSTED);
  return call->sent == TALLY_SENT_REFUSED;
}

GError *
tally_call_tell_route (const TallyCall *call, GError *error)
{
  if (call->declared || tally_route_count_failures (call->route) < 2)
    return error;
  g_free (error->message);
  error->message = tally_route_tell (call->route);
  return error;
}

/* ---- a call whose thread waits ---- */

/* What is kept of an attempt that may have been executed: pool rule 13. */
typedef struct
{
  TallyCall call;
  GError *error; /* nullable */
} Lost;

static void
on_wait_over (gpointer data)
{
  *(gboolean *) data = TRUE;
}

/* After the last endpoint has failed with @error: whether the call waited for one that can be reached. Then @error is used up, and
 * is why there is none after all, or NULL. */
static gboolean
await_ready (TallyCall *call, TallyCallInfo *info, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  gboolean is_over = FALSE;

  if (!tally_route_await (call->route, context, call->deadline, call->cancellable, on_wait_over,
                          &is_over))
    return FALSE;
  g_clear_error (error);
  while (!is_over)
    g_main_context_iteration (context, TRUE);
  tally_call_begin_round (call, info, error);
  return TRUE;
}

/* Whether there is another attempt after one that failed with *@error, which is used up then. Else *@error is the call's. */
static gboolean
go_on_after (TallyCall *call, TallyCallInfo *info, gboolean reused, GError **error, Lost *lost)
{
  if (tally_call_may_move_on (call, *error))
    {
      if (tally_call_take_next (call, info))
        {
          g_clear_error (error);
          tally_call_init_outcome (call);
          return TRUE;
        }
      if (await_ready (call, info, error))
        return *error == NULL;
    }
  if (!reused || lost->error != NULL || !tally_call_may_replay (call, *error))
    return FALSE;
  lost->call = *call;
  lost->error = g_steal_pointer (error);
  call->sent = TALLY_SENT_NOTHING;
  tally_call_take_next (call, info);
  return TRUE;
}

/* Until there are endpoints, or no hope of any. */
static void
await_list (const TallyCall *call)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  gboolean is_over = FALSE;

  tally_fleet_await (call->channel->fleet, context, call->deadline, call->cancellable, on_wait_over,
                     &is_over);
  while (!is_over)
    g_main_context_iteration (context, TRUE);
}

GError *
tally_call_run_on_route (TallyCall *call, TallyCallInfo *info)
{
  TallyWanted wanted = call->channel->unpooled ? TALLY_WANTED_UNUSED : TALLY_WANTED_ANY_OR_GO_ON;
  Lost lost = { .error = NULL };
  GError *error = NULL;
  gboolean reused;

  if (G_UNLIKELY (tally_fleet_must_wait (call->channel->fleet)))
    await_list (call);
  if (!tally_call_enter_route (call, info, &error))
    return error;
  while (!tally_call_attempt (call, info, lost.error != NULL ? TALLY_WANTED_FRESH : wanted, &reused,
                              &error))
    {
      tally_call_leave_endpoint (call, error);
      if (!go_on_after (call, info, reused, &error, &lost))
        {
          if (lost.error != NULL)
            error = tally_call_join_errors (call, &lost.call, lost.error, error);
          return tally_call_tell_route (call, error);
        }
    }
  tally_call_leave_endpoint (call, NULL);
  g_clear_error (&lost.error);
  return NULL;
}
