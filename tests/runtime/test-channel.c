/* Channels: what a URI makes of them, their options, what is refused. */
#include <thrift/c_glib/protocol/thrift_protocol.h>

#include "echo-service.h"
#include "harness.h"
#include "tally-call-statistics.h"
#include "tally-channel.h"
#include "tally-client.h"
#include "tally-error.h"

static void
options_come_from_the_uri (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TallyChannel) plain = tally_channel_new ("tcp://127.0.0.1:1", &error);
  g_autoptr (TallyChannel) hasty = tally_channel_new ("tcp://127.0.0.1:1?timeout=250", &error);
  g_autoptr (TallyChannel) patient = tally_channel_new ("unix:///tmp/s?timeout=0", &error);

  assert_no_error (error);
  assert_int (tally_channel_get_timeout (plain), 30000);
  assert_int (tally_channel_get_timeout (hasty), 250);
  assert_int (tally_channel_get_timeout (patient), 0);
  assert_int (tally_channel_get_max_message_size (plain), 16 << 20);
  CU_ASSERT_PTR_EQUAL (tally_channel_get_pool (plain), tally_pool_get_default ());
  CU_ASSERT_TRUE (tally_endpoint_equal (tally_channel_get_endpoint (plain),
                                        tally_channel_get_endpoint (hasty)));
}

static void
properties_are_the_options (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_autoptr (TallyChannel) channel = tally_channel_new_with_pool ("tcp://h:1", pool, NULL);
  g_autoptr (TallyChannel) lenient =
      tally_channel_new_with_pool ("tcp://h:1?strict=no", pool, NULL);
  guint timeout;
  guint size;
  guint depth;
  guint64 memory;
  gboolean strict;

  assert_int (tally_channel_get_max_depth (channel), 64);
  assert_int (tally_channel_get_max_message_memory (channel), 0);
  CU_ASSERT_TRUE (tally_channel_get_strict (channel));
  CU_ASSERT_FALSE (tally_channel_get_strict (lenient));
  g_object_set (channel, "max-depth", 100, "max-message-memory", G_GUINT64_CONSTANT (1) << 33,
                "strict", FALSE, NULL);
  g_object_get (channel, "max-depth", &depth, "max-message-memory", &memory, "strict", &strict,
                NULL);
  assert_int (depth, 100);
  CU_ASSERT_TRUE (memory == G_GUINT64_CONSTANT (1) << 33);
  CU_ASSERT_FALSE (strict);
  g_object_set (channel, "timeout", 7, "max-message-size", 99, NULL);
  g_object_get (channel, "timeout", &timeout, "max-message-size", &size, NULL);
  assert_int (timeout, 7);
  assert_int (size, 99);
  assert_int (tally_channel_get_timeout (channel), 7);
  assert_int (tally_channel_get_max_message_size (channel), 99);
  CU_ASSERT_PTR_EQUAL (tally_channel_get_pool (channel), pool);
}

static void
assert_refused (const gchar *uri, gint code, const gchar *part)
{
  g_autoptr (GError) error = NULL;

  CU_ASSERT_PTR_NULL (tally_channel_new (uri, &error));
  assert_error (error, TALLY_ERROR, code, part);
}

static void
what_it_cannot_do_is_refused_when_it_is_made (void)
{
  assert_refused ("tcp://h:0", TALLY_ERROR_INVALID_ARGUMENT, "port 0");
  assert_refused ("tcp://h", TALLY_ERROR_INVALID_ARGUMENT, "no port");
}

static void
count_notification (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  (*(guint *) user_data)++;
}

static void
setters_notify_of_what_changes (void)
{
  g_autoptr (TallyChannel) channel = tally_channel_new ("tcp://h:1", NULL);
  guint timeouts = 0;
  guint sizes = 0;

  g_signal_connect (channel, "notify::timeout", G_CALLBACK (count_notification), &timeouts);
  g_signal_connect (channel, "notify::max-message-size", G_CALLBACK (count_notification), &sizes);
  tally_channel_set_timeout (channel, 5);
  tally_channel_set_timeout (channel, 5);
  assert_int (timeouts, 1);
  g_object_set (channel, "timeout", 6, NULL);
  g_object_set (channel, "timeout", 6, NULL);
  assert_int (timeouts, 2);
  assert_int (sizes, 0);
  tally_channel_set_max_message_size (channel, 1000);
  g_object_set (channel, "max-message-size", 1000, NULL);
  assert_int (sizes, 1);
  g_object_set (channel, "max-message-size", 2000, NULL);
  assert_int (sizes, 2);
  assert_int (timeouts, 2);
}

/* Without a URI it leads nowhere. */
static void
without_an_endpoint_calls_are_refused (void)
{
  g_autoptr (TallyChannel) channel = g_object_new (TALLY_TYPE_CHANNEL, "timeout", 5, NULL);
  g_autoptr (GObject) client = g_object_new (TALLY_TYPE_CLIENT, "channel", channel, NULL);
  EchoArgs args = { (gchar *) "x" };

  CU_ASSERT_PTR_NULL (tally_channel_get_endpoint (channel));
  CU_ASSERT_PTR_EQUAL (tally_channel_get_pool (channel), tally_pool_get_default ());
  for (guint method = 0; method < N_ECHO_METHODS; method++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GError) of_client = NULL;
      g_autofree gchar *text =
          g_strdup_printf ("%s: the channel was made without an endpoint; nothing was sent",
                           echo_methods[method].name);

      CU_ASSERT_FALSE (
          tally_channel_call (channel, &echo_methods[method], &args, NULL, -1, NULL, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED, text);
      CU_ASSERT_FALSE (tally_client_call (client, &echo_methods[method], &args, NULL, &of_client));
      assert_error (of_client, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED, text);
    }
}

static gboolean
answer_at_length (EchoRequest *request)
{
  g_free (request->text);
  request->text = g_strnfill (5000, 'y');
  return echo_honest (request);
}

/* All of it may have come at once; it is the message that is too long. */
static void
a_reply_past_the_limit_is_refused (void)
{
  static const gchar *options[] = { "?", "?transport=buffered&", "?protocol=compact&",
                                    "?protocol=compact&transport=buffered&" };

  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    {
      g_autoptr (TallyPool) pool = tally_pool_new ();
      g_auto (EchoServer) server;
      g_autoptr (TallyChannel) channel = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree gchar *reply = NULL;

      echo_server_start (&server, answer_at_length, options[i], NULL);
      channel = echo_server_connect (&server, pool);
      CU_ASSERT_TRUE (echo_call (channel, ECHO_ECHO, "x", &reply, &error));
      assert_no_error (error);
      g_clear_pointer (&reply, g_free);
      tally_channel_set_max_message_size (channel, 100);
      CU_ASSERT_FALSE (echo_call (channel, ECHO_ECHO, "x", &reply, &error));
      assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT,
                    echo_get_place ());
      tally_pool_close (pool);
    }
}

static void
interceptors_live_as_long_as_their_channel (void)
{
  g_autoptr (TallyChannel) channel = tally_channel_new ("tcp://localhost:9", NULL);
  TallyCallStatistics *statistics = tally_call_statistics_new ();
  gpointer alive = statistics;

  tally_channel_add_interceptor (channel, TALLY_INTERCEPTOR (statistics));
  g_object_add_weak_pointer (G_OBJECT (statistics), &alive);
  g_object_unref (statistics);
  CU_ASSERT_PTR_NOT_NULL (alive);
  g_clear_object (&channel);
  CU_ASSERT_PTR_NULL (alive);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (options_come_from_the_uri),
    TEST (properties_are_the_options),
    TEST (what_it_cannot_do_is_refused_when_it_is_made),
    TEST (setters_notify_of_what_changes),
    TEST (without_an_endpoint_calls_are_refused),
    TEST (a_reply_past_the_limit_is_refused),
    TEST (interceptors_live_as_long_as_their_channel),
    { NULL },
  };

  return test_main ("channel", cases, argc, argv);
}
