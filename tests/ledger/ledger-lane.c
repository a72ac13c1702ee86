/* Owns the making of calls and what is to be seen of each at once: its answer, its end in time, what its error
 * claims. What the server says of it is the test's. */
#include "ledger-lane.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "counted_calls.h"

#define MOST_VIOLATIONS 20        /* that are printed in full */
#define LONGEST_OVER_US 100000000 /* past a deadline: no busy machine takes so long */
#define LONGEST_SLEEP_US 40000    /* of what only wakes */

struct _LedgerLane
{
  LedgerCommon *common;
  LedgerLaneOptions options;
  TallyPool *pool;
  CountedCallsClient *client;
  GThread **threads;
  guint n_threads;
  gint n_begun;           /* calls; atomic */
  gint n_callers;         /* threads that have a place; atomic */
  gint n_threads_running; /* atomic */
  guint under_way;        /* asynchronous calls; their thread's */

  GMutex lock;
  GCancellable **cancellables; /* of the calls under way; nullable each; protected by lock */
};

/* One call. */
typedef struct
{
  LedgerLane *lane;
  guint place; /* among those at once */
  guint number;
  LedgerPlan plan;
  TallyCallOptions options;
  gchar *text;
  gint64 deadline;
  gint64 waited_us; /* as get_waited_us () said when it began */
} Call;

/* ---- what lanes have in common ---- */

void
ledger_common_init (LedgerCommon *common, guint64 seed, gboolean under_fault, guint n_numbers)
{
  *common = (LedgerCommon){ .seed = seed, .under_fault = under_fault };
  common->trail = ledger_trail_new (n_numbers);
  common->lateness = under_fault ? ledger_lateness_new () : NULL;
  common->outcomes = g_new0 (guint8, n_numbers);
  common->claims = g_new0 (gchar *, n_numbers);
  common->n_numbers = n_numbers;
  g_mutex_init (&common->lock);
  g_cond_init (&common->changed);
}

void
ledger_common_clear (LedgerCommon *common)
{
  guint i;

  ledger_trail_free (common->trail);
  g_free (common->outcomes);
  for (i = 0; i < common->n_numbers; i++)
    g_free (common->claims[i]);
  g_free (common->claims);
  g_mutex_clear (&common->lock);
  g_cond_clear (&common->changed);
}

void
ledger_report_violation (LedgerCommon *common, guint number, const gchar *format, ...)
{
  g_autofree gchar *what = NULL;
  guint n_violations;
  va_list arguments;

  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_mutex_lock (&common->lock);
  n_violations = ++common->n_violations;
  g_mutex_unlock (&common->lock);
  if (n_violations > MOST_VIOLATIONS)
    return;
  printf ("# violation: seed %" G_GUINT64_FORMAT ", call %u: %s\n", common->seed, number, what);
  ledger_trail_print (common->trail, number);
}

/* ---- waits for a processor ---- */

static void
close_descriptor (gpointer fd)
{
  close (GPOINTER_TO_INT (fd) - 1);
}

/* How long this thread was ready to run and did not, ever; 0 where the kernel does not say. */
static gint64
get_waited_us (void)
{
  static GPrivate schedstat = G_PRIVATE_INIT (close_descriptor); /* descriptor + 1 */
  gint fd = GPOINTER_TO_INT (g_private_get (&schedstat)) - 1;
  gchar text[128] = "";
  guint64 waited = 0;

  if (fd < 0)
    {
      fd = open ("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
      if (fd < 0)
        return 0;
      g_private_set (&schedstat, GINT_TO_POINTER (fd + 1));
    }
  if (pread (fd, text, sizeof text - 1, 0) <= 0
      || sscanf (text, "%*u %" G_GUINT64_FORMAT, &waited) != 1)
    return 0;
  return waited / 1000;
}

/* ---- one call ---- */

/* Now and then a call begins by cancelling another one. */
static void
cancel_another (LedgerLane *self, guint place)
{
  guint victim = (place + 1) % self->options.at_once;
  GCancellable *cancellable;

  g_mutex_lock (&self->lock);
  cancellable =
      self->cancellables[victim] != NULL ? g_object_ref (self->cancellables[victim]) : NULL;
  g_mutex_unlock (&self->lock);
  if (cancellable == NULL)
    return;
  g_cancellable_cancel (cancellable);
  g_object_unref (cancellable);
}

static void
set_cancellable (LedgerLane *self, guint place, GCancellable *cancellable)
{
  g_mutex_lock (&self->lock);
  self->cancellables[place] = cancellable;
  g_mutex_unlock (&self->lock);
}

/* FALSE when the lane has made its calls, or its time is up. */
static gboolean
begin (LedgerLane *self, guint place, Call *call)
{
  guint number = self->options.first + (guint) g_atomic_int_add (&self->n_begun, 1);
  gint64 now = g_get_monotonic_time ();

  if (number >= self->options.first + self->options.n_calls || now >= self->common->until)
    return FALSE;
  *call = (Call){ .lane = self, .place = place, .number = number };
  call->plan = ledger_plan (self->common->seed, number, self->common->under_fault);
  call->text = ledger_make_text (LEDGER_REQUEST_MARK, number, call->plan.size);
  if (self->common->under_fault)
    call->waited_us = get_waited_us ();
  call->deadline = now + call->plan.timeout_ms * G_TIME_SPAN_MILLISECOND;
  call->options.timeout = call->plan.timeout_ms;
  if (call->plan.is_cancelled)
    call->options.cancellable = g_cancellable_new ();
  set_cancellable (self, place, call->options.cancellable);
  cancel_another (self, place);
  return TRUE;
}

/* What @error says of the server. */
static LedgerOutcome
classify (const GError *error)
{
  if (g_str_has_suffix (error->message, "; nothing was sent"))
    return LEDGER_NOTHING_SENT;
  if (g_str_has_suffix (error->message, "; the request was sent and may have been executed"))
    return LEDGER_MAYBE_EXECUTED;
  if (strstr (error->message, "not executed") != NULL)
    return LEDGER_NOT_EXECUTED;
  if (g_str_has_suffix (error->message, " bytes were sent"))
    return LEDGER_PARTLY_SENT;
  if (error->domain == THRIFT_APPLICATION_EXCEPTION_ERROR)
    return LEDGER_ANSWERED;
  return LEDGER_NOT_MADE;
}

/* Of a call that was over past its deadline: of a thread that blocks, without what it waited for a processor. */
static void
note_lateness (LedgerCommon *common, const Call *call, gint64 over, LedgerOutcome outcome)
{
  static const gchar *const ends[LEDGER_N_OUTCOMES] = {
    "not made",    "returned",       "nothing sent", "not executed",
    "partly sent", "maybe executed", "answered",
  };
  gint64 waited_us = call->lane->options.is_async ? 0 : get_waited_us () - call->waited_us;

  ledger_lateness_note (common->lateness, call->lane->options.waits, ends[outcome],
                        over - waited_us);
}

static void
note_time (LedgerCommon *common, const Call *call, LedgerOutcome outcome)
{
  gint64 over = g_get_monotonic_time () - call->deadline;

  if (over > LONGEST_OVER_US)
    ledger_report_violation (common, call->number, "over %.1f s after its deadline", over / 1e6);
  if (over > 0 && common->lateness != NULL)
    note_lateness (common, call, over, outcome);
  g_mutex_lock (&common->lock);
  if (over > common->longest_over_us)
    {
      common->longest_over_us = over;
      common->longest_over_lane = call->lane->options.name;
    }
  g_mutex_unlock (&common->lock);
}

static void
check_answer (LedgerCommon *common, const Call *call, const gchar *answer)
{
  g_autofree gchar *expected = ledger_make_text (LEDGER_ANSWER_MARK, call->number, call->plan.size);

  if (call->plan.kind != LEDGER_NOTE && g_strcmp0 (answer, expected) != 0)
    ledger_report_violation (common, call->number, "returned \"%.40s…\", not \"%.40s…\"",
                             answer != NULL ? answer : "(null)", expected);
}

/* @answer and @error: one of them, but a oneway's that was sent has neither. */
static void
end (Call *call, const gchar *answer, const GError *error)
{
  LedgerLane *self = call->lane;
  LedgerCommon *common = self->common;
  LedgerOutcome outcome = error != NULL ? classify (error) : LEDGER_RETURNED;

  note_time (common, call, outcome);
  if (error == NULL)
    check_answer (common, call, answer);
  else if (outcome == LEDGER_NOT_MADE)
    ledger_report_violation (common, call->number, "%s: does not say what was sent: %s",
                             self->options.name, error->message);
  else if (!common->under_fault)
    ledger_report_violation (common, call->number, "%s: failed: %s", self->options.name,
                             error->message);
  common->outcomes[call->number] = outcome;
  if (outcome == LEDGER_NOTHING_SENT || outcome == LEDGER_NOT_EXECUTED
      || outcome == LEDGER_PARTLY_SENT)
    common->claims[call->number] = g_strdup (error->message);
  set_cancellable (self, call->place, NULL);
  g_clear_object (&call->options.cancellable);
  g_free (call->text);
}

/* ---- threads that block ---- */

static gboolean
make_call (CountedCallsClient *client, const Call *call, gchar **answer, GError **error)
{
  switch (call->plan.kind)
    {
    case LEDGER_ENTER:
      return counted_calls_client_enter_with (client, &call->options, answer, call->number,
                                              call->text, error);
    case LEDGER_REPEAT:
      return counted_calls_client_repeat_with (client, &call->options, answer, call->number,
                                               call->text, error);
    case LEDGER_NOTE:
    default:
      return counted_calls_client_note_with (client, &call->options, call->number, call->text,
                                             error);
    }
}

static void
leave (LedgerLane *self)
{
  LedgerCommon *common = self->common;

  if (!g_atomic_int_dec_and_test (&self->n_threads_running))
    return;
  g_mutex_lock (&common->lock);
  common->n_running--;
  g_cond_signal (&common->changed);
  g_mutex_unlock (&common->lock);
}

static gpointer
run_caller (gpointer data)
{
  LedgerLane *self = data;
  guint place = g_atomic_int_add (&self->n_callers, 1);
  Call call;

  while (begin (self, place, &call))
    {
      g_autofree gchar *answer = NULL;
      g_autoptr (GError) error = NULL;

      if (make_call (self->client, &call, &answer, &error) != (error == NULL))
        ledger_report_violation (self->common, call.number, "result and error disagree");
      end (&call, answer, error);
    }
  leave (self);
  return NULL;
}

/* ---- a main loop ---- */

static void begin_async (LedgerLane *self, guint place);

static void
on_over (GObject *source, GAsyncResult *result, gpointer data)
{
  CountedCallsClient *client = (CountedCallsClient *) source;
  Call *call = data;
  LedgerLane *self = call->lane;
  g_autofree gchar *answer = NULL;
  g_autoptr (GError) error = NULL;
  guint place = call->place;

  if (call->plan.kind == LEDGER_ENTER)
    counted_calls_client_enter_finish (client, result, &answer, &error);
  else if (call->plan.kind == LEDGER_REPEAT)
    counted_calls_client_repeat_finish (client, result, &answer, &error);
  else
    counted_calls_client_note_finish (client, result, &error);
  end (call, answer, error);
  g_free (call);
  self->under_way--;
  begin_async (self, place);
}

static void
begin_async (LedgerLane *self, guint place)
{
  g_autofree Call *begun = g_new0 (Call, 1);
  Call *call = begun;

  if (!begin (self, place, call))
    return;
  g_steal_pointer (&begun);
  self->under_way++;
  if (call->plan.kind == LEDGER_ENTER)
    counted_calls_client_enter_async (self->client, call->number, call->text, &call->options, NULL,
                                      on_over, call);
  else if (call->plan.kind == LEDGER_REPEAT)
    counted_calls_client_repeat_async (self->client, call->number, call->text, &call->options, NULL,
                                       on_over, call);
  else
    counted_calls_client_note_async (self->client, call->number, call->text, &call->options, NULL,
                                     on_over, call);
}

/* A context that has only its own eventfd to watch has no source left. */
static void
check_context (LedgerLane *self, GMainContext *context)
{
  gint timeout = 0;
  gint priority = 0;
  gint n_fds;

  while (g_main_context_iteration (context, FALSE))
    continue;
  if (!g_main_context_acquire (context))
    return;
  g_main_context_prepare (context, &priority);
  n_fds = g_main_context_query (context, G_MAXINT, &timeout, NULL, 0);
  if (n_fds != 1 || timeout != -1)
    ledger_report_violation (self->common, self->options.first,
                             "%s: its main context still has a source (%d descriptors, timeout %d)",
                             self->options.name, n_fds, timeout);
  g_main_context_release (context);
}

/* A source that only wakes, beside those of the calls. */
static gboolean
on_wake (gpointer data)
{
  LedgerLane *self = data;
  GSource *source = g_main_current_source ();
  gint64 now = g_get_monotonic_time ();

  if (self->common->lateness != NULL)
    ledger_lateness_note_wake (self->common->lateness, self->options.waits,
                               now - g_source_get_ready_time (source));
  g_source_set_ready_time (source, now + g_random_int_range (1, LONGEST_SLEEP_US));
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_wake (GSource *source, GSourceFunc callback, gpointer data)
{
  return callback (data);
}

static GSource *
add_wake (LedgerLane *self, GMainContext *context)
{
  static GSourceFuncs funcs = { .dispatch = dispatch_wake };
  GSource *source = g_source_new (&funcs, sizeof *source);

  g_source_set_callback (source, on_wake, self, NULL);
  g_source_set_ready_time (source, g_get_monotonic_time ());
  g_source_attach (source, context);
  return source;
}

static gpointer
run_loop (gpointer data)
{
  LedgerLane *self = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GSource) wake = add_wake (self, context);
  guint place;

  g_main_context_push_thread_default (context);
  for (place = 0; place < self->options.at_once; place++)
    begin_async (self, place);
  while (self->under_way > 0)
    g_main_context_iteration (context, TRUE);
  g_source_destroy (wake);
  check_context (self, context);
  g_main_context_pop_thread_default (context);
  leave (self);
  return NULL;
}

/* ---- life ---- */

LedgerLane *
ledger_lane_start (LedgerCommon *common, const LedgerLaneOptions *options)
{
  LedgerLane *self = g_new0 (LedgerLane, 1);
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  guint i;

  self->common = common;
  self->options = *options;
  self->pool = tally_pool_new ();
  channel = tally_channel_new_with_pool (options->uri, self->pool, &error);
  if (channel == NULL)
    g_error ("%s", error->message);
  self->client = counted_calls_client_new (channel);
  self->cancellables = g_new0 (GCancellable *, options->at_once);
  g_mutex_init (&self->lock);
  self->n_threads = options->is_async ? 1 : options->at_once;
  self->n_threads_running = self->n_threads;
  self->threads = g_new0 (GThread *, self->n_threads);
  g_mutex_lock (&common->lock);
  common->n_running++;
  g_mutex_unlock (&common->lock);
  for (i = 0; i < self->n_threads; i++)
    self->threads[i] = g_thread_new ("lane", options->is_async ? run_loop : run_caller, self);
  return self;
}

/* What is being closed may take a moment, what is lent not. */
static void
check_pool (LedgerLane *self)
{
  TallyPoolSnapshot snapshot;

  tally_pool_snapshot (self->pool, &snapshot);
  if (snapshot.leases != 0 || snapshot.busy != 0 || snapshot.pending != 0 || snapshot.waiting != 0
      || snapshot.borrows != snapshot.releases)
    ledger_report_violation (self->common, self->options.first,
                             "%s: %u leases, %u busy, %u pending and %u waiting are left",
                             self->options.name, snapshot.leases, snapshot.busy, snapshot.pending,
                             snapshot.waiting);
  tally_pool_close (self->pool);
  tally_pool_snapshot (self->pool, &snapshot);
  if (snapshot.open != 0)
    ledger_report_violation (self->common, self->options.first,
                             "%s: %u connections are open after the pool was closed",
                             self->options.name, snapshot.open);
}

void
ledger_lane_finish (LedgerLane *self)
{
  guint i;

  for (i = 0; i < self->n_threads; i++)
    g_thread_join (self->threads[i]);
  check_pool (self);
  g_object_unref (self->client);
  g_object_unref (self->pool);
  g_mutex_clear (&self->lock);
  g_free (self->options.uri);
  g_free (self->cancellables);
  g_free (self->threads);
  g_free (self);
}
