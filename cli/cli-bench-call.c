/* Owns the calls of `tally bench`: made by tables, as a generated client makes them, with arguments that may differ from call to
 * call, each reply checked. */
#include "cli-bench.h"
#include "cli-outcome.h"
#include "cli-show.h"
#include "cli-template.h"

/* One thread's. */
typedef struct
{
  const CliBenchCall *call;
  TallyChannel *channel;
  TallyCallOptions options;
  CliJson *args_json, *expect_json; /* nullable */
  CliTemplate *args;                /* nullable, where it is wrong */
  CliTemplate *expect;              /* nullable */
  gconstpointer next;               /* the arguments of the next call; NULL: @mistake says why */
  GError *mistake;                  /* nullable */
  CliSlot *slots;                   /* one for each field of the method's result */
  gpointer *results;
  guint n_slots;
} Caller;

static gpointer
bench_caller_new (gpointer data, TallyChannel *channel, guint index)
{
  const CliBenchCall *call = data;
  const TallyMethod *method = call->method.table;
  Caller *self = g_new0 (Caller, 1);

  self->call = call;
  self->channel = g_object_ref (channel);
  self->options.timeout = call->timeout;
  self->n_slots = method->result != NULL ? method->result->n_fields : 0;
  self->slots = g_new0 (CliSlot, self->n_slots + 1);
  self->results = g_new0 (gpointer, self->n_slots + 1);
  for (guint i = 0; i < self->n_slots; i++)
    self->results[i] = &self->slots[i];
  self->args_json =
      cli_json_parse (call->args.source, call->args.text, call->args.length, &self->mistake);
  if (self->args_json != NULL)
    self->args =
        cli_template_new (method, NULL, self->args_json, call->args.source, &self->mistake);
  if (self->args == NULL || call->expect.text == NULL)
    return self;
  self->expect_json =
      cli_json_parse (call->expect.source, call->expect.text, call->expect.length, &self->mistake);
  if (self->expect_json != NULL)
    self->expect = cli_template_new (NULL, method->result->fields[0].type, self->expect_json,
                                     call->expect.source, &self->mistake);
  return self;
}

static void
bench_caller_free (gpointer caller)
{
  Caller *self = caller;

  g_clear_pointer (&self->args, cli_template_free);
  g_clear_pointer (&self->expect, cli_template_free);
  g_clear_pointer (&self->args_json, cli_json_free);
  g_clear_pointer (&self->expect_json, cli_json_free);
  g_clear_error (&self->mistake);
  g_object_unref (self->channel);
  g_free (self->slots);
  g_free (self->results);
  g_free (self);
}

static void
prepare_bench_call (gpointer caller, guint64 number)
{
  Caller *self = caller;

  if (self->args == NULL)
    return;
  if (self->mistake != NULL)
    g_clear_error (&self->mistake);
  self->next = cli_template_get (self->args, number, &self->mistake);
}

static gboolean
call_method (gpointer caller, GError **error)
{
  Caller *self = caller;

  if (self->next != NULL)
    return tally_channel_call_with (self->channel, self->call->method.table, self->next,
                                    self->results, &self->options, error);
  if (error != NULL)
    *error = g_error_copy (self->mistake);
  return FALSE;
}

static void
fail_soon (Caller *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self->channel, NULL, callback, user_data);

  g_task_return_error (task, g_error_copy (self->mistake));
}

static void
begin (gpointer caller, GAsyncReadyCallback callback, gpointer user_data)
{
  Caller *self = caller;

  if (self->next != NULL)
    tally_channel_call_async (self->channel, self->call->method.table, self->next, &self->options,
                              NULL, callback, user_data);
  else
    fail_soon (self, callback, user_data);
}

static gboolean
finish (gpointer caller, GAsyncResult *result, GError **error)
{
  Caller *self = caller;

  if (G_IS_TASK (result))
    return g_task_propagate_boolean (G_TASK (result), error);
  return tally_channel_call_finish (self->channel, self->call->method.table, result, self->results,
                                    error);
}

/* In one line, cut where it is long. (transfer full) */
static gchar *
show_result_briefly (const TallyType *type, gconstpointer slot)
{
  g_autofree gchar *text = NULL;
  IdlJson json;
  glong length;

  cli_flat_begin (&json);
  cli_show (&json, NULL, type, slot);
  text = cli_flat_end (&json);
  length = g_utf8_strlen (text, -1);
  return g_utf8_substring (text, 0, MIN (length, 100));
}

static gboolean
is_expected (Caller *self, guint64 number, GError **error)
{
  const TallyType *type = self->call->method.table->result->fields[0].type;
  gconstpointer expected = cli_template_get (self->expect, number, error);
  g_autofree gchar *shown = NULL;

  if (expected == NULL)
    return FALSE;
  if (tally_value_equal (type, expected, self->results[0]))
    return TRUE;
  shown = show_result_briefly (type, self->results[0]);
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_FAILED, "a result is not as --expect says: %s",
               shown);
  return FALSE;
}

/* That the result has the method's type was seen when it was decoded. */
static gboolean
check (gpointer caller, guint64 number, GError **error)
{
  Caller *self = caller;
  gboolean is_right = self->expect == NULL || error == NULL || is_expected (self, number, error);

  for (guint i = 0; i < self->n_slots; i++)
    tally_value_clear (self->call->method.table->result->fields[i].type, &self->slots[i]);
  return is_right;
}

gboolean
cli_bench_call_check (const CliBenchCall *call, GError **error)
{
  const TallyStructInfo *result = call->method.table->result;
  g_autoptr (TallyChannel) nowhere = NULL;
  Caller *caller;
  gboolean is_well;

  if (call->expect.text != NULL
      && (result == NULL || result->n_fields == 0 || result->fields[0].id != 0))
    {
      g_set_error (error, CLI_INPUT_ERROR, 0, "--expect: %s returns nothing",
                   call->method.table->name);
      return FALSE;
    }
  nowhere = tally_channel_new ("unix:@nowhere", error);
  caller = bench_caller_new ((gpointer) call, nowhere, 0);
  is_well = caller->mistake == NULL;
  if (!is_well)
    g_propagate_error (error, g_steal_pointer (&caller->mistake));
  bench_caller_free (caller);
  return is_well;
}

LoadWork
cli_bench_call_get_work (const CliBenchCall *call)
{
  return (
      LoadWork){ bench_caller_new, bench_caller_free, prepare_bench_call, call_method, check, begin,
                 finish,           (gpointer) call };
}
