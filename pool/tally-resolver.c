/* Owns what a resolver published last, and the fleets that are told. It knows no way to find addresses. */
#include "tally-resolver.h"

#include "fleet/resolver-private.h"
#include "tally-error.h"

typedef struct
{
  pthread_mutex_t lock;
  TallyForkWatch fork_watch;
  GPtrArray *fleets; /* of TallyFleet, without references: they leave before they end; the lock */
  GArray *addresses; /* nullable: of TallyAddress, with copies; replaced as a whole; the lock */
} TallyResolverPrivate;

/**
 * TallyResolver:
 *
 * What tells a channel where the copies of its service are (tally_channel_new_with_resolver()). A subclass calls
 * tally_resolver_publish() whenever it knows better, from any thread. The last list stays in use until there is
 * another: that a lookup failed, or found nothing, empties none.
 *
 * Since: 0.2
 */
G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (TallyResolver, tally_resolver, G_TYPE_OBJECT)

static TallyResolverPrivate *
get_private (TallyResolver *self)
{
  return tally_resolver_get_instance_private (self);
}

static void
clear_address (gpointer data)
{
  TallyAddress *address = data;

  g_free ((gchar *) address->address);
  g_free ((gchar *) address->identity);
}

/* In the child. */
static void
start_resolver_anew (gpointer data)
{
  pthread_mutex_init (&((TallyResolverPrivate *) data)->lock, NULL);
}

static void
tally_resolver_finalize (GObject *object)
{
  TallyResolverPrivate *private = get_private (TALLY_RESOLVER (object));

  tally_fork_unwatch (&private->fork_watch);
  g_clear_pointer (&private->addresses, g_array_unref);
  g_ptr_array_unref (private->fleets);
  pthread_mutex_destroy (&private->lock);
  G_OBJECT_CLASS (tally_resolver_parent_class)->finalize (object);
}

static void
tally_resolver_class_init (TallyResolverClass *class)
{
  G_OBJECT_CLASS (class)->finalize = tally_resolver_finalize;
}

static void
tally_resolver_init (TallyResolver *self)
{
  TallyResolverPrivate *private = get_private (self);

  pthread_mutex_init (&private->lock, NULL);
  private->fleets = g_ptr_array_new ();
  private->fork_watch = (TallyForkWatch){ &private->lock, start_resolver_anew, private };
  tally_fork_watch (&private->fork_watch);
}

/* With the lock. (transfer full): the fleets, each with a reference; of them only @one, if that is not NULL. */
static GPtrArray *
dup_fleets_locked (const TallyResolverPrivate *private, const TallyFleet *one)
{
  GPtrArray *fleets = g_ptr_array_new_with_free_func ((GDestroyNotify) tally_fleet_unref);

  for (guint i = 0; i < private->fleets->len; i++)
    if (one == NULL || g_ptr_array_index (private->fleets, i) == one)
      g_ptr_array_add (fleets, tally_fleet_ref (g_ptr_array_index (private->fleets, i)));
  return fleets;
}

/* Tells @fleet, or where that is NULL all fleets, what was published last. Of lists that come at once from several threads a fleet must
 * not end with an earlier one: each thread looks whether there is a later one by now, and then tells that. */
static void
tell_fleets (TallyResolverPrivate *private, TallyFleet *fleet)
{
  gboolean is_latest;

  do
    {
      g_autoptr (GPtrArray) fleets = NULL;
      g_autoptr (GArray) addresses = NULL;

      pthread_mutex_lock (&private->lock);
      fleets = dup_fleets_locked (private, fleet);
      addresses = g_array_ref (private->addresses);
      pthread_mutex_unlock (&private->lock);
      for (guint i = 0; i < fleets->len; i++)
        tally_fleet_update (g_ptr_array_index (fleets, i),
                            (const TallyAddress *) (gpointer) addresses->data, addresses->len);
      pthread_mutex_lock (&private->lock);
      is_latest = private->addresses == addresses;
      pthread_mutex_unlock (&private->lock);
    }
  while (!is_latest);
}

void
tally_resolver_watch (TallyResolver *self, TallyFleet *fleet)
{
  TallyResolverPrivate *private = get_private (self);
  gboolean has_list;

  pthread_mutex_lock (&private->lock);
  g_ptr_array_add (private->fleets, fleet);
  has_list = private->addresses != NULL;
  pthread_mutex_unlock (&private->lock);
  if (has_list)
    tell_fleets (private, fleet);
}

void
tally_resolver_unwatch (TallyResolver *self, TallyFleet *fleet)
{
  TallyResolverPrivate *private = get_private (self);

  pthread_mutex_lock (&private->lock);
  g_ptr_array_remove_fast (private->fleets, fleet);
  pthread_mutex_unlock (&private->lock);
}

static GArray *
copy_addresses (const TallyAddress *addresses, guint n_addresses)
{
  GArray *copy = g_array_sized_new (FALSE, FALSE, sizeof (TallyAddress), n_addresses);

  g_array_set_clear_func (copy, clear_address);
  for (guint i = 0; i < n_addresses; i++)
    {
      const TallyAddress address = { g_strdup (addresses[i].address),
                                     g_strdup (addresses[i].identity), addresses[i].weight,
                                     addresses[i].priority };

      g_array_append_val (copy, address);
    }
  return copy;
}

/**
 * tally_resolver_publish:
 * @self: a resolver
 * @addresses: (array length=n_addresses): where the copies are now, all of them
 * @n_addresses: how many
 *
 * Tells every channel with @self. Calls that are under way are not disturbed; those that begin from now on go to one of
 * @addresses. Addresses that make no sense are left out, with a warning in the log. An empty list is taken for a failure: the last one stays.
 * Thread-safe; to be called without a lock that lookup() takes.
 *
 * Since: 0.2
 */
void
tally_resolver_publish (TallyResolver *self, const TallyAddress *addresses, guint n_addresses)
{
  TallyResolverPrivate *private;
  GArray *list;
  g_autoptr (GArray) old = NULL;

  g_return_if_fail (TALLY_IS_RESOLVER (self) && (addresses != NULL || n_addresses == 0));
  if (n_addresses == 0)
    {
      g_autoptr (GError) error = g_error_new_literal (TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED,
                                                      "the resolver found no address");

      tally_resolver_fail (self, error);
      return;
    }
  private = get_private (self);
  list = copy_addresses (addresses, n_addresses);
  pthread_mutex_lock (&private->lock);
  old = private->addresses;
  private->addresses = list;
  pthread_mutex_unlock (&private->lock);
  tell_fleets (private, NULL);
}

/**
 * tally_resolver_fail:
 * @self: a resolver
 * @error: why nothing was found
 *
 * Says that a lookup failed. What was published last stays in use; calls of a channel that knows no endpoint yet fail with @error
 * rather than wait. Thread-safe.
 *
 * Since: 0.2
 */
void
tally_resolver_fail (TallyResolver *self, const GError *error)
{
  TallyResolverPrivate *private;
  g_autoptr (GPtrArray) fleets = NULL;

  g_return_if_fail (TALLY_IS_RESOLVER (self) && error != NULL);
  private = get_private (self);
  pthread_mutex_lock (&private->lock);
  fleets = dup_fleets_locked (private, NULL);
  pthread_mutex_unlock (&private->lock);
  for (guint i = 0; i < fleets->len; i++)
    tally_fleet_fail (g_ptr_array_index (fleets, i), error);
}
