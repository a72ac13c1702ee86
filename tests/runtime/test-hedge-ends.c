/* What becomes of a call one of whose two attempts fails, and whose headers it has; over the header transport, and where a
 * connection is lost. */
#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "echo-service.h"
#include "recorder.h"
#include "server-fixture.h"
#include "tally-retry-policy.h"
#include "tls-relay-socket.h"

#define N_WARM 20
#define WARM "warm"

static const gchar *const modes[] = { "pooled", "unpooled", "shared" };

/* ---- calls ---- */

typedef struct
{
  TallyChannel *channel;
  TallyPool *pool;
  const TallyMethod *method;
  TallyRetryPolicy *policy;
  TallyHeaders *back; /* nullable */
  const gchar *request;
  gboolean is_async;

  gchar *text;
  GError *error;
} Hedged;

static void
on_called (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

/* To the end of every attempt. */
static void
call_in_loop (Hedged *self, TextArgs *args, const TallyCallOptions *options)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GAsyncResult) result = NULL;
  gpointer results[] = { &self->text, NULL };
  TallyPoolSnapshot snapshot;

  g_main_context_push_thread_default (context);
  tally_channel_call_async (self->channel, self->method, args, options, NULL, on_called, &result);
  do
    {
      g_main_context_iteration (context, FALSE);
      g_thread_yield ();
      tally_pool_snapshot (self->pool, &snapshot);
    }
  while (result == NULL || snapshot.leases > 0 || g_main_context_pending (context));
  tally_channel_call_finish (self->channel, self->method, result, results, &self->error);
  g_main_context_pop_thread_default (context);
}

static gpointer
call_hedged (gpointer data)
{
  Hedged *self = data;
  TallyCallOptions options = { .retry_policy = self->policy,
                               .reply_headers = self->back,
                               .idempotence = TALLY_IDEMPOTENCE_YES,
                               .timeout = -1 };
  TextArgs args = { (gchar *) self->request };
  gpointer results[] = { &self->text, NULL };

  if (self->is_async)
    call_in_loop (self, &args, &options);
  else
    tally_channel_call_with (self->channel, self->method, &args, results, &options, &self->error);
  return NULL;
}

static void
hedged_clear (Hedged *self)
{
  g_clear_pointer (&self->text, g_free);
  g_clear_error (&self->error);
}

static void
warm_up (const Hedged *call)
{
  for (guint i = 0; i < N_WARM; i++)
    {
      Hedged warm = *call;

      warm.request = WARM;
      warm.back = NULL;
      warm.is_async = FALSE;
      call_hedged (&warm);
      assert_no_error (warm.error);
      assert_string (warm.text, WARM);
      hedged_clear (&warm);
    }
}

/* With the time of both attempts, and after which exception it waits for the other one. */
static TallyRetryPolicy *
new_policy (void)
{
  TallyRetryPolicy *policy = tally_retry_policy_new (2);

  tally_retry_policy_set_budget (policy, 0, 10);
  tally_retry_policy_set_hedging (policy, 90, 1);
  tally_retry_policy_add_error (policy, THRIFT_APPLICATION_EXCEPTION_ERROR,
                                THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR);
  return policy;
}

/* ---- a server whose answers the test gives ---- */

typedef struct
{
  TestHandler parent;
  GAsyncQueue *replies; /* of TallyReply */
} HeldHandler;
typedef TestHandlerClass HeldHandlerClass;
static GType held_handler_get_type (void);
G_DEFINE_TYPE (HeldHandler, held_handler, test_handler_get_type ())

static void
hold_reply (TestHandler *handler, const gchar *text, TallyReply *reply)
{
  if (strcmp (text, WARM) == 0)
    tally_reply_return (reply, test_echo_method, &text, NULL);
  else
    g_async_queue_push (((HeldHandler *) handler)->replies, tally_reply_ref (reply));
}

static void
held_handler_finalize (GObject *object)
{
  g_async_queue_unref (((HeldHandler *) object)->replies);
  G_OBJECT_CLASS (held_handler_parent_class)->finalize (object);
}

static void
held_handler_class_init (HeldHandlerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = held_handler_finalize;
  klass->echo_async = hold_reply;
}

static void
held_handler_init (HeldHandler *self)
{
  self->replies = g_async_queue_new ();
}

#define EITHER 2

/* How one of two attempts ends: '.' not before the call, else its answer. */
typedef struct
{
  const gchar
      *ends;    /* of the first attempt, of the second: 'v'alue, 'n'amed exception, 'o'ther one */
  guint last;   /* which of them ends behind the other */
  guint winner; /* whose end is the call's */
} Case;

static const Case ends[] = {
  { "nv", 1, 1 }, { "vn", 0, 0 },      { "v.", 1, 0 },      { ".v", 0, 1 }, { "o.", 1, 0 },
  { ".o", 0, 1 }, { "nn", 1, EITHER }, { "nn", 0, EITHER }, { "no", 1, 1 },
};

static void
end_attempt (TallyReply *reply, gchar how, guint attempt)
{
  const gchar *text = attempt == 0 ? "first" : "second";
  GError *failure = g_error_new (THRIFT_APPLICATION_EXCEPTION_ERROR,
                                 how == 'n' ? THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR
                                            : THRIFT_APPLICATION_EXCEPTION_ERROR_INVALID_TRANSFORM,
                                 "%s failed", text);

  CU_ASSERT_TRUE (tally_reply_set_header (reply, "by", text));
  if (attempt == 0)
    CU_ASSERT_TRUE (tally_reply_set_header (reply, "of the first", ""));
  if (how != '.')
    CU_ASSERT_TRUE (how == 'v' ? tally_reply_return (reply, test_echo_method, &text, NULL)
                               : tally_reply_fail (reply, failure, NULL));
  g_error_free (failure);
}

static void
check_end (const Case *c, const Hedged *call, Recorder *recorder)
{
  guint winner = c->winner != EITHER ? c->winner : tally_headers_get_size (call->back) == 1;
  const gchar *by = winner == 0 ? "first" : "second";
  gchar how = c->ends[winner];
  TallyCallInfo *info = recorder_wait (recorder, 1);

  if (how == 'v')
    {
      assert_no_error (call->error);
      assert_string (call->text, by);
    }
  else
    assert_error (call->error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                  how == 'n' ? THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR
                             : THRIFT_APPLICATION_EXCEPTION_ERROR_INVALID_TRANSFORM,
                  by);
  assert_string (tally_headers_lookup (call->back, "by"), by);
  assert_int (tally_headers_get_size (call->back), winner == 0 ? 2 : 1);
  recorder_check (recorder, 1);
  assert_int (tally_call_info_get_attempts (info), 2);
  assert_int (tally_call_info_get_outcome (info),
              how == 'v' ? TALLY_CALL_ANSWERED : TALLY_CALL_EXCEPTION);
  assert_string (tally_headers_lookup (tally_call_info_get_reply_headers (info), "by"), by);
}

static void
run_case (
    const Case *c, TallyChannel *channel, TallyPool *pool, GAsyncQueue *held, gboolean is_async)
{
  g_autoptr (TallyRetryPolicy) policy = new_policy ();
  g_autoptr (TallyHeaders) back = tally_headers_new ();
  g_autoptr (Recorder) recorder = recorder_new ("a", NULL);
  Hedged call = { channel, pool, test_echo_method, policy, back, "held", is_async };
  TallyReply *replies[2];
  GThread *thread;

  warm_up (&call);
  tally_channel_add_interceptor (channel, TALLY_INTERCEPTOR (recorder));
  thread = g_thread_new ("caller", call_hedged, &call);
  replies[0] = g_async_queue_pop (held);
  replies[1] = g_async_queue_pop (held);
  end_attempt (replies[1 - c->last], c->ends[1 - c->last], 1 - c->last);
  end_attempt (replies[c->last], c->ends[c->last], c->last);
  g_thread_join (thread);
  check_end (c, &call, recorder);
  tally_reply_unref (replies[0]);
  tally_reply_unref (replies[1]);
  hedged_clear (&call);
}

/* A dial's thread may give up the context of a call that is over a moment later. */
static void
await_descriptors (guint count)
{
  while (test_count_descriptors () > count)
    g_thread_yield ();
}

static void
check_ends (gboolean is_async)
{
  for (guint i = 0; i < G_N_ELEMENTS (modes) * G_N_ELEMENTS (ends); i++)
    {
      guint before = test_count_descriptors ();
      HeldHandler *handler = g_object_new (held_handler_get_type (), NULL);
      g_autoptr (TallyPool) pool = tls_relay_new_pool ();
      g_autoptr (TallyChannel) channel = NULL;
      g_autofree gchar *query =
          g_strconcat ("transport=header&mode=", modes[i % G_N_ELEMENTS (modes)], NULL);
      g_autofree gchar *uri = NULL;
      Running *running;

      running = running_start_at (test_processor_new (derived_processor_get_type (),
                                                      (TestHandler *) handler),
                                  (TestHandler *) handler, "tcp://127.0.0.1:0", "transport=header");
      uri = running_dup_client_uri (running, query);
      channel = tally_channel_new_with_pool (uri, pool, NULL);
      run_case (&ends[i / G_N_ELEMENTS (modes)], channel, pool, handler->replies, is_async);
      tally_pool_close (pool);
      running_stop (running);
      await_descriptors (before);
    }
}

static void
an_attempt_that_fails_waits_for_the_other (void)
{
  check_ends (FALSE);
}

static void
an_attempt_that_fails_waits_for_the_other_in_a_main_loop (void)
{
  check_ends (TRUE);
}

/* ---- a server that ends the connection of one attempt ---- */

static GMutex lock;
static GCond changed;
static guint n_attempts; /* lock; so is the next one */
static gboolean is_lost;

/* Of both attempts that are there the one that @user_data numbers loses its connection; then the other is answered. */
static gboolean
lose_one (EchoRequest *request)
{
  guint losing = GPOINTER_TO_UINT (request->user_data);
  gboolean is_losing;

  if (strcmp (request->text, WARM) == 0)
    return echo_honest (request);
  g_mutex_lock (&lock);
  is_losing = n_attempts++ == losing;
  g_cond_broadcast (&changed);
  while (n_attempts < 2 || (!is_losing && !is_lost))
    g_cond_wait (&changed, &lock);
  is_lost = TRUE;
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
  return !is_losing && echo_honest (request);
}

static void
an_attempt_whose_connection_is_lost_waits_for_the_other (void)
{
  for (guint i = 0; i < 8; i++)
    {
      guint before = test_count_descriptors ();
      g_autoptr (TallyPool) pool = tally_pool_new ();
      g_autoptr (TallyRetryPolicy) policy = new_policy ();
      g_autoptr (TallyChannel) channel = NULL;
      g_autofree gchar *options = g_strconcat ("?mode=", modes[i / 4], NULL);
      Hedged call = { .pool = pool, .method = &echo_methods[ECHO_GET], .policy = policy };
      EchoServer server;

      n_attempts = 0;
      is_lost = FALSE;
      echo_server_start (&server, lose_one, options, GUINT_TO_POINTER (i % 2));
      channel = echo_server_connect (&server, pool);
      call.channel = channel;
      call.request = "held";
      call.is_async = i / 2 % 2;
      warm_up (&call);
      call_hedged (&call);
      assert_no_error (call.error);
      assert_string (call.text, "held");
      if (i / 4 == 1) /* a connection that had served may be replaced: pool rule 13 */
        assert_int (n_attempts, 2);
      hedged_clear (&call);
      tally_pool_close (pool);
      echo_server_stop (&server);
      await_descriptors (before);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (an_attempt_that_fails_waits_for_the_other),
    TEST (an_attempt_that_fails_waits_for_the_other_in_a_main_loop),
    TEST (an_attempt_whose_connection_is_lost_waits_for_the_other),
    { NULL, NULL },
  };

  /* what GLib opens once */
  g_main_context_default ();
  g_type_ensure (G_TYPE_TASK);
  return test_main ("hedge-ends", cases, argc, argv);
}
