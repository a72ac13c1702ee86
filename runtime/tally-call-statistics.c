/* Owns what an interceptor counts of calls, for each method. How many methods it knows is bounded: at a server their names
 * are the clients' words. */
#include "tally-call-statistics.h"

#include <string.h>

#include "call-info-private.h"
#include "histogram-internal.h"

/* Methods with an entry of their own; all others share one. */
#define MAX_METHODS 1000
#define OTHERS "(others)"
/* Kinds of error of a method with an entry of their own: codes may be the peers' words. */
#define MAX_ERRORS 32

G_STATIC_ASSERT (G_N_ELEMENTS (((TallyMethodStatistics *) NULL)->outcomes)
                 >= TALLY_N_CALL_OUTCOMES);

/* ---- of one kind of error ---- */

static TallyErrorCount *
error_count_copy (TallyErrorCount *self)
{
  return g_memdup2 (self, sizeof *self);
}

G_DEFINE_BOXED_TYPE (TallyErrorCount, tally_error_count, error_count_copy, g_free)

static void
count_error (TallyMethodStatistics *method, const GError *error)
{
  TallyErrorCount wanted = { error->domain, error->code, 1 };

  for (guint i = 0; i < method->n_errors; i++)
    {
      TallyErrorCount *each = &method->errors[i];

      if (each->domain == wanted.domain && each->code == wanted.code)
        {
          each->count++;
          return;
        }
      if (i + 1 == MAX_ERRORS) /* the next one is for all others */
        wanted.domain = wanted.code = 0;
    }
  method->errors = g_renew (TallyErrorCount, method->errors, method->n_errors + 1);
  method->errors[method->n_errors++] = wanted;
}

/* ---- of one method ---- */

/**
 * tally_method_statistics_copy:
 * @statistics: what was counted
 *
 * Returns: (transfer full): a copy
 *
 * Since: 0.2
 */
TallyMethodStatistics *
tally_method_statistics_copy (const TallyMethodStatistics *statistics)
{
  TallyMethodStatistics *copy = g_memdup2 (statistics, sizeof *statistics);

  copy->service = g_strdup (statistics->service);
  copy->method = g_strdup (statistics->method);
  copy->errors = g_memdup2 (statistics->errors, statistics->n_errors * sizeof *statistics->errors);
  return copy;
}

/**
 * tally_method_statistics_free:
 * @statistics: (transfer full): what was counted
 *
 * Since: 0.2
 */
void
tally_method_statistics_free (TallyMethodStatistics *statistics)
{
  g_free (statistics->service);
  g_free (statistics->method);
  g_free (statistics->errors);
  g_free (statistics);
}

G_DEFINE_BOXED_TYPE (TallyMethodStatistics,
                     tally_method_statistics,
                     tally_method_statistics_copy,
                     tally_method_statistics_free)

static guint
hash_names (gconstpointer key)
{
  const TallyMethodStatistics *self = key;

  return g_str_hash (self->method) + (self->service != NULL ? 31 * g_str_hash (self->service) : 0)
         + self->is_server;
}

static gboolean
equal_names (gconstpointer a, gconstpointer b)
{
  const TallyMethodStatistics *first = a;
  const TallyMethodStatistics *second = b;

  return first->is_server == second->is_server && strcmp (first->method, second->method) == 0
         && g_strcmp0 (first->service, second->service) == 0;
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  const TallyMethodStatistics *first = *(TallyMethodStatistics *const *) a;
  const TallyMethodStatistics *second = *(TallyMethodStatistics *const *) b;
  gint order = first->is_server - second->is_server;

  if (order == 0)
    order = g_strcmp0 (first->service, second->service);
  return order != 0 ? order : strcmp (first->method, second->method);
}

/* ---- the interceptor ---- */

/**
 * TallyCallStatistics:
 *
 * An interceptor that counts, for each method: calls, what they came to, their errors by kind, their bytes, and how long they took. It can be added
 * to any number of channels and servers, and counts all of them together; methods of channels and of servers
 * have entries of their own. A method that a server does not have, and every method past the first thousand, has none:
 * these are counted together. Of a processor that is no #TallyProcessor, and does not tell what it has, a method gets its entry
 * by the first call that has a result or one of its exceptions.
 *
 * Since: 0.2
 */
struct _TallyCallStatistics
{
  GObject parent_instance;

  GMutex lock;
  GHashTable *methods; /* lock: of TallyMethodStatistics, each its own key */
};

/* Whether a method gets an entry of its own by this call. At a server its name may be whatever a peer has made up: not where the
 * processor has it, or the call was executed. */
static gboolean
is_worth_an_entry (TallyCallInfo *info)
{
  return !info->is_server || info->is_known || info->outcome == TALLY_CALL_ANSWERED
         || info->outcome == TALLY_CALL_DECLARED;
}

static TallyMethodStatistics *
find_locked (TallyCallStatistics *self, const TallyMethodStatistics *names, gboolean may_add)
{
  static const TallyMethodStatistics others[] = {
    { .method = (gchar *) OTHERS }, { .method = (gchar *) OTHERS, .is_server = TRUE }
  };
  TallyMethodStatistics *found = g_hash_table_lookup (self->methods, names);

  if (found == NULL && (!may_add || g_hash_table_size (self->methods) >= MAX_METHODS))
    {
      names = &others[names->is_server];
      found = g_hash_table_lookup (self->methods, names);
    }
  if (found != NULL)
    return found;
  found = tally_method_statistics_copy (names);
  g_hash_table_add (self->methods, found);
  return found;
}

static void
call_statistics_after (TallyInterceptor *interceptor, TallyCallInfo *info)
{
  TallyCallStatistics *self = TALLY_CALL_STATISTICS (interceptor);
  TallyMethodStatistics names = { .is_server = tally_call_info_is_server (info),
                                  .service = (gchar *) tally_call_info_get_service (info),
                                  .method = (gchar *) tally_call_info_get_method (info) };
  const GError *error = tally_call_info_get_error (info);
  TallyMethodStatistics *method;

  g_mutex_lock (&self->lock);
  method = find_locked (self, &names, is_worth_an_entry (info));
  method->calls++;
  method->outcomes[tally_call_info_get_outcome (info)]++;
  method->attempts += tally_call_info_get_attempts (info);
  method->request_bytes += tally_call_info_get_request_bytes (info);
  method->reply_bytes += tally_call_info_get_reply_bytes (info);
  if (error != NULL)
    count_error (method, error);
  tally_histogram_add (&method->time,
                       tally_call_info_get_end_time (info) - tally_call_info_get_start_time (info));
  g_mutex_unlock (&self->lock);
}

static void
call_statistics_interceptor_init (TallyInterceptorInterface *interface)
{
  interface->after = call_statistics_after;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TallyCallStatistics,
                               tally_call_statistics,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (TALLY_TYPE_INTERCEPTOR,
                                                      call_statistics_interceptor_init))

static void
tally_call_statistics_finalize (GObject *object)
{
  TallyCallStatistics *self = TALLY_CALL_STATISTICS (object);

  g_hash_table_unref (self->methods);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (tally_call_statistics_parent_class)->finalize (object);
}

static void
tally_call_statistics_class_init (TallyCallStatisticsClass *class)
{
  G_OBJECT_CLASS (class)->finalize = tally_call_statistics_finalize;
}

static void
tally_call_statistics_init (TallyCallStatistics *self)
{
  g_mutex_init (&self->lock);
  self->methods = g_hash_table_new_full (hash_names, equal_names,
                                         (GDestroyNotify) tally_method_statistics_free, NULL);
}

/**
 * tally_call_statistics_new:
 *
 * Returns: (transfer full): an interceptor that has counted nothing
 *
 * Since: 0.2
 */
TallyCallStatistics *
tally_call_statistics_new (void)
{
  return g_object_new (TALLY_TYPE_CALL_STATISTICS, NULL);
}

/**
 * tally_call_statistics_dup_snapshot:
 * @self: statistics
 *
 * Says what was counted so far, of all methods at one instant. Calls that are under way are not in it. Thread-safe.
 *
 * Returns: (transfer container) (element-type TallyMethodStatistics): one entry for each method that was called: channels'
 *   before servers', then by service and name
 *
 * Since: 0.2
 */
GPtrArray *
tally_call_statistics_dup_snapshot (TallyCallStatistics *self)
{
  GPtrArray *snapshot;
  GHashTableIter iter;
  gpointer each;

  g_return_val_if_fail (TALLY_IS_CALL_STATISTICS (self), NULL);
  snapshot = g_ptr_array_new_with_free_func ((GDestroyNotify) tally_method_statistics_free);
  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->methods);
  while (g_hash_table_iter_next (&iter, &each, NULL))
    g_ptr_array_add (snapshot, tally_method_statistics_copy (each));
  g_mutex_unlock (&self->lock);
  g_ptr_array_sort (snapshot, compare_names);
  return snapshot;
}
