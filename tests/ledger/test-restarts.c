/* Three servers, processes of their own, that are restarted in turn under load: no call fails, none is lost, none is executed
 * twice; and one that is killed: only calls fail that were in flight. No call may be repeated. TALLY_RESTARTS sets how many there
 * are. */
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tally.h>

#include "counted_calls.h"
#include "harness.h"
#include "ledger-book.h"
#include "peer.h"
#include "program.h"

#define N_SERVERS 3
#define N_NUMBERS (64 * 1024 * 1024)
#define N_BLOCKING 2 /* threads of a lane whose calls block */
#define N_ASYNC 8    /* calls of one whose calls do not */
#define TIMEOUT (4 * 60 * 1000)
/* Calls that each lane makes between two restarts, at least. */
#define BETWEEN 20
#define MOST_SHOWN 10

typedef struct _Restarts Restarts;

/* Calls of one way to speak and to wait. */
typedef struct
{
  Restarts *all;
  gchar *name;
  TallyPool *pool;
  CountedCallsClient *client;
  GThread *threads[N_BLOCKING];
  guint n_threads;
  gint n_returned; /* atomic */
  gint n_awaited;  /* atomic: of these, when the test is to be told */
  guint under_way; /* of an asynchronous lane: its thread's */
  guint n_callers; /* that have a call under way at any time */
  guint n_failed;  /* of their calls since a server was killed; the lock */
} Lane;

struct _Restarts
{
  gchar *directory;
  gchar *path;
  LedgerBook book;
  gint
      placeholders[N_SERVERS]; /* bound, so that nobody else gets the port while a server is down */
  gchar *uris[N_SERVERS];
  gchar *list;
  TestProgram servers[N_SERVERS];
  GPtrArray *lanes;
  gint next;    /* atomic: a call's number */
  gint is_over; /* atomic */

  GMutex lock;
  GCond returned;      /* as many as are awaited */
  GPtrArray *failures; /* the lock's: what each failed call was told */
  GArray *failed;      /* the lock's: numbers */
  gint64 latest;       /* the lock's: when the last of these began */
};

typedef struct
{
  Lane *lane;
  guint number;
  gint64 began;
  gchar *text;
} Call;

/* ---- calls ---- */

static const TallyCallOptions patient = { .timeout = TIMEOUT };

static gboolean
begin_call (Lane *lane, Call *call)
{
  *call = (Call){ .lane = lane, .began = g_get_monotonic_time () };
  if (g_atomic_int_get (&lane->all->is_over))
    return FALSE;
  call->number = (guint) g_atomic_int_add (&lane->all->next, 1);
  g_assert (call->number < N_NUMBERS);
  call->text = ledger_make_text (LEDGER_REQUEST_MARK, call->number, LEDGER_MARK_LENGTH);
  return TRUE;
}

static void
note_return (Lane *lane)
{
  if (g_atomic_int_add (&lane->n_returned, 1) + 1 != g_atomic_int_get (&lane->n_awaited))
    return;
  g_mutex_lock (&lane->all->lock);
  g_cond_signal (&lane->all->returned);
  g_mutex_unlock (&lane->all->lock);
}

static void
end_call (const Call *call, const gchar *answer, const GError *error)
{
  Restarts *all = call->lane->all;
  g_autofree gchar *expected =
      ledger_make_text (LEDGER_ANSWER_MARK, call->number, LEDGER_MARK_LENGTH);

  if (error == NULL && g_strcmp0 (answer, expected) == 0)
    note_return (call->lane);
  else
    {
      g_mutex_lock (&all->lock);
      g_ptr_array_add (all->failures,
                       g_strdup_printf ("%s, call %u: %s", call->lane->name, call->number,
                                        error != NULL ? error->message : "another's answer"));
      g_array_append_val (all->failed, call->number);
      call->lane->n_failed++;
      all->latest = MAX (all->latest, call->began);
      g_mutex_unlock (&all->lock);
    }
  g_free (call->text);
}

static gpointer
run_blocking (gpointer data)
{
  Call call;

  while (begin_call (data, &call))
    {
      g_autofree gchar *answer = NULL;
      g_autoptr (GError) error = NULL;

      counted_calls_client_enter_with (call.lane->client, &patient, &answer, call.number, call.text,
                                       &error);
      end_call (&call, answer, error);
    }
  return NULL;
}

static void begin_async_call (Lane *lane);

static void
on_entered (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Call *call = data;
  g_autofree gchar *answer = NULL;
  g_autoptr (GError) error = NULL;

  counted_calls_client_enter_finish ((CountedCallsClient *) source, result, &answer, &error);
  end_call (call, answer, error);
  call->lane->under_way--;
  begin_async_call (call->lane);
}

static void
begin_async_call (Lane *lane)
{
  Call call;

  if (!begin_call (lane, &call))
    return;
  lane->under_way++;
  counted_calls_client_enter_async (lane->client, call.number, call.text, &patient, NULL,
                                    on_entered, g_memdup2 (&call, sizeof call));
}

static gpointer
run_async (gpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  Lane *lane = data;

  g_main_context_push_thread_default (context);
  for (guint i = 0; i < N_ASYNC; i++)
    begin_async_call (lane);
  while (lane->under_way > 0)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  return NULL;
}

/* ---- lanes ---- */

static void
start_lane (Restarts *self, const gchar *transport, const gchar *mode, gboolean is_async)
{
  g_autofree gchar *uri =
      g_strdup_printf ("tcp://%s?transport=%s&mode=%s", self->list, transport, mode);
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  Lane *lane = g_new0 (Lane, 1);

  lane->all = self;
  lane->name = g_strdup_printf ("%s %s %s", transport, mode, is_async ? "async" : "blocking");
  lane->pool = tally_pool_new ();
  channel = tally_channel_new_with_pool (uri, lane->pool, &error);
  assert_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (channel);
  lane->client = counted_calls_client_new (channel);
  lane->n_threads = is_async ? 1 : N_BLOCKING;
  lane->n_callers = is_async ? N_ASYNC : N_BLOCKING;
  for (guint i = 0; i < lane->n_threads; i++)
    lane->threads[i] = g_thread_new ("caller", is_async ? run_async : run_blocking, lane);
  g_ptr_array_add (self->lanes, lane);
}

static void
free_lane (gpointer data)
{
  Lane *lane = data;

  for (guint i = 0; i < lane->n_threads; i++)
    g_thread_join (lane->threads[i]);
  tally_pool_close (lane->pool);
  g_object_unref (lane->client);
  g_object_unref (lane->pool);
  g_free (lane->name);
  g_free (lane);
}

static void
start_lanes (Restarts *self)
{
  static const gchar *const transports[] = { "framed", "header" };
  static const gchar *const modes[] = { "pooled", "unpooled", "shared" };

  self->lanes = g_ptr_array_new_with_free_func (free_lane);
  for (guint t = 0; t < G_N_ELEMENTS (transports); t++)
    for (guint m = 0; m < G_N_ELEMENTS (modes); m++)
      {
        start_lane (self, transports[t], modes[m], FALSE);
        start_lane (self, transports[t], modes[m], TRUE);
      }
}

/* Until each lane has returned so many more calls. */
static void
await_returns (Restarts *self, gint count)
{
  for (guint i = 0; i < self->lanes->len; i++)
    {
      Lane *lane = g_ptr_array_index (self->lanes, i);

      g_atomic_int_set (&lane->n_awaited, g_atomic_int_get (&lane->n_returned) + count);
    }
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->lanes->len; i++)
    {
      Lane *lane = g_ptr_array_index (self->lanes, i);

      while (g_atomic_int_get (&lane->n_returned) - g_atomic_int_get (&lane->n_awaited) < 0)
        g_cond_wait (&self->returned, &self->lock);
    }
  g_mutex_unlock (&self->lock);
}

/* ---- servers ---- */

static void
start_server (Restarts *self, guint i)
{
  const gchar *const command[] = { LEDGER_SERVER, self->path, "0", self->uris[i], NULL };
  g_autofree gchar *line = NULL;

  if (!test_program_start (&self->servers[i], command))
    g_error ("no server");
  line = test_program_read_line (&self->servers[i]);
  if (g_strcmp0 (line, "listening") != 0)
    g_error ("server: %s", line);
}

static void
end_server (Restarts *self, guint i, gint signal_number)
{
  g_autofree gchar *said = NULL;

  kill (self->servers[i].pid, signal_number);
  said = test_program_read_all (&self->servers[i]);
  assert_string (said, "");
  assert_int (test_program_wait (&self->servers[i]), signal_number == SIGKILL ? 128 + SIGKILL : 0);
}

static void
open_restarts (Restarts *self)
{
  g_autoptr (GString) list = g_string_new (NULL);

  *self = (Restarts){ .failures = g_ptr_array_new_with_free_func (g_free),
                      .failed = g_array_new (FALSE, FALSE, sizeof (guint)) };
  g_mutex_init (&self->lock);
  g_cond_init (&self->returned);
  self->directory = g_dir_make_tmp ("tally-XXXXXX", NULL);
  self->path = g_build_filename (self->directory, "book", NULL);
  if (!ledger_book_open (&self->book, self->path, N_NUMBERS))
    g_error ("no book");
  for (guint i = 0; i < N_SERVERS; i++)
    {
      guint16 port;

      self->placeholders[i] = test_reserve_port (&port);
      g_string_append_printf (list, "%s127.0.0.1:%u", i > 0 ? "," : "", port);
      self->uris[i] = g_strdup_printf ("tcp://127.0.0.1:%u?transport=header", port);
      start_server (self, i);
    }
  self->list = g_strdup (list->str);
  start_lanes (self);
}

/* Each call that returned was executed once, each that failed at most once. */
static void
check_restarts (Restarts *self)
{
  guint n_calls = (guint) g_atomic_int_get (&self->next);
  guint n_lost = 0;
  guint n_twice = 0;

  for (guint i = 0; i < n_calls; i++)
    {
      n_lost += ledger_book_get_executed (&self->book, i) == 0;
      n_twice += ledger_book_get_executed (&self->book, i) > 1;
    }
  for (guint i = 0; i < self->failed->len; i++)
    n_lost -= ledger_book_get_executed (&self->book, g_array_index (self->failed, guint, i)) == 0;
  assert_int (n_lost, 0);
  assert_int (n_twice, 0);
  printf ("# %u calls, %u failed\n", n_calls, self->failed->len);
  for (guint i = 0; i < MIN (self->failures->len, MOST_SHOWN); i++)
    printf ("# %s\n", (const gchar *) g_ptr_array_index (self->failures, i));
  fflush (stdout);
}

static void
finish_lanes (Restarts *self)
{
  g_atomic_int_set (&self->is_over, TRUE);
  g_ptr_array_unref (self->lanes);
  check_restarts (self);
}

static void
close_restarts (Restarts *self)
{
  for (guint i = 0; i < N_SERVERS; i++)
    {
      end_server (self, i, SIGTERM);
      close (self->placeholders[i]);
      g_free (self->uris[i]);
    }
  ledger_book_close (&self->book);
  g_unlink (self->path);
  g_rmdir (self->directory);
  g_ptr_array_unref (self->failures);
  g_array_unref (self->failed);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->returned);
  g_free (self->list);
  g_free (self->path);
  g_free (self->directory);
}

/* ---- tests ---- */

static guint
count_restarts (void)
{
  const gchar *text = g_getenv ("TALLY_RESTARTS");

  return text != NULL ? (guint) g_ascii_strtoull (text, NULL, 10) : 100;
}

static void
no_call_is_lost_when_servers_restart (void)
{
  guint count = count_restarts ();
  Restarts restarts;

  open_restarts (&restarts);
  await_returns (&restarts, BETWEEN);
  for (guint i = 0; i < count; i++)
    {
      end_server (&restarts, i % N_SERVERS, SIGTERM);
      start_server (&restarts, i % N_SERVERS);
      await_returns (&restarts, BETWEEN);
    }
  finish_lanes (&restarts);
  assert_int (restarts.failures->len, 0);
  close_restarts (&restarts);
}

/* What failed was in flight at the server that was killed last, before that was over; for each caller it was one call, and those after
 * it went elsewhere. */
static void
check_killed (Restarts *self, guint killed, gint64 over)
{
  g_autofree gchar *endpoint = g_strndup (self->uris[killed], strcspn (self->uris[killed], "?"));

  g_mutex_lock (&self->lock);
  CU_ASSERT (self->latest <= over);
  for (guint i = 0; i < self->failures->len; i++)
    {
      const gchar *failure = g_ptr_array_index (self->failures, i);

      CU_ASSERT (strstr (failure, endpoint) != NULL);
      CU_ASSERT (strstr (failure, "may have been executed") != NULL);
    }
  for (guint i = 0; i < self->lanes->len; i++)
    {
      Lane *lane = g_ptr_array_index (self->lanes, i);

      CU_ASSERT (lane->n_failed <= lane->n_callers);
      lane->n_failed = 0;
    }
  g_ptr_array_set_size (self->failures, 0);
  g_mutex_unlock (&self->lock);
}

static void
only_calls_in_flight_fail_with_a_server_that_is_killed (void)
{
  Restarts restarts;

  open_restarts (&restarts);
  for (guint i = 0; i < N_SERVERS; i++)
    {
      gint64 over;

      await_returns (&restarts, BETWEEN);
      end_server (&restarts, i, SIGKILL);
      over = g_get_monotonic_time ();
      await_returns (&restarts, BETWEEN);
      start_server (&restarts, i);
      await_returns (&restarts, BETWEEN);
      check_killed (&restarts, i, over);
    }
  finish_lanes (&restarts);
  assert_int (restarts.failures->len, 0);
  close_restarts (&restarts);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (no_call_is_lost_when_servers_restart),
    TEST (only_calls_in_flight_fail_with_a_server_that_is_killed),
    { NULL, NULL },
  };

  g_main_context_default (); /* which has a descriptor from its first use on */
  return test_main ("restarts", cases, argc, argv);
}
