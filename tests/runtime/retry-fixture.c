#include "retry-fixture.h"

#include <thrift/c_glib/thrift_application_exception.h>

#include "harness.h"

static void
put_exception (EchoRequest *request, TallyBuffer *output, const gchar *text)
{
  TallyApplicationException exception = { (gchar *) text, 6 };

  echo_put (request, output, request->name, T_EXCEPTION, request->seqid,
            &tally_application_exception_info, &exception);
}

static void
put_declared (EchoRequest *request, TallyBuffer *output)
{
  g_autoptr (GObject) oops = g_object_new (fix_oops_get_type (), "message", "so", NULL);
  EchoResult thrown = { .oops = (FixOops *) oops };

  echo_put (request, output, request->name, T_REPLY, request->seqid, echo_methods[ECHO_ECHO].result,
            &thrown);
}

static gboolean
fail (EchoRequest *request, RetryFault fault)
{
  TallyBuffer output = { 0 };
  gboolean sent;

  if (fault == RETRY_HANGS_UP)
    return FALSE;
  if (fault == RETRY_IS_BUSY)
    put_exception (request, &output, "the server is busy: it was not executed");
  else if (fault == RETRY_REFUSES)
    put_exception (request, &output, "disk full");
  else if (fault == RETRY_THROWS)
    put_declared (request, &output);
  sent = output.length == 0 || echo_send (request, &output);
  tally_buffer_clear (&output);
  return sent;
}

static gboolean
answer (EchoRequest *request)
{
  RetryStage *self = request->user_data;

  if (g_atomic_int_add (&self->n_bad, -1) > 0)
    return fail (request, self->fault);
  return echo_honest (request);
}

void
retry_stage_init (RetryStage *self, guint way, RetryFault fault, gint n_bad)
{
  self->fault = fault;
  self->n_bad = n_bad;
  async_stage_init (&self->stage, way % N_ASYNC_MODES, answer, self);
}

void
retry_stage_clear (RetryStage *self)
{
  async_assert_nothing_is_busy (&self->stage);
  async_stage_clear (&self->stage);
}

gboolean
retry_stage_call (
    RetryStage *self, guint way, guint method, const TallyCallOptions *options, GError **error)
{
  AsyncCaller caller = { NULL };
  EchoArgs args = { (gchar *) "x" };
  gpointer results[] = { &caller.reply, &caller.oops };
  gboolean done;

  if (way >= N_ASYNC_MODES)
    async_run (&self->stage.world, &caller, self->stage.channel, method, "x", options);
  else
    caller.done = tally_channel_call_with (self->stage.channel, &echo_methods[method], &args,
                                           results, options, &caller.error);
  done = caller.done;
  CU_ASSERT_EQUAL (done, caller.error == NULL);
  if (!done)
    g_propagate_error (error, g_steal_pointer (&caller.error));
  else if (method != ECHO_NOTE)
    assert_string (caller.reply, "x");
  async_caller_clear (&caller);
  return done;
}

guint
retry_stage_count (RetryStage *self)
{
  return g_atomic_int_get (&self->stage.server.requests);
}

TallyRetryPolicy *
retry_policy_without_pause (guint attempts)
{
  TallyRetryPolicy *policy = tally_retry_policy_new (attempts);

  tally_retry_policy_set_backoff (policy, 0, 0);
  return policy;
}
