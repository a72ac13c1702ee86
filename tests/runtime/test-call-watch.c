/* What is built on interceptors: statistics of each method, and the log, of a channel and of a server. */
#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>
#include <unistd.h>

#include "recorder.h"
#include "server-fixture.h"
#include "tally-call-log.h"
#include "tally-call-statistics.h"
#include "tls-relay-socket.h"

#define BINARY (&framed_binary)

/* A channel to a server, and what each of them has. */
typedef struct
{
  Running *running;
  gchar *uri; /* the channel's */
  TallyPool *pool;
  TallyChannel *channel;
} Pair;

static void
connect_pair (Pair *self, const gchar *query, gpointer at_channel, gpointer at_server)
{
  self->uri = running_dup_client_uri (self->running, query);
  self->pool = tls_relay_new_pool ();
  self->channel = tally_channel_new_with_pool (self->uri, self->pool, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (self->channel);
  if (at_channel != NULL)
    tally_channel_add_interceptor (self->channel, at_channel);
  if (at_server != NULL)
    tally_server_add_interceptor (self->running->server, at_server);
}

static void
pair_start (Pair *self, gpointer at_channel, gpointer at_server)
{
  self->running = running_start (BINARY, NULL, NULL);
  connect_pair (self, "mode=pooled", at_channel, at_server);
}

/* pair_start () with headers. */
static void
pair_start_with_headers (Pair *self, gpointer at_channel, gpointer at_server, const gchar *mode)
{
  TestHandler *handler = g_object_new (test_handler_get_type (), NULL);
  g_autofree gchar *query = g_strconcat ("transport=header&mode=", mode, NULL);

  self->running = running_start_at (test_processor_new (derived_processor_get_type (), handler),
                                    handler, "tcp://127.0.0.1:0", "transport=header");
  connect_pair (self, query, at_channel, at_server);
}

static void
pair_stop (Pair *self)
{
  tally_pool_close (self->pool);
  g_object_unref (self->channel);
  g_object_unref (self->pool);
  running_stop (self->running);
  g_free (self->uri);
}

/* Whether the call came to a result. */
static gboolean
call (const Pair *self, const gchar *method, const gchar *text)
{
  TextArgs args = { (gchar *) text };

  return tally_channel_call (self->channel,
                             tally_service_find_method (&base_service, method, strlen (method)),
                             &args, NULL, -1, NULL, NULL);
}

/* ---- statistics ---- */

static const TallyMethodStatistics *
find (const GPtrArray *snapshot, gboolean is_server, const gchar *method)
{
  for (guint i = 0; i < snapshot->len; i++)
    {
      const TallyMethodStatistics *each = g_ptr_array_index (snapshot, i);

      if (each->is_server == is_server && strcmp (each->method, method) == 0)
        return each;
    }
  CU_FAIL_FATAL ("the method was not counted");
  return NULL;
}

static void
check_echo (const TallyMethodStatistics *echo)
{
  CU_ASSERT_PTR_NULL (echo->service);
  assert_int (echo->n_errors, 0);
  assert_int (echo->calls, 3);
  assert_int (echo->outcomes[TALLY_CALL_ANSWERED], 3);
  assert_int (echo->attempts, 3);
  assert_int (echo->time.count, 3);
  CU_ASSERT (echo->time.max >= tally_histogram_quantile (&echo->time, 0.5));
  CU_ASSERT (echo->request_bytes > 3 * strlen ("echohello"));
  CU_ASSERT (echo->reply_bytes > 3 * strlen ("echohello"));
}

static guint64
count_errors (const TallyMethodStatistics *method, GQuark domain, gint code)
{
  guint64 count = 0;

  for (guint i = 0; i < method->n_errors; i++)
    if (method->errors[i].domain == domain && method->errors[i].code == code)
      count += method->errors[i].count;
  return count;
}

static void
check_act (const TallyMethodStatistics *act)
{
  assert_int (count_errors (act, THRIFT_APPLICATION_EXCEPTION_ERROR,
                            THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR),
              2);
  assert_int (act->n_errors, act->is_server ? 1 : 2); /* what it declares is no error to a server */
  assert_int (act->calls, 3);
  assert_int (act->outcomes[TALLY_CALL_DECLARED], 1);
  assert_int (act->outcomes[TALLY_CALL_EXCEPTION], 2);
}

static void
each_method_is_counted_on_both_sides (void)
{
  g_autoptr (TallyCallStatistics) statistics = tally_call_statistics_new ();
  g_autoptr (GPtrArray) snapshot = NULL;
  Pair pair;

  pair_start (&pair, statistics, statistics);
  for (guint i = 0; i < 3; i++)
    CU_ASSERT_TRUE (call (&pair, "echo", "hello"));
  CU_ASSERT_FALSE (call (&pair, "act", "declared"));
  CU_ASSERT_FALSE (call (&pair, "act", "error"));
  CU_ASSERT_FALSE (call (&pair, "act", "error"));
  snapshot = tally_call_statistics_dup_snapshot (statistics);
  assert_int (snapshot->len, 4);
  CU_ASSERT_FALSE (((TallyMethodStatistics *) g_ptr_array_index (snapshot, 0))->is_server);
  check_echo (find (snapshot, FALSE, "echo"));
  check_echo (find (snapshot, TRUE, "echo"));
  check_act (find (snapshot, FALSE, "act"));
  check_act (find (snapshot, TRUE, "act"));
  assert_int (find (snapshot, FALSE, "echo")->request_bytes,
              find (snapshot, TRUE, "echo")->request_bytes);
  assert_int (find (snapshot, FALSE, "echo")->reply_bytes,
              find (snapshot, TRUE, "echo")->reply_bytes);
  pair_stop (&pair);
}

/* By the header transport requests of a shared channel run apart. */
static void
requests_with_headers_are_counted (void)
{
  static const gchar *const modes[] = { "pooled", "shared" };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autoptr (TallyCallStatistics) statistics = tally_call_statistics_new ();
      g_autoptr (GPtrArray) snapshot = NULL;
      Pair pair;

      pair_start_with_headers (&pair, statistics, statistics, modes[i]);
      for (guint k = 0; k < 3; k++)
        CU_ASSERT_TRUE (call (&pair, "echo", "hello"));
      snapshot = tally_call_statistics_dup_snapshot (statistics);
      check_echo (find (snapshot, FALSE, "echo"));
      check_echo (find (snapshot, TRUE, "echo"));
      pair_stop (&pair);
    }
}

static void
refuse_as_told (Recorder *recorder, TallyCallInfo *info)
{
  recorder->refuse_code = GPOINTER_TO_INT (recorder->user_data);
}

/* Codes may be the peers' words. */
static void
errors_are_counted_by_kind (void)
{
  g_autoptr (TallyCallStatistics) statistics = tally_call_statistics_new ();
  g_autoptr (Recorder) recorder = recorder_new ("bouncer", NULL);
  g_autoptr (GPtrArray) snapshot = NULL;
  const TallyMethodStatistics *echo;
  Pair pair;

  pair_start (&pair, statistics, statistics);
  tally_server_add_interceptor (pair.running->server, TALLY_INTERCEPTOR (recorder));
  recorder->refuse_domain = THRIFT_APPLICATION_EXCEPTION_ERROR;
  recorder->act = refuse_as_told;
  for (guint i = 0; i < 100; i++)
    {
      recorder->user_data = GINT_TO_POINTER (1000 + i % 50);
      CU_ASSERT_FALSE (call (&pair, "echo", "hello"));
    }
  snapshot = tally_call_statistics_dup_snapshot (statistics);
  for (guint side = 0; side < 2; side++)
    {
      echo = find (snapshot, side, "echo");
      assert_int (echo->n_errors, 33);
      assert_int (count_errors (echo, THRIFT_APPLICATION_EXCEPTION_ERROR, 1000), 2);
      assert_int (count_errors (echo, THRIFT_APPLICATION_EXCEPTION_ERROR, 1031), 2);
      assert_int (count_errors (echo, 0, 0), 36);
    }
  pair_stop (&pair);
}

/* Names that clients make up take no memory. */
static void
unknown_methods_are_counted_together (void)
{
  g_autoptr (TallyCallStatistics) statistics = tally_call_statistics_new ();
  g_autoptr (GPtrArray) snapshot = NULL;
  TallyBuffer request = { NULL, 0, 0 };
  Pair pair;
  gint fd;

  pair_start (&pair, NULL, statistics);
  fd = peer_connect (pair.running);
  for (guint i = 0; i < 20; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("made-up-%u", i);
      Answer answer;

      write_request (&request, BINARY, name, T_CALL, 1, NULL, NULL);
      peer_send (fd, &request);
      CU_ASSERT_TRUE (peer_receive (fd, BINARY, TALLY_KIND_BOOL, &answer));
      answer_clear (&answer);
    }
  snapshot = tally_call_statistics_dup_snapshot (statistics);
  assert_int (snapshot->len, 1);
  assert_int (find (snapshot, TRUE, "(others)")->outcomes[TALLY_CALL_EXCEPTION], 20);
  close (fd);
  pair_stop (&pair);
}

/* A channel can have a lot of methods too. */
static void
methods_past_a_thousand_are_counted_together (void)
{
  g_autoptr (TallyCallStatistics) statistics = tally_call_statistics_new ();
  g_autoptr (GPtrArray) snapshot = NULL;
  Pair pair;

  pair_start (&pair, statistics, NULL);
  for (guint i = 0; i < 1010; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("m%u", i);
      TallyMethod method = *test_ping_method;

      method.name = name;
      method.name_length = strlen (name);
      tally_channel_call (pair.channel, &method, NULL, NULL, -1, NULL, NULL);
    }
  snapshot = tally_call_statistics_dup_snapshot (statistics);
  assert_int (snapshot->len, 1001);
  assert_int (find (snapshot, FALSE, "(others)")->calls, 10);
  assert_int (find (snapshot, FALSE, "m7")->calls, 1);
  pair_stop (&pair);
}

/* ---- the log ---- */

static GMutex lock;
static GHashTable
    *written;           /* lock: "FIELD of SIDE" to its text, of the last message of each side */
static guint n_written; /* lock */

static gchar *
dup_value (const GLogField *field)
{
  return field->length < 0 ? g_strdup (field->value)
                           : g_strndup (field->value, (gsize) field->length);
}

static const gchar *
find_field (const GLogField *fields, gsize n_fields, const gchar *key)
{
  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, key) == 0)
      return fields[i].value;
  return NULL;
}

static GLogWriterOutput
write_down (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  const gchar *side = find_field (fields, n_fields, "TALLY_SIDE");

  if (side == NULL)
    return G_LOG_WRITER_HANDLED;
  g_mutex_lock (&lock);
  n_written++;
  for (gsize i = 0; i < n_fields; i++)
    g_hash_table_replace (written, g_strconcat (fields[i].key, " ", side, NULL),
                          dup_value (&fields[i]));
  g_mutex_unlock (&lock);
  return G_LOG_WRITER_HANDLED;
}

static const gchar *
read_field (const gchar *key)
{
  const gchar *text;

  g_mutex_lock (&lock);
  text = g_hash_table_lookup (written, key);
  g_mutex_unlock (&lock);
  return text;
}

static void
forget_what_was_written (void)
{
  g_mutex_lock (&lock);
  g_hash_table_remove_all (written);
  n_written = 0;
  g_mutex_unlock (&lock);
}

static void
each_call_is_logged_with_fields (void)
{
  g_autoptr (TallyCallLog) log = tally_call_log_new (G_LOG_LEVEL_DEBUG, G_LOG_LEVEL_WARNING);
  g_autofree gchar *address = NULL;
  Pair pair;

  forget_what_was_written ();
  pair_start (&pair, log, log);
  address = g_strndup (pair.uri, strcspn (pair.uri, "?"));
  CU_ASSERT_TRUE (call (&pair, "echo", "hello"));
  assert_string (read_field ("GLIB_DOMAIN client"), "tally");
  assert_string (read_field ("PRIORITY client"), "7");
  assert_string (read_field ("TALLY_METHOD client"), "echo");
  CU_ASSERT (g_str_has_prefix (read_field ("TALLY_PEER client"), address));
  assert_string (read_field ("TALLY_ATTEMPTS client"), "1");
  assert_string (read_field ("TALLY_OUTCOME client"), "answered");
  CU_ASSERT_PTR_NULL (read_field ("TALLY_ERROR client"));
  CU_ASSERT_PTR_NULL (read_field ("TALLY_SERVICE client"));
  CU_ASSERT_PTR_NOT_NULL (read_field ("TALLY_DURATION_USEC client"));
  CU_ASSERT (g_str_has_prefix (read_field ("MESSAGE client"), "echo at "));
  assert_string (read_field ("TALLY_METHOD server"), "echo");
  assert_string (read_field ("TALLY_PEER server"), "127.0.0.1");
  assert_string (read_field ("TALLY_REPLY_BYTES server"), read_field ("TALLY_REPLY_BYTES client"));
  assert_string (read_field ("TALLY_SEQID server"), read_field ("TALLY_SEQID client"));

  CU_ASSERT_FALSE (call (&pair, "act", "error"));
  assert_string (read_field ("PRIORITY server"), "4");
  assert_string (read_field ("TALLY_OUTCOME server"), "exception");
  CU_ASSERT_PTR_NOT_NULL (read_field ("TALLY_ERROR server"));
  CU_ASSERT (strstr (read_field ("MESSAGE client"), "act at ") != NULL);
  assert_int (n_written, 4);
  pair_stop (&pair);
}

static void
a_level_of_nothing_logs_nothing (void)
{
  g_autoptr (TallyCallLog) log = tally_call_log_new (0, G_LOG_LEVEL_INFO);
  Pair pair;

  forget_what_was_written ();
  pair_start (&pair, log, NULL);
  CU_ASSERT_TRUE (call (&pair, "echo", "hello"));
  assert_int (n_written, 0);
  CU_ASSERT_FALSE (call (&pair, "act", "error"));
  assert_int (n_written, 1);
  assert_string (read_field ("PRIORITY client"), "6");
  pair_stop (&pair);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (each_method_is_counted_on_both_sides),
    TEST (requests_with_headers_are_counted),
    TEST (errors_are_counted_by_kind),
    TEST (unknown_methods_are_counted_together),
    TEST (methods_past_a_thousand_are_counted_together),
    TEST (each_call_is_logged_with_fields),
    TEST (a_level_of_nothing_logs_nothing),
    { NULL, NULL },
  };

  written = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_log_set_writer_func (write_down, NULL, NULL);
  return test_main ("call-watch", cases, argc, argv);
}
