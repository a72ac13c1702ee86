/* Owns what one call keeps of its attempts: whether and when there may be another, and what the caller is told of all of
 * them. It makes none itself. */
#include "retry-private.h"

#include "tally-error.h"

gint64
tally_retry_policy_get_pause (const TallyRetryPolicy *self, guint n_failed, guint32 random)
{
  gint64 longest = self->longest_pause_ms * G_TIME_SPAN_MILLISECOND;
  gint64 pause = self->first_pause_ms * G_TIME_SPAN_MILLISECOND;

  for (guint i = 1; i < n_failed && pause < longest; i++)
    pause *= 2;
  pause = MIN (pause, longest);
  return pause / 2 + (gint64) ((guint64) (pause - pause / 2) * random / G_MAXUINT32);
}

void
tally_retry_begin (TallyRetry *self, TallyChannel *channel, TallyRetryPolicy *policy)
{
  *self = (TallyRetry){ .policy = policy, .channel = channel, .began = g_get_monotonic_time () };
  self->n_attempts = 1;
  tally_retry_pay_in (channel, policy);
}

void
tally_retry_clear (TallyRetry *self)
{
  g_clear_pointer (&self->policy, tally_retry_policy_unref);
  g_clear_error (&self->worst);
  if (self->story != NULL)
    g_string_free (g_steal_pointer (&self->story), TRUE);
}

/* ---- may it be made again? ---- */

static gboolean
is_named (const TallyRetryPolicy *policy, const GError *error)
{
  for (guint i = 0; i < policy->n_named; i++)
    if (policy->named[i].domain == error->domain
        && (policy->named[i].code < 0 || policy->named[i].code == error->code))
      return TRUE;
  return FALSE;
}

/* Why nothing was sent may be over soon. */
static gboolean
may_pass (const GError *error)
{
  static const gint codes[] = { TALLY_ERROR_TIMED_OUT,      TALLY_ERROR_POOL_EXHAUSTED,
                                TALLY_ERROR_CONNECT_FAILED, TALLY_ERROR_BACKOFF,
                                TALLY_ERROR_NOT_SENT,       TALLY_ERROR_CONNECTION_LOST };

  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    if (g_error_matches (error, TALLY_ERROR, codes[i]))
      return TRUE;
  return FALSE;
}

gboolean
tally_retry_is_allowed (const TallyRetry *self, const TallyCall *call, const GError *error)
{
  TallyRetryErrors errors = self->policy->errors;

  if (call->answered)
    return ((errors & TALLY_RETRY_NOT_EXECUTED) != 0 && tally_call_was_not_executed (call, error))
           || (tally_call_is_idempotent (call) && is_named (self->policy, error));
  if (call->sent == TALLY_SENT_NOTHING)
    return (errors & TALLY_RETRY_NOT_SENT) != 0 && may_pass (error);
  if (call->sent == TALLY_SENT_REFUSED)
    return (errors & TALLY_RETRY_NOT_EXECUTED) != 0;
  return (errors & TALLY_RETRY_LOST) != 0 && tally_call_is_idempotent (call)
         && g_error_matches (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST);
}

gboolean
tally_retry_take_now (TallyRetry *self)
{
  self->stopped_by = NULL;
  if (self->n_attempts >= self->policy->attempts)
    return FALSE;
  if (!tally_retry_take_out (self->channel, self->policy))
    {
      self->stopped_by = "the budget for retries is spent";
      return FALSE;
    }
  self->n_attempts++;
  return TRUE;
}

gboolean
tally_retry_take_later (TallyRetry *self, gint64 deadline, gint64 *until)
{
  /* One step further: a server that has too much to do needs more than one that failed. */
  guint n_failed = self->n_failed + (self->was_too_much ? 1 : 0);
  gint64 pause = tally_retry_policy_get_pause (self->policy, n_failed, g_random_int ());

  *until = g_get_monotonic_time () + pause;
  if (self->n_attempts < self->policy->attempts && deadline >= 0 && *until >= deadline)
    {
      self->stopped_by = "no time is left for another";
      return FALSE;
    }
  return tally_retry_take_now (self);
}

GError *
tally_retry_cancel (TallyRetry *self)
{
  self->stopped_by = "cancelled before the next";
  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED,
                              "cancelled before it was made again");
}

/* ---- what is told of it ---- */

static void
note_what_was_sent (TallyRetry *self, const TallyCall *call, const GError *error)
{
  if (call->answered || call->sent <= self->sent)
    return;
  self->sent = call->sent;
  self->sent_bytes = call->sent_bytes;
  self->request_bytes = call->request_bytes;
  if (self->worst == NULL && call->sent >= TALLY_SENT_PART)
    self->worst = g_error_copy (error);
}

void
tally_retry_note (TallyRetry *self, const TallyCall *call, const GError *error, gint64 began)
{
  gint64 now = g_get_monotonic_time ();

  if (self->story == NULL)
    self->story = g_string_new (NULL);
  self->n_failed++;
  self->was_too_much = call->answered && tally_call_was_too_much (call, error);
  g_string_append_printf (self->story,
                          "%sattempt %u (from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT " ms): %s",
                          self->n_failed > 1 ? "; " : "", self->n_failed,
                          (began - self->began) / G_TIME_SPAN_MILLISECOND,
                          (now - self->began) / G_TIME_SPAN_MILLISECOND, error->message);
  note_what_was_sent (self, call, error);
}

/* A code that says that nothing was sent must not hide that an earlier attempt may have been executed. */
static void
choose_code (const TallyRetry *self, const TallyCall *call, GError *error)
{
  if (self->worst == NULL || call->answered
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
      || g_error_matches (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT))
    return;
  error->domain = self->worst->domain;
  error->code = self->worst->code;
}

/* Of several attempts each is told. */
static void
tell_attempts (const TallyRetry *self, const TallyCall *call, GError *error)
{
  const gchar *stopped = self->stopped_by != NULL ? self->stopped_by : "";
  gchar *message =
      g_strdup_printf ("%u of %u attempts failed%s%s: %s%s", self->n_failed, self->policy->attempts,
                       *stopped != '\0' ? ", " : "", stopped, self->story->str,
                       call->answered && self->worst != NULL
                           ? "; an earlier one may have been executed"
                           : "");

  g_free (error->message);
  error->message = message;
}

GError *
tally_retry_explain (TallyRetry *self, TallyCall *call, GError *error)
{
  choose_code (self, call, error);
  if (!call->declared && self->story != NULL && (self->n_failed > 1 || self->stopped_by != NULL))
    tell_attempts (self, call, error);
  if (!call->answered && self->sent > call->sent)
    {
      call->sent = self->sent;
      call->sent_bytes = self->sent_bytes;
      call->request_bytes = self->request_bytes;
    }
  return tally_call_explain (call, error);
}
