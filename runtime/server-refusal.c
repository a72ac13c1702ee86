/* Why a request is not executed: decides it, and says it in words. It sends nothing. */
#include "server-admission-private.h"
#include "server-words-private.h"

guint
server_max_queued (const TallyServer *self)
{
  return self->max_queued > 0 ? self->max_queued : 4 * self->max_workers;
}

ServerRefusal
server_find_refusal (const TallyServer *self, gint64 since, gint64 now, guint position)
{
  if (atomic_peek (&self->expired))
    return REFUSE_STOPPING;
  if (position > server_max_queued (self) && !server_admission_leaves_worker (self))
    return REFUSE_BUSY;
  return self->queue_timeout > 0 && now - since >= self->queue_timeout ? REFUSE_LATE
                                                                       : REFUSE_NOTHING;
}

gchar *
server_note_refusal (TallyServer *self, ServerRefusal refusal)
{
  if (G_LIKELY (refusal == REFUSE_NOTHING))
    return NULL;
  __atomic_add_fetch (&self->n_refused_requests[refusal], 1, __ATOMIC_RELAXED);
  switch (refusal)
    {
    case REFUSE_LIMIT:
      return g_strdup_printf (
          TALLY_SERVER_IS_BUSY
          ": %u requests run and as many wait as may; this one was " TALLY_SERVER_NOT_EXECUTED,
          server_get_running_limit (self));
    case REFUSE_SHARE:
      return g_strdup (
          TALLY_SERVER_IS_BUSY
          ": as many requests of this client wait as may; this one was " TALLY_SERVER_NOT_EXECUTED);
    case REFUSE_HOPELESS:
      return g_strdup (TALLY_SERVER_IS_BUSY ": the request's deadline would pass before its answer "
                                            "were there; it was " TALLY_SERVER_NOT_EXECUTED);
    case REFUSE_OVERDUE:
      return g_strdup (TALLY_SERVER_DEADLINE
                       "before it could be executed; it was " TALLY_SERVER_NOT_EXECUTED);
    case REFUSE_BUSY:
      return g_strdup_printf (
          TALLY_SERVER_IS_BUSY
          ": %u requests wait for its %u workers; this one was " TALLY_SERVER_NOT_EXECUTED,
          server_max_queued (self), self->max_workers);
    case REFUSE_LATE:
      return g_strdup_printf (TALLY_SERVER_IS_BUSY
                              ": the request waited %u ms and was " TALLY_SERVER_NOT_EXECUTED,
                              self->queue_timeout);
    case REFUSE_MEMORY:
      return g_strdup_printf (TALLY_SERVER_IS_BUSY
                              ": its unfinished messages pass the limit of %" G_GUINT64_FORMAT
                              " bytes; the request was " TALLY_SERVER_NOT_EXECUTED,
                              self->max_unfinished);
    case REFUSE_FULL:
      return g_strdup_printf (
          TALLY_SERVER_IS_FULL
          ": it serves %u connections at once; the request was " TALLY_SERVER_NOT_EXECUTED,
          self->max_connections);
    case REFUSE_STOPPING:
      return g_strdup (TALLY_SERVER_STOPS);
    default:
      return NULL;
    }
}

ServerRefusal
server_find_overdue (gint64 deadline)
{
  return deadline == 0 || g_get_monotonic_time () < deadline ? REFUSE_NOTHING : REFUSE_OVERDUE;
}

gchar *
server_find_reason (TallyServer *self, gint64 arrived, gint64 deadline)
{
  ServerRefusal refusal = server_find_overdue (deadline);

  if (refusal == REFUSE_NOTHING)
    refusal = server_find_refusal (self, arrived, server_now (), 0);
  return server_note_refusal (self, refusal);
}
