/* Owns the interceptors' interface, the list of a channel's or server's, and in which order they are called. What a call
 * came to, others say. */
#include "tally-interceptor.h"

#include "interceptor-private.h"
#include "tally-error.h"

/**
 * TallyInterceptor:
 *
 * What a program runs before and after each call of a channel (tally_channel_add_interceptor()), or each request
 * of a server (tally_server_add_interceptor()): a log, statistics, a trace, an admission. #TallyCallStatistics and
 * #TallyCallLog are interceptors.
 *
 * Before a call those that were added are called in that order, after it in the opposite order. One that refuses ends
 * the call: those that follow it are not called, those before it and itself learn that it was refused. A call that is
 * made several times is one call.
 *
 * They run on the thread that makes the call, or on the one that executes the request; after a request whose handler answers
 * later, on the thread that answers; after a call that
 * does not block, in the main context where it ends, before its callback, and for one that fails at once even before the function
 * that starts it returns. Several threads may be in one interceptor at once. No lock is held: an interceptor may make calls, on the same channel
 * too, which are intercepted themselves; the time that it takes is a part of its call's, and of no other.
 *
 * Since: 0.2
 */
G_DEFINE_INTERFACE (TallyInterceptor, tally_interceptor, G_TYPE_OBJECT)

static void
tally_interceptor_default_init (TallyInterceptorInterface *interface)
{
}

/* One of a list. Only `next` changes, once. */
struct _TallyInterception
{
  TallyInterceptor *interceptor;
  const TallyInterceptorInterface *interface;
  TallyInterception *previous;
  TallyInterception *next; /* atomic */
};

/* Taken by those that add, which are rare. */
static GMutex adding;

void
tally_interceptors_add (TallyInterceptors *self, gpointer interceptor)
{
  TallyInterception *added = g_new0 (TallyInterception, 1);
  TallyInterception **place = &self->first;

  added->interceptor = g_object_ref (interceptor);
  added->interface = TALLY_INTERCEPTOR_GET_IFACE (interceptor);
  g_mutex_lock (&adding);
  while (*place != NULL)
    {
      added->previous = *place;
      place = &(*place)->next;
    }
  __atomic_store_n (place, added, __ATOMIC_RELEASE);
  g_mutex_unlock (&adding);
}

void
tally_interceptors_clear (TallyInterceptors *self)
{
  TallyInterception *interception = self->first;

  self->first = NULL;
  while (interception != NULL)
    {
      TallyInterception *next = interception->next;

      g_object_unref (interception->interceptor);
      g_free (interception);
      interception = next;
    }
}

static gboolean
call_before (const TallyInterception *self, TallyCallInfo *info, GError **error)
{
  GError *local_error = NULL;

  if (self->interface->before == NULL
      || self->interface->before (self->interceptor, info, &local_error))
    {
      g_clear_error (&local_error);
      return TRUE;
    }
  if (local_error == NULL)
    g_set_error (&local_error, TALLY_ERROR, TALLY_ERROR_FAILED,
                 "%s refused the call without saying why", G_OBJECT_TYPE_NAME (self->interceptor));
  g_propagate_error (error, local_error);
  return FALSE;
}

gboolean
tally_interceptors_begin (const TallyInterceptors *self, TallyCallInfo *info, GError **error)
{
  TallyInterception *each = __atomic_load_n (&self->first, __ATOMIC_ACQUIRE);

  for (; each != NULL; each = __atomic_load_n (&each->next, __ATOMIC_ACQUIRE))
    {
      info->last = each;
      info->is_refused = !call_before (each, info, error);
      if (info->is_refused)
        return FALSE;
    }
  return TRUE;
}

void
tally_interceptors_end (TallyCallInfo *info, TallyCallOutcome outcome, const GError *error)
{
  info->end = g_get_monotonic_time ();
  info->outcome = info->is_refused ? TALLY_CALL_REFUSED : outcome;
  if (error != NULL)
    info->error = g_error_copy (error);
  for (const TallyInterception *each = info->last; each != NULL; each = each->previous)
    if (each->interface->after != NULL)
      each->interface->after (each->interceptor, info);
}
