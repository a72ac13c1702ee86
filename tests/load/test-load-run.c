/* Rounds of calls that no server sees: which calls are made, by which callers, and what is noted of them. */
#include "load.h"

#include <string.h>

#include "harness.h"

#define MOST 1000

/* What the calls of a test are told; all callers' threads add to it. */
typedef struct
{
  gint times[MOST]; /* atomic: how often the call of that number was made */
  gint callers;     /* atomic: how many there were */
  gint interrupts_at;
  gint64 first_time, last_time; /* of a call, in microseconds, where there is one caller */
  LoadOptions *options;
} Book;

typedef struct
{
  Book *book;
  guint64 number;
} Caller;

static gpointer
caller_new (gpointer data, TallyChannel *channel, guint index)
{
  Caller *self = g_new0 (Caller, 1);

  self->book = data;
  g_atomic_int_inc (&self->book->callers);
  return self;
}

static void
prepare (gpointer caller, guint64 number)
{
  ((Caller *) caller)->number = number;
}

static void
note_time (Book *book)
{
  book->last_time = g_get_monotonic_time ();
  if (book->first_time == 0)
    book->first_time = book->last_time;
}

/* Each tenth call fails; one may interrupt. */
static gboolean
call (gpointer caller, GError **error)
{
  const Caller *self = caller;

  if (self->number < MOST)
    g_atomic_int_inc (&self->book->times[self->number]);
  if (self->book->options->callers == 1)
    note_time (self->book);
  if (self->book->interrupts_at > 0 && (gint) self->number >= self->book->interrupts_at)
    g_atomic_int_set (&self->book->options->interrupted, 1);
  if (self->number % 10 != 9)
    return TRUE;
  g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_FAILED, "the tenth");
  return FALSE;
}

/* So is the answer to each tenth call but two wrong. */
static gboolean
check (gpointer caller, guint64 number, GError **error)
{
  if (number % 10 != 7)
    return TRUE;
  if (error != NULL)
    g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_FAILED, "wrong");
  return FALSE;
}

static void
begin (gpointer caller, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  GError *error = NULL;

  if (call (caller, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static gboolean
finish (gpointer caller, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static LoadWork
get_work (Book *book)
{
  return (LoadWork){ caller_new, g_free, prepare, call, check, begin, finish, book };
}

static LoadMode *
run_mode (LoadOptions *options, const gchar *name, Book *book)
{
  g_autoptr (GPtrArray) modes = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  const LoadWork work = get_work (book);
  LoadMode *mode;

  options->uri = (gchar *) "unix:@nobody-is-here";
  options->connections = 1;
  book->options = options;
  mode = load_mode_new (options, name, &error);
  if (mode == NULL)
    g_error ("%s", error->message);
  g_ptr_array_add (modes, mode);
  load_run (options, &work, modes, NULL, NULL);
  return mode;
}

static void
check_numbers (const Book *book, guint count)
{
  guint wrong = 0;

  for (guint i = 0; i < MOST; i++)
    wrong += book->times[i] != (i < count ? 1 : 0);
  CU_ASSERT_EQUAL (wrong, 0);
}

static void
each_number_is_called_once (void)
{
  static const gchar *const names[] = { "pooled", "async-pooled" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree Book *book = g_new0 (Book, 1);
      LoadOptions options = { .callers = 4, .calls = 200, .rounds = 3, .in_flight = 8 };
      g_autoptr (LoadMode) mode = run_mode (&options, names[i], book);
      const LoadSummary summary = load_mode_summarise (mode);
      const LoadFailure *failure;
      guint64 of_samples = 0;

      check_numbers (book, 600);
      CU_ASSERT_EQUAL (book->callers, i == 0 ? 12 : 3);
      CU_ASSERT_EQUAL (summary.calls, 480);
      CU_ASSERT_EQUAL (mode->failures, 120);
      CU_ASSERT_EQUAL (mode->rates->len, 3);
      CU_ASSERT_EQUAL_FATAL (mode->failed->len, 2);
      failure = g_ptr_array_index (mode->failed, 0);
      CU_ASSERT_EQUAL (failure->count, 60);
      for (guint k = 0; k < mode->samples->len; k++)
        of_samples += g_array_index (mode->samples, LoadSample, k).calls
                      + g_array_index (mode->samples, LoadSample, k).failures;
      CU_ASSERT_EQUAL (of_samples, 600);
      CU_ASSERT_TRUE (summary.p50 <= summary.p90 && summary.p90 <= summary.p99
                      && summary.p99 <= summary.max);
    }
}

static void
what_does_not_divide_is_made_all_the_same (void)
{
  g_autofree Book *book = g_new0 (Book, 1);
  LoadOptions options = { .callers = 7, .calls = 10, .rounds = 1 };
  g_autoptr (LoadMode) mode = run_mode (&options, "pooled", book);

  check_numbers (book, 10);
  CU_ASSERT_EQUAL (mode->latency->count + mode->failures, 10);
}

static void
warming_up_does_not_count (void)
{
  g_autofree Book *book = g_new0 (Book, 1);
  LoadOptions options = { .callers = 2, .calls = 100, .rounds = 1, .warm_up = 50 };
  g_autoptr (LoadMode) mode = run_mode (&options, "pooled", book);

  check_numbers (book, 150);
  CU_ASSERT_EQUAL (mode->latency->count + mode->failures, 100);
}

/* At a rate that cannot be held the last call has waited since before the first one was made. */
static void
times_count_from_the_intended_start (void)
{
  static const gchar *const names[] = { "pooled", "async-pooled" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree Book *book = g_new0 (Book, 1);
      LoadOptions options = {
        .callers = 1, .calls = 499, .rounds = 1, .rate = 1e12, .in_flight = 4
      };
      g_autoptr (LoadMode) mode = run_mode (&options, names[i], book);

      CU_ASSERT_EQUAL (mode->latency->count + mode->failures, 499);
      CU_ASSERT_TRUE ((gint64) mode->latency->max / 1000 + 2 >= book->last_time - book->first_time);
    }
}

/* Both ends of the time that a round has: it is over, and calls were made until then. */
static void
a_round_ends_in_time (void)
{
  static const gchar *const names[] = { "pooled", "async-pooled", "pooled" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree Book *book = g_new0 (Book, 1);
      LoadOptions options = { .callers = 2,
                              .duration_ns = 20000000,
                              .rounds = 2,
                              .in_flight = 4,
                              .rate = i == 2 ? 1000 : 0 };
      g_autoptr (LoadMode) mode = run_mode (&options, names[i], book);

      CU_ASSERT_TRUE (mode->latency->count > 0);
      CU_ASSERT_TRUE (mode->elapsed_s >= (i == 2 ? 0.03 : 0.04));
      if (i == 2) /* 20 calls begin within a round, however slow the machine */
        CU_ASSERT_EQUAL (mode->latency->count + mode->failures, 40);
    }
}

static void
interrupted (void)
{
  g_autofree Book *book = g_new0 (Book, 1);
  LoadOptions options = { .callers = 2, .calls = 1000000000, .rounds = 5 };
  g_autoptr (LoadMode) mode = NULL;

  book->interrupts_at = 100;
  mode = run_mode (&options, "pooled", book);
  CU_ASSERT_EQUAL (mode->rates->len, 1);
  CU_ASSERT_TRUE (mode->latency->count + mode->failures > 50);
}

static void
modes_have_names (void)
{
  CU_ASSERT_TRUE (load_mode_is_known ("unpooled") && load_mode_is_known ("async-shared"));
  CU_ASSERT_TRUE (!load_mode_is_known ("async-") && !load_mode_is_known ("async-async-pooled"));
}

static void
kinds_of_failure_have_a_limit (void)
{
  LoadOptions options = { .uri = (gchar *) "unix:@nobody-is-here", .connections = 1 };
  g_autoptr (LoadMode) mode = load_mode_new (&options, "pooled", NULL);
  const LoadFailure *last;

  for (guint i = 0; i < 100; i++)
    {
      g_autofree gchar *message = g_strdup_printf ("%u", i);

      load_mode_note_failure (mode, message, 2);
    }
  CU_ASSERT_EQUAL (mode->failures, 200);
  CU_ASSERT_EQUAL_FATAL (mode->failed->len, 17);
  last = g_ptr_array_index (mode->failed, 16);
  CU_ASSERT_STRING_EQUAL (last->message, "(others)");
  CU_ASSERT_EQUAL (last->count, 168);
}

static void
run_first (void)
{
  g_autofree Book *book = g_new0 (Book, 1);
  LoadOptions options = { .callers = 1, .calls = 10, .rounds = 1, .in_flight = 1 };
  g_autoptr (LoadMode) mode = run_mode (&options, "async-pooled", book);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (each_number_is_called_once),
    TEST (what_does_not_divide_is_made_all_the_same),
    TEST (warming_up_does_not_count),
    TEST (times_count_from_the_intended_start),
    TEST (a_round_ends_in_time),
    TEST (interrupted),
    TEST (modes_have_names),
    TEST (kinds_of_failure_have_a_limit),
    { NULL, NULL },
  };

  /* What GLib and the pools open once is there before descriptors are counted. */
  run_first ();
  return test_main ("load-run", cases, argc, argv);
}
