/* Owns how a fleet learns its endpoints from a resolver: when it looks, and what it makes of what is
 * published. A list is replaced by another one only. */
#include <errno.h>
#include <string.h>

#include "fleet-private.h"
#include "resolver-private.h"
#include "tally-error.h"
#include "threads-private.h"

/* Microseconds: after these a list is looked up again, when a call asks for it; */
#define LIST_AGE (30 * G_TIME_SPAN_SECOND)
/* no more often where endpoints fail; */
#define HASTE_INTERVAL (5 * G_TIME_SPAN_SECOND)
/* after a lookup that failed, doubled each time up to LIST_AGE. */
#define FIRST_RETRY G_TIME_SPAN_SECOND

/* ---- life ---- */

void
tally_fleet_follow (TallyFleet *self,
                    TallyResolver *resolver,
                    const gchar *uri,
                    const TallyTlsOptions *tls)
{
  TallyFleetLookup *lookup = &self->lookup;
  const gchar *address = strstr (uri, "://") + strlen ("://");

  lookup->resolver = g_object_ref (resolver);
  lookup->looks = TALLY_RESOLVER_GET_CLASS (resolver)->lookup != NULL;
  lookup->prefix = g_strndup (uri, (gsize) (address - uri));
  lookup->suffix = g_strdup (address + strcspn (address, "/?#"));
  lookup->tls = (TallyTlsOptions){ .ca = g_strdup (tls->ca),
                                   .certificate = g_strdup (tls->certificate),
                                   .key = g_strdup (tls->key),
                                   .identity = g_strdup (tls->identity),
                                   .checks_host = tls->checks_host,
                                   .clients = tls->clients };
  lookup->due = lookup->looks ? G_MININT64 : G_MAXINT64;
  tally_resolver_watch (resolver, self);
}

void
tally_fleet_clear_lookup (TallyFleet *self)
{
  TallyFleetLookup *lookup = &self->lookup;

  g_clear_object (&lookup->resolver);
  g_clear_object (&lookup->stop);
  g_clear_error (&lookup->failure);
  g_free (lookup->prefix);
  g_free (lookup->suffix);
  g_free (lookup->tls.ca);
  g_free (lookup->tls.certificate);
  g_free (lookup->tls.key);
  g_free (lookup->tls.identity);
}

/* The thread that looked is not in the child. */
void
tally_fleet_start_lookup_anew (TallyFleet *self)
{
  TallyFleetLookup *lookup = &self->lookup;

  lookup->is_under_way = FALSE;
  lookup->stop = NULL;
  lookup->due = lookup->looks ? G_MININT64 : G_MAXINT64;
}

/* ---- what is published ---- */

/* What a peer may have written, as a target in DNS, becomes a part of a URI: nothing in it may be taken for an option, or for another
 * endpoint. */
static gboolean
check_address (const gchar *text, GError **error)
{
  const gchar *colon = text != NULL ? strrchr (text, ':') : NULL;
  g_autofree gchar *shown = g_strescape (text != NULL ? text : "", NULL);

  if (colon != NULL && text[strcspn (text, "/?#@,")] == '\0'
      && g_ascii_string_to_unsigned (colon + 1, 10, 1, G_MAXUINT16, NULL, NULL))
    return TRUE;
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT,
               "\"%.100s\" is not a host and a port, HOST:PORT", shown);
  return FALSE;
}

static gboolean
add_published (const TallyFleet *self, GArray *targets, const TallyAddress *address, GError **error)
{
  const TallyFleetLookup *lookup = &self->lookup;
  g_autofree gchar *uri = NULL;
  TallyTlsOptions tls = lookup->tls;
  TallyTarget target = { .weight = CLAMP (address->weight, 1, TALLY_PICKER_MAX_WEIGHT),
                         .priority = address->priority };

  if (!check_address (address->address, error))
    return FALSE;
  uri = g_strconcat (lookup->prefix, address->address, lookup->suffix, NULL);
  target.endpoint = tally_endpoint_new_with_tls (uri, &tls, error);
  if (target.endpoint != NULL && address->identity != NULL
      && tally_endpoint_get_scheme (target.endpoint) == TALLY_SCHEME_TLS
      && tally_endpoint_get_tls (target.endpoint)->identity == NULL)
    {
      tally_endpoint_unref (target.endpoint);
      tls.identity = (gchar *) address->identity;
      target.endpoint = tally_endpoint_new_with_tls (uri, &tls, error);
    }
  if (target.endpoint == NULL)
    return FALSE;
  g_array_append_val (targets, target);
  return TRUE;
}

void
tally_fleet_update (TallyFleet *self, const TallyAddress *addresses, guint n_addresses)
{
  g_autoptr (GArray) targets = tally_targets_new_empty ();
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < n_addresses; i++)
    {
      g_clear_error (&error);
      if (!add_published (self, targets, &addresses[i], &error))
        g_warning ("%s: its resolver published what is no address: %s", self->name, error->message);
    }
  if (targets->len == 0)
    {
      tally_fleet_fail (self, error);
      return;
    }
  tally_fleet_set_targets (self, targets);
  pthread_mutex_lock (&self->lock);
  g_clear_error (&self->lookup.failure);
  self->lookup.has_failed = FALSE;
  tally_fleet_wake_waits_locked (self);
  pthread_mutex_unlock (&self->lock);
}

void
tally_fleet_fail (TallyFleet *self, const GError *error)
{
  GError *copy = g_error_copy (error);
  g_autoptr (GError) old = NULL;

  pthread_mutex_lock (&self->lock);
  old = self->lookup.failure;
  self->lookup.failure = copy;
  self->lookup.has_failed = TRUE;
  tally_fleet_wake_waits_locked (self);
  pthread_mutex_unlock (&self->lock);
}

/* ---- looking ---- */

static void
end_lookup (TallyFleet *self, gboolean done)
{
  TallyFleetLookup *lookup = &self->lookup;
  gint64 pause = FIRST_RETRY;
  g_autoptr (GCancellable) stop = NULL;

  pthread_mutex_lock (&self->lock);
  lookup->n_failed = done ? 0 : lookup->n_failed + 1;
  for (guint i = 1; i < lookup->n_failed && pause < LIST_AGE; i++)
    pause *= 2;
  pause = done ? LIST_AGE : MIN (pause, LIST_AGE);
  __atomic_store_n (&lookup->due, g_get_monotonic_time () + pause, __ATOMIC_RELAXED);
  lookup->is_under_way = FALSE;
  stop = g_steal_pointer (&lookup->stop);
  tally_fleet_wake_waits_locked (self);
  pthread_mutex_unlock (&self->lock);
}

/* A lookup may say that all is @done after it has published what is no list, or nothing. @error: nullable. */
static void
judge_lookup (TallyFleet *self, gboolean done, const GError *error)
{
  g_autoptr (GError) unexplained = NULL;
  gboolean is_told;

  pthread_mutex_lock (&self->lock);
  is_told = error == NULL && self->lookup.has_failed;
  done = done && !self->lookup.has_failed && self->picker.active->len > 0;
  if (done)
    g_clear_error (&self->lookup.failure);
  pthread_mutex_unlock (&self->lock);
  if (error == NULL)
    error = unexplained =
        g_error_new_literal (TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "the resolver found nothing");
  if (!done && !is_told)
    tally_fleet_fail (self, error);
  end_lookup (self, done);
}

static gpointer
run_lookup (gpointer data)
{
  TallyFleet *self = data;
  TallyResolver *resolver = self->lookup.resolver;
  g_autoptr (GError) error = NULL;
  gboolean done = TALLY_RESOLVER_GET_CLASS (resolver)->lookup (resolver, self->lookup.stop, &error);

  judge_lookup (self, done, error);
  tally_fleet_unref (self);
  return NULL;
}

static void
begin_lookup (TallyFleet *self)
{
  g_autoptr (GError) error = NULL;
  gint status;

  if (tally_run_on_thread (self->core, run_lookup, tally_fleet_ref (self), FALSE))
    return;
  status = errno;
  error = status == ESHUTDOWN
              ? g_error_new_literal (TALLY_ERROR, TALLY_ERROR_POOL_CLOSED, "the pool is closed")
              : g_error_new (TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED,
                             "no thread for the lookup: %s", g_strerror (status));
  judge_lookup (self, FALSE, error);
  tally_fleet_unref (self);
}

void
tally_fleet_look_if_due (TallyFleet *self, gint64 now)
{
  TallyFleetLookup *lookup = &self->lookup;
  gboolean begins;

  if (G_LIKELY (now < __atomic_load_n (&lookup->due, __ATOMIC_RELAXED)))
    return;
  pthread_mutex_lock (&self->lock);
  begins = !lookup->is_under_way && now >= lookup->due;
  if (begins)
    {
      lookup->is_under_way = TRUE;
      lookup->has_failed = FALSE;
      lookup->stop = g_cancellable_new ();
      __atomic_store_n (&lookup->due, G_MAXINT64, __ATOMIC_RELAXED);
    }
  pthread_mutex_unlock (&self->lock);
  if (begins)
    begin_lookup (self);
}

void
tally_fleet_hasten_lookup (TallyFleet *self, gint64 now)
{
  TallyFleetLookup *lookup = &self->lookup;

  if (!lookup->looks)
    return;
  pthread_mutex_lock (&self->lock);
  if (!lookup->is_under_way && lookup->failure == NULL
      && (lookup->hastened_at == G_MININT64 || now - lookup->hastened_at >= HASTE_INTERVAL))
    {
      lookup->hastened_at = now;
      __atomic_store_n (&lookup->due, now, __ATOMIC_RELAXED);
    }
  pthread_mutex_unlock (&self->lock);
}

void
tally_fleet_stop_lookup (TallyFleet *self)
{
  g_autoptr (GCancellable) stop = NULL;

  pthread_mutex_lock (&self->lock);
  if (self->lookup.stop != NULL)
    stop = g_object_ref (self->lookup.stop);
  pthread_mutex_unlock (&self->lock);
  if (stop != NULL)
    g_cancellable_cancel (stop);
}

/* ---- what calls ask ---- */

gboolean
tally_fleet_must_wait_locked (const TallyFleet *self)
{
  const TallyFleetLookup *lookup = &self->lookup;

  return self->picker.active->len == 0 && (lookup->failure == NULL || lookup->is_under_way);
}

gboolean
tally_fleet_must_wait (TallyFleet *self)
{
  gboolean must_wait;

  tally_fleet_look_if_due (self, g_get_monotonic_time ());
  pthread_mutex_lock (&self->lock);
  must_wait = tally_fleet_must_wait_locked (self);
  pthread_mutex_unlock (&self->lock);
  return must_wait;
}

GError *
tally_fleet_dup_failure (TallyFleet *self)
{
  GError *error = NULL;

  pthread_mutex_lock (&self->lock);
  if (self->lookup.failure != NULL)
    error = g_error_copy (self->lookup.failure);
  pthread_mutex_unlock (&self->lock);
  return error;
}
