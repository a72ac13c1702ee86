/* The ledger: numbered calls through a proxy that does wrong and to a server that is stopped and killed. Each
 * call has its own answer or an error, is executed at most once unless it may be repeated, and what its error
 * says of the server is true. Nothing of any call is left. TALLY_LEDGER_SEED, _CALLS, _FAULTY and _SECONDS
 * set what is done. */
#include "harness.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger-lane.h"
#include "ledger-proxy.h"
#include "program.h"

/* How messages go over the wire: a row each. */
static const struct
{
  const gchar *name;
  const gchar *options; /* of the URI */
  LedgerLayout layout;
} ways[] = {
  { "binary-framed", "protocol=binary&transport=framed", LEDGER_FRAMED },
  { "binary-unframed", "protocol=binary&transport=buffered", LEDGER_BINARY },
  { "compact-framed", "protocol=compact&transport=framed", LEDGER_FRAMED },
  { "compact-unframed", "protocol=compact&transport=buffered", LEDGER_COMPACT },
  { "binary-header", "protocol=binary&transport=header", LEDGER_FRAMED },
  { "compact-header", "protocol=compact&transport=header", LEDGER_FRAMED },
};

/* How calls use connections: a row each. */
static const struct
{
  const gchar *name;
  gboolean is_async;
  guint at_once;
  guint share;       /* of the calls */
  guint most_before; /* messages of a connection that its fault spares */
} modes[] = {
  { "pooled", FALSE, 4, 5, 64 }, { "unpooled", FALSE, 4, 1, 2 }, { "shared", FALSE, 8, 5, 256 },
  { "pooled", TRUE, 16, 5, 64 }, { "unpooled", TRUE, 16, 1, 2 }, { "shared", TRUE, 64, 5, 1024 },
};

/* Of so many calls under fault each outcome is some's. */
#define MANY_CALLS 20000
/* And of so many ends of a server that has the time to say so, calls are refused; on a slow machine there are fewer. */
#define MANY_ENDS 3

#define N_LANES (G_N_ELEMENTS (ways) * G_N_ELEMENTS (modes))

typedef struct
{
  LedgerCommon common;
  LedgerBook book;
  guint n_numbers;
  gchar *directory;
  gchar *book_path;
  gchar *names[N_LANES];
  LedgerLane *lanes[N_LANES];
  LedgerProxy *proxy;
  TestProgram server;
  GPtrArray *command; /* the server's */
  guint n_stops;
  guint n_restarts;
  guint n_gentle_ends; /* of these, with SIGTERM */
} Ledger;

static guint64
get_setting (const gchar *name, guint64 standard)
{
  const gchar *text = g_getenv (name);

  return text != NULL ? g_ascii_strtoull (text, NULL, 10) : standard;
}

/* ---- the server ---- */

static gchar *
dup_path (const Ledger *self, guint way)
{
  return g_build_filename (self->directory, ways[way].name, NULL);
}

static void
start_server (Ledger *self)
{
  g_autofree gchar *line = NULL;
  gboolean is_there;

  if (self->common.lateness != NULL)
    ledger_lateness_pause (self->common.lateness, TRUE);
  is_there = test_program_start (&self->server, (const gchar *const *) self->command->pdata);
  if (self->common.lateness != NULL)
    ledger_lateness_pause (self->common.lateness, FALSE);
  if (!is_there)
    g_error ("no server");
  line = test_program_read_line (&self->server);
  if (g_strcmp0 (line, "listening") != 0)
    g_error ("server: %s", line);
}

/* What the server has to say is a violation. */
static void
end_server (Ledger *self, gint signal_number)
{
  g_autofree gchar *said = NULL;
  gint status;

  kill (self->server.pid, signal_number);
  said = test_program_read_all (&self->server);
  status = test_program_wait (&self->server);
  assert_int (status, signal_number == SIGKILL ? 128 + SIGKILL : 0);
  assert_string (said, "");
}

static void
prepare_server (Ledger *self)
{
  guint i;

  self->command = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (self->command, g_strdup (LEDGER_SERVER));
  g_ptr_array_add (self->command, g_strdup (self->book_path));
  g_ptr_array_add (self->command, g_strdup (self->common.under_fault ? "2" : "0"));
  for (i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autofree gchar *path = dup_path (self, i);

      g_ptr_array_add (self->command, g_strdup_printf ("unix://%s?%s", path, ways[i].options));
    }
  g_ptr_array_add (self->command, NULL);
}

/* ---- its life while calls are made ---- */

/* FALSE when all lanes are done before @time. */
static gboolean
lanes_run_until (Ledger *self, gint64 time)
{
  LedgerCommon *common = &self->common;
  gboolean are_running;

  g_mutex_lock (&common->lock);
  while (common->n_running > 0)
    if (!g_cond_wait_until (&common->changed, &common->lock, time))
      break;
  are_running = common->n_running > 0;
  g_mutex_unlock (&common->lock);
  return are_running;
}

static gint64
in_ms (guint64 random, guint least, guint most)
{
  return g_get_monotonic_time () + (least + random % (most - least)) * G_TIME_SPAN_MILLISECOND;
}

/* Stops it and lets it go on, or ends it in either way and starts it again. */
static void
disturb_server (Ledger *self, guint64 random)
{
  gint signal_number = random % 4 == 2 ? SIGKILL : SIGTERM;

  if (random % 4 < 2)
    {
      self->n_stops++;
      kill (self->server.pid, SIGSTOP);
      lanes_run_until (self, in_ms (random >> 8, 1, 200));
      kill (self->server.pid, SIGCONT);
      return;
    }
  self->n_restarts++;
  self->n_gentle_ends += signal_number == SIGTERM;
  end_server (self, signal_number);
  start_server (self);
}

static void
await_lanes (Ledger *self)
{
  guint turn = 0;

  if (!self->common.under_fault)
    {
      while (lanes_run_until (self, G_MAXINT64))
        continue;
      return;
    }
  while (lanes_run_until (self, in_ms (ledger_random (self->common.seed, turn, 5), 50, 500)))
    disturb_server (self, ledger_random (self->common.seed, turn++, 6));
}

/* ---- the lanes ---- */

static guint
count_shares (void)
{
  guint shares = 0;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (modes); i++)
    shares += modes[i].share;
  return shares * G_N_ELEMENTS (ways);
}

/* The ports are there before the proxy starts, and the proxy before the first call. */
static void
start_lanes (Ledger *self)
{
  LedgerLaneOptions options[N_LANES];
  guint first = 0;
  guint i;

  for (i = 0; i < N_LANES; i++)
    {
      guint way = i % G_N_ELEMENTS (ways);
      guint mode = i / G_N_ELEMENTS (ways);
      g_autofree gchar *path = dup_path (self, way);
      guint16 port =
          ledger_proxy_add_port (self->proxy, path, ways[way].layout, modes[mode].most_before);

      self->names[i] = g_strdup_printf ("%s %s %s", ways[way].name, modes[mode].name,
                                        modes[mode].is_async ? "async" : "sync");
      options[i] = (LedgerLaneOptions){
        .name = self->names[i],
        .waits = strchr (self->names[i], ' ') + 1, /* behind what it speaks */
        .uri = g_strdup_printf ("tcp://127.0.0.1:%u?mode=%s&%s", port, modes[mode].name,
                                ways[way].options),
        .is_async = modes[mode].is_async,
        .at_once = modes[mode].at_once * (self->common.under_fault ? 2 : 1),
        .first = first,
        .n_calls = (guint64) self->n_numbers * modes[mode].share / count_shares (),
      };
      first += options[i].n_calls;
    }
  ledger_proxy_start (self->proxy);
  for (i = 0; i < N_LANES; i++)
    self->lanes[i] = ledger_lane_start (&self->common, &options[i]);
}

/* ---- what the book says ---- */

static void
check_entry (Ledger *self, guint number)
{
  LedgerOutcome outcome = self->common.outcomes[number];
  LedgerKind kind = ledger_plan (self->common.seed, number, self->common.under_fault).kind;
  guint executed = ledger_book_get_executed (&self->book, number);
  guint most = outcome == LEDGER_NOT_MADE ? 0
               : outcome == LEDGER_NOTHING_SENT || outcome == LEDGER_NOT_EXECUTED
                       || outcome == LEDGER_PARTLY_SENT
                   ? 0
               : kind == LEDGER_REPEAT && self->common.under_fault ? 2
                                                                   : 1;
  guint least = outcome == LEDGER_RETURNED && (kind != LEDGER_NOTE || !self->common.under_fault);

  if (executed < least || executed > most)
    ledger_report_violation (&self->common, number,
                             "executed %u times, not %u to %u (kind %d, outcome %d: %s)", executed,
                             least, most, kind, outcome,
                             self->common.claims[number] != NULL ? self->common.claims[number]
                                                                 : "");
}

static void
print_latest (const LedgerCommon *common)
{
  if (common->longest_over_lane != NULL)
    printf ("# the latest call was over %.1f ms after its deadline: %s\n",
            common->longest_over_us / 1e3, common->longest_over_lane);
}

static void
check_book (Ledger *self)
{
  guint n[LEDGER_N_OUTCOMES] = { 0 };
  guint i;

  for (i = 0; i < self->n_numbers; i++)
    {
      n[self->common.outcomes[i]]++;
      check_entry (self, i);
    }
  printf (
      "# %u calls: %u returned; errors: %u nothing sent, %u not executed, %u partly sent, %u maybe "
      "executed, %u answers\n",
      self->n_numbers - n[LEDGER_NOT_MADE], n[LEDGER_RETURNED], n[LEDGER_NOTHING_SENT],
      n[LEDGER_NOT_EXECUTED], n[LEDGER_PARTLY_SENT], n[LEDGER_MAYBE_EXECUTED], n[LEDGER_ANSWERED]);
  printf ("# the server was stopped %u times and restarted %u times\n", self->n_stops,
          self->n_restarts);
  print_latest (&self->common);
  fflush (stdout);
  CU_ASSERT_TRUE (n[LEDGER_RETURNED] > 0);
  if (!self->common.under_fault || self->n_numbers - n[LEDGER_NOT_MADE] < MANY_CALLS)
    return;
  CU_ASSERT_TRUE (n[LEDGER_NOTHING_SENT] > 0);
  if (self->n_gentle_ends >= MANY_ENDS) /* a server that is killed tells nobody */
    CU_ASSERT_TRUE (n[LEDGER_NOT_EXECUTED] > 0);
  CU_ASSERT_TRUE (n[LEDGER_PARTLY_SENT] > 0);
  CU_ASSERT_TRUE (n[LEDGER_MAYBE_EXECUTED] > 0);
}

/* ---- the test ---- */

static void
open_ledger (Ledger *self, gboolean under_fault, guint n_numbers, guint seconds)
{
  guint64 seed = get_setting ("TALLY_LEDGER_SEED", g_random_int ());

  *self = (Ledger){ .n_numbers = n_numbers };
  printf ("# seed %" G_GUINT64_FORMAT "\n", seed);
  fflush (stdout);
  ledger_common_init (&self->common, seed, under_fault, n_numbers);
  self->common.until = g_get_monotonic_time () + seconds * G_TIME_SPAN_SECOND;
  self->directory = g_dir_make_tmp ("tally-XXXXXX", NULL);
  self->book_path = g_build_filename (self->directory, "book", NULL);
  if (!ledger_book_open (&self->book, self->book_path, n_numbers))
    g_error ("no book");
  prepare_server (self);
  start_server (self);
  self->proxy = ledger_proxy_new (seed, under_fault, self->common.trail);
}

static void
close_ledger (Ledger *self)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autofree gchar *path = dup_path (self, i);

      g_unlink (path);
    }
  g_unlink (self->book_path);
  assert_int (g_rmdir (self->directory), 0);
  for (i = 0; i < N_LANES; i++)
    g_free (self->names[i]);
  ledger_book_close (&self->book);
  ledger_common_clear (&self->common);
  g_ptr_array_unref (self->command);
  g_free (self->book_path);
  g_free (self->directory);
}

/* What the server has got is executed before its process has ended, and so before the book is read. */
static void
run_ledger (gboolean under_fault, guint n_numbers, guint seconds)
{
  Ledger self;
  guint i;

  open_ledger (&self, under_fault, n_numbers, seconds);
  start_lanes (&self);
  await_lanes (&self);
  for (i = 0; i < N_LANES; i++)
    ledger_lane_finish (self.lanes[i]);
  if (self.common.lateness != NULL)
    assert_int (ledger_lateness_finish (self.common.lateness), 0);
  ledger_proxy_stop (self.proxy);
  end_server (&self, SIGTERM);
  check_book (&self);
  assert_int (self.common.n_violations, 0);
  close_ledger (&self);
}

static void
every_call_is_executed_once_and_has_its_own_answer (void)
{
  guint64 n = get_setting ("TALLY_LEDGER_CALLS", 900000);

  run_ledger (FALSE, n, get_setting ("TALLY_LEDGER_SECONDS", 160) * 3 / 5);
}

static void
every_error_under_fault_is_true (void)
{
  guint64 n = get_setting ("TALLY_LEDGER_FAULTY", 100000);

  run_ledger (TRUE, n, get_setting ("TALLY_LEDGER_SECONDS", 160) * 2 / 5);
}

/* Whichever way calls go, each looks at its deadline in time. */
static void
calls_that_are_late_are_found (void)
{
  g_autoptr (GArray) samples = g_array_new (FALSE, FALSE, sizeof (gint64));

  for (gint64 i = 1; i <= 100; i++)
    {
      gint64 late = i * G_TIME_SPAN_MILLISECOND;

      g_array_prepend_val (samples, late);
    }
  assert_int (ledger_lateness_find_quantile (samples, 0.5), 50 * G_TIME_SPAN_MILLISECOND);
  CU_ASSERT_TRUE (ledger_lateness_is_too_late (samples, 29 * G_TIME_SPAN_MILLISECOND));
  CU_ASSERT_FALSE (ledger_lateness_is_too_late (samples, 31 * G_TIME_SPAN_MILLISECOND));
  g_array_set_size (samples, 3);
  CU_ASSERT_FALSE (ledger_lateness_is_too_late (samples, 0));
}

static guint
judge_late_calls (gboolean is_paused)
{
  LedgerLateness *lateness = ledger_lateness_new ();

  if (is_paused)
    ledger_lateness_pause (lateness, TRUE);
  for (guint i = 0; i < 200; i++)
    {
      if (i == 100 && is_paused)
        ledger_lateness_pause (lateness, FALSE); /* the others' deadlines were before */
      ledger_lateness_note (lateness, "way", "end", G_TIME_SPAN_SECOND);
    }
  ledger_lateness_note_wake (lateness, "way", 0);
  return ledger_lateness_finish (lateness);
}

static void
calls_are_not_judged_by_a_pause (void)
{
  assert_int (judge_late_calls (FALSE), 1);
  assert_int (judge_late_calls (TRUE), 0);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (every_call_is_executed_once_and_has_its_own_answer),
    TEST (every_error_under_fault_is_true),
    TEST (calls_that_are_late_are_found),
    TEST (calls_are_not_judged_by_a_pause),
    { NULL },
  };

  /* GLib's own descriptors, which stay */
  g_main_context_default ();
  g_type_ensure (G_TYPE_TASK);
  return test_main ("ledger", cases, argc, argv);
}
