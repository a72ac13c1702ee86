/* The pool alone: borrow and release without I/O, 8 connections, by 1, 2, 8 and 64 threads that
 * hold a connection not at all, while yielding, or for a millisecond; beside it the limit, a mutex
 * and a stack of the same 8. Both in turn, several rounds; medians. `bench-pool --json` prints one
 * JSON object instead. */
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tally-pool.h"

#define CONNECTIONS 8
#define ROUNDS 5

typedef enum
{
  HOLD_NONE,
  HOLD_YIELD,
  HOLD_MILLISECOND
} Hold;

static const gchar *const hold_names[] = { "none", "yield", "1 ms" };

typedef struct
{
  gdouble ns_per_pair; /* wall time × threads that run at once would be CPU; this is wall time */
  gdouble p50;         /* microseconds from asking to having */
  gdouble p99;
  gdouble max;
  gdouble least; /* pairs of the thread that got fewest, as a share of the mean */
} Result;

/* ---- the limit: a mutex and a stack; a thread that finds it empty waits for a condition, in no
 * order ---- */

static pthread_mutex_t stack_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t stack_changed = PTHREAD_COND_INITIALIZER;
static gpointer stack[CONNECTIONS];
static guint stack_size;
static guint stack_waiting;

static gpointer
limit_borrow (void)
{
  gpointer connection;

  pthread_mutex_lock (&stack_lock);
  while (stack_size == 0)
    {
      stack_waiting++;
      pthread_cond_wait (&stack_changed, &stack_lock);
      stack_waiting--;
    }
  connection = stack[--stack_size];
  pthread_mutex_unlock (&stack_lock);
  return connection;
}

static void
limit_release (gpointer connection)
{
  pthread_mutex_lock (&stack_lock);
  stack[stack_size++] = connection;
  if (stack_waiting > 0)
    pthread_cond_signal (&stack_changed);
  pthread_mutex_unlock (&stack_lock);
}

/* ---- a connection that does nothing ---- */

typedef ThriftTransport Nothing;
typedef ThriftTransportClass NothingClass;
static GType nothing_get_type (void);
G_DEFINE_TYPE (Nothing, nothing, THRIFT_TYPE_TRANSPORT)

static gboolean
nothing_is_open (ThriftTransport *transport)
{
  return TRUE;
}

static gboolean
nothing_close (ThriftTransport *transport, GError **error)
{
  return TRUE;
}

static void
nothing_class_init (NothingClass *class)
{
  class->is_open = nothing_is_open;
  class->close = nothing_close;
}

static void
nothing_init (Nothing *self)
{
}

static ThriftTransport *
dial_nothing (TallyEndpoint *endpoint,
              gint64 deadline,
              GCancellable *cancellable,
              gpointer user_data,
              GError **error)
{
  return g_object_new (nothing_get_type (), NULL);
}

/* ---- a run ---- */

typedef struct
{
  gboolean is_pool;
  TallyBucket *bucket;
  Hold hold;
  guint pairs; /* this thread's, or 0: until stopped */
  gint *stop;
  guint done;
  GArray *waits; /* gint64 nanoseconds, a sample */
  pthread_barrier_t *start;
} Worker;

static gint64
get_nanoseconds (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return time.tv_sec * G_GINT64_CONSTANT (1000000000) + time.tv_nsec;
}

static inline void
hold_it (Hold hold)
{
  static const struct timespec millisecond = { 0, 1000000 };

  if (hold == HOLD_YIELD)
    sched_yield ();
  else if (hold == HOLD_MILLISECOND)
    clock_nanosleep (CLOCK_MONOTONIC, 0, &millisecond, NULL);
}

static inline void
one_pair (Worker *self)
{
  if (self->is_pool)
    {
      TallyLease lease;

      if (!tally_bucket_borrow (self->bucket, "bench", -1, NULL, &lease, NULL))
        abort ();
      hold_it (self->hold);
      tally_bucket_release (self->bucket, &lease, TALLY_OUTCOME_CLEAN);
    }
  else
    {
      gpointer connection = limit_borrow ();

      hold_it (self->hold);
      limit_release (connection);
    }
}

static void
timed_pair (Worker *self)
{
  gint64 start = get_nanoseconds (), waited;
  TallyLease lease;
  gpointer connection = NULL;

  if (!self->is_pool)
    connection = limit_borrow ();
  else if (!tally_bucket_borrow (self->bucket, "bench", -1, NULL, &lease, NULL))
    abort ();
  waited = get_nanoseconds () - start;
  hold_it (self->hold);
  if (self->is_pool)
    tally_bucket_release (self->bucket, &lease, TALLY_OUTCOME_CLEAN);
  else
    limit_release (connection);
  g_array_append_val (self->waits, waited);
}

/* Without a hold every 64th pair is timed, so that the clock is not what is measured. */
static gpointer
work (gpointer data)
{
  Worker *self = data;

  pthread_barrier_wait (self->start);
  while (!__atomic_load_n (self->stop, __ATOMIC_RELAXED))
    {
      if (self->hold == HOLD_MILLISECOND || self->done % 64 == 0)
        timed_pair (self);
      else
        one_pair (self);
      if (++self->done == self->pairs)
        break;
    }
  return NULL;
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return (x > y) - (x < y);
}

static gdouble
quantile (GArray *sorted, gdouble share)
{
  guint index = (guint) (share * (gdouble) (sorted->len - 1));

  return (gdouble) g_array_index (sorted, gint64, index) / 1000;
}

static Result
summarise (Worker *workers, guint threads, gint64 elapsed)
{
  g_autoptr (GArray) waits = g_array_new (FALSE, FALSE, sizeof (gint64));
  guint64 total = 0;
  guint least = G_MAXUINT;
  Result result;

  for (guint i = 0; i < threads; i++)
    {
      total += workers[i].done;
      least = MIN (least, workers[i].done);
      g_array_append_vals (waits, workers[i].waits->data, workers[i].waits->len);
      g_array_unref (workers[i].waits);
    }
  g_array_sort (waits, compare);
  result.ns_per_pair = (gdouble) elapsed / (gdouble) total;
  result.p50 = quantile (waits, 0.5);
  result.p99 = quantile (waits, 0.99);
  result.max = quantile (waits, 1);
  result.least = (gdouble) least * threads / (gdouble) total;
  return result;
}

static Result
run (gboolean is_pool, TallyBucket *bucket, guint threads, Hold hold)
{
  g_autofree Worker *workers = g_new0 (Worker, threads);
  g_autofree pthread_t *ids = g_new (pthread_t, threads);
  struct timespec time = { hold == HOLD_MILLISECOND ? 1 : 0,
                           hold == HOLD_MILLISECOND ? 0 : 200000000 };
  pthread_barrier_t start;
  gint stop = 0;
  gint64 begin;

  pthread_barrier_init (&start, NULL, threads + 1);
  for (guint i = 0; i < threads; i++)
    {
      workers[i] =
          (Worker){ is_pool, bucket, hold, 0, &stop, 0, g_array_new (FALSE, FALSE, sizeof (gint64)),
                    &start };
      pthread_create (&ids[i], NULL, work, &workers[i]);
    }
  pthread_barrier_wait (&start);
  begin = get_nanoseconds ();
  clock_nanosleep (CLOCK_MONOTONIC, 0, &time, NULL);
  __atomic_store_n (&stop, 1, __ATOMIC_RELAXED);
  for (guint i = 0; i < threads; i++)
    pthread_join (ids[i], NULL);
  pthread_barrier_destroy (&start);
  return summarise (workers, threads, get_nanoseconds () - begin);
}

static gint
compare_doubles (gconstpointer a, gconstpointer b)
{
  gdouble x = *(const gdouble *) a, y = *(const gdouble *) b;

  return (x > y) - (x < y);
}

static gdouble
median (const Result *results, gsize offset)
{
  gdouble values[ROUNDS];

  for (guint i = 0; i < ROUNDS; i++)
    values[i] = G_STRUCT_MEMBER (gdouble, &results[i], offset);
  qsort (values, ROUNDS, sizeof *values, compare_doubles);
  return values[ROUNDS / 2];
}

#define MEDIAN(results, field) median (results, G_STRUCT_OFFSET (Result, field))

static void
report (const gchar *who, const gchar *hold, guint threads, const Result *results, gboolean json)
{
  const gchar *format =
      json ? "{\"who\": \"%s\", \"hold\": \"%s\", \"threads\": %u, \"ns_per_pair\": %.1f, "
             "\"per_second\": %.0f, "
             "\"p50_us\": %.2f, \"p99_us\": %.2f, \"max_us\": %.2f, \"least_share\": %.2f}"
           : "%-6s %-6s %8u %12.1f %12.0f %10.2f %10.2f %10.2f %8.2f\n";
  gdouble ns = MEDIAN (results, ns_per_pair);

  printf (format, who, hold, threads, ns, 1e9 / ns, MEDIAN (results, p50), MEDIAN (results, p99),
          MEDIAN (results, max), MEDIAN (results, least));
}

static void
compare_at (TallyBucket *bucket, guint threads, Hold hold, gboolean json, gboolean first)
{
  Result limit[ROUNDS], pool[ROUNDS];

  for (guint i = 0; i < ROUNDS; i++)
    {
      limit[i] = run (FALSE, NULL, threads, hold);
      pool[i] = run (TRUE, bucket, threads, hold);
    }
  if (json && !first)
    printf (",\n");
  report ("limit", hold_names[hold], threads, limit, json);
  if (json)
    printf (",\n");
  report ("tally", hold_names[hold], threads, pool, json);
  fflush (stdout);
}

int
main (int argc, char **argv)
{
  static const guint threads[] = { 1, 2, 8, 64 };
  gboolean json = argc > 1 && strcmp (argv[1], "--json") == 0;
  g_autoptr (TallyPool) pool = g_object_new (TALLY_TYPE_POOL, "max-open", CONNECTIONS, "check",
                                             TALLY_POOL_CHECK_NEVER, "wait-timeout", 600000, NULL);
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new ("unix:///bench", NULL);
  g_autoptr (TallyBucket) bucket = tally_pool_dup_bucket (pool, endpoint);
  gboolean first = TRUE;

  for (stack_size = 0; stack_size < CONNECTIONS; stack_size++)
    stack[stack_size] = &stack[stack_size];
  tally_pool_set_dial_hook (pool, dial_nothing, NULL, NULL);
  if (json)
    printf ("{\"connections\": %d, \"rounds\": %d, \"runs\": [\n", CONNECTIONS, ROUNDS);
  else
    printf ("%-6s %-6s %8s %12s %12s %10s %10s %10s %8s\n", "", "hold", "threads", "ns/pair",
            "pairs/s", "p50 µs", "p99 µs", "max µs", "least");
  for (Hold hold = HOLD_NONE; hold <= HOLD_MILLISECOND; hold++)
    for (guint i = 0; i < G_N_ELEMENTS (threads); i++, first = FALSE)
      compare_at (bucket, threads[i], hold, json, first);
  if (json)
    printf ("\n]}\n");
  tally_pool_close (pool);
  return 0;
}
