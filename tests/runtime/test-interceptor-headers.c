/* The headers that interceptors are shown, at channel and server, and those that they add. */
#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>
#include <unistd.h>

#include "recorder.h"
#include "server-fixture.h"
#include "tally-channel.h"
#include "tally-pool.h"
#include "tls-relay-socket.h"

static const gchar *const modes[] = { "pooled", "unpooled", "shared" };

typedef struct
{
  Running *running;
  TallyPool *pool;
  TallyChannel *channel;
  Recorder *at_client;
  Recorder *at_server;
} Stage;

static void
stage_init (Stage *self, const gchar *query, const gchar *mode)
{
  TestHandler *handler = g_object_new (test_handler_get_type (), NULL);
  g_autofree gchar *client = g_strdup_printf ("transport=%s&mode=%s", query, mode);
  g_autofree gchar *uri = NULL;
  GError *error = NULL;

  self->pool = tls_relay_new_pool ();
  self->running = running_start_at (test_processor_new (derived_processor_get_type (), handler),
                                    handler, "tcp://127.0.0.1:0", "transport=auto&protocol=auto");
  uri = running_dup_client_uri (self->running, client);
  self->channel = tally_channel_new_with_pool (uri, self->pool, &error);
  assert_no_error (error);
  self->at_client = recorder_new ("client", NULL);
  self->at_server = recorder_new ("server", NULL);
  tally_channel_add_interceptor (self->channel, TALLY_INTERCEPTOR (self->at_client));
  tally_server_add_interceptor (self->running->server, TALLY_INTERCEPTOR (self->at_server));
}

static void
stage_clear (Stage *self)
{
  tally_pool_close (self->pool);
  running_stop (self->running);
  g_object_unref (self->channel);
  g_object_unref (self->pool);
  g_object_unref (self->at_client);
  g_object_unref (self->at_server);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Stage, stage_clear)

static void
on_called (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static gchar *
call_async (TallyChannel *channel,
            const TallyMethod *method,
            const TextArgs *args,
            const TallyCallOptions *options,
            GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GAsyncResult) result = NULL;
  gchar *reply = NULL;
  gpointer results[] = { &reply, NULL };

  g_main_context_push_thread_default (context);
  tally_channel_call_async (channel, method, args, options, NULL, on_called, &result);
  while (result == NULL)
    g_main_context_iteration (context, TRUE);
  tally_channel_call_finish (channel, method, result, results, error);
  g_main_context_pop_thread_default (context);
  return reply;
}

static gchar *
call (Stage *self,
      gboolean is_async,
      const gchar *name,
      const gchar *text,
      const TallyCallOptions *options,
      GError **error)
{
  const TallyMethod *method = tally_service_find_method (&base_service, name, strlen (name));
  TextArgs args = { (gchar *) text };
  gchar *reply = NULL;
  gpointer results[] = { &reply, NULL };

  if (is_async)
    return call_async (self->channel, method, &args, options, error);
  tally_channel_call_with (self->channel, method, &args, results, options, error);
  return reply;
}

static void
add_header (Recorder *recorder, TallyCallInfo *info)
{
  TallyHeaders *headers = tally_call_info_get_request_headers (info);

  if (headers != NULL)
    tally_headers_set (headers, "added", recorder->user_data);
}

static void
assert_header (TallyHeaders *headers, const gchar *name, const gchar *value)
{
  CU_ASSERT_PTR_NOT_NULL_FATAL (headers);
  assert_string (tally_headers_lookup (headers, name), value);
}

/* On both sides, by whichever side they were set; the caller's own stay as they are. */
static void
headers_of_request_and_reply_are_shown (void)
{
  for (guint i = 0; i < 2 * G_N_ELEMENTS (modes); i++)
    {
      g_auto (Stage) stage;
      g_autoptr (TallyHeaders) headers = tally_headers_new ();
      g_autoptr (TallyHeaders) back = tally_headers_new ();
      TallyCallOptions options = { .headers = headers, .reply_headers = back };
      g_autoptr (GError) error = NULL;
      g_autofree gchar *reply = NULL;
      TallyCallInfo *infos[2];

      stage_init (&stage, "header", modes[i / 2]);
      stage.at_client->act = add_header;
      stage.at_client->user_data = "by the client's";
      tally_headers_set (headers, "own", "mine");
      reply = call (&stage, i % 2, "echo", "header:added", &options, &error);
      assert_no_error (error);
      assert_string (reply, "by the client's");
      infos[0] = recorder_wait (stage.at_client, 1);
      infos[1] = recorder_wait (stage.at_server, 1);
      for (guint side = 0; side < 2; side++)
        {
          TallyHeaders *request = tally_call_info_get_request_headers (infos[side]);

          assert_header (request, "own", "mine");
          assert_header (request, "added", "by the client's");
          assert_header (tally_call_info_get_reply_headers (infos[side]), "seen",
                         "by the client's");
        }
      assert_string (tally_headers_lookup (back, "seen"), "by the client's");
      assert_int (tally_headers_get_size (back), 1);
      assert_int (tally_headers_get_size (headers), 1);
    }
}

static void
a_call_without_options_has_headers (void)
{
  for (guint i = 0; i < 2; i++)
    {
      g_auto (Stage) stage;
      g_autoptr (GError) error = NULL;
      g_autofree gchar *reply = NULL;

      stage_init (&stage, "header", "pooled");
      stage.at_client->act = add_header;
      stage.at_client->user_data = "yes";
      reply = call (&stage, i, "echo", "header:added", NULL, &error);
      assert_no_error (error);
      assert_string (reply, "yes");
    }
}

/* The handler cannot tell what a server's interceptor added from what the client sent. */
static void
a_servers_interceptor_may_add_headers (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) /* a shared channel's requests run apart */
    {
      g_auto (Stage) stage;
      g_autoptr (GError) error = NULL;
      g_autofree gchar *reply = NULL;

      stage_init (&stage, "header", modes[i]);
      stage.at_server->act = add_header;
      stage.at_server->user_data = "by the server's";
      reply = call (&stage, FALSE, "echo", "header:added", NULL, &error);
      assert_no_error (error);
      assert_string (reply, "by the server's");
      CU_ASSERT_PTR_NULL (tally_headers_lookup (
          tally_call_info_get_request_headers (recorder_wait (stage.at_client, 1)), "added"));
    }
}

static void
set_reply_header (Recorder *recorder, TallyCallInfo *info)
{
  CU_ASSERT_TRUE (tally_server_set_reply_header ("by", "an interceptor"));
}

/* An exception has headers too, also one of an interceptor's that refuses. */
static void
an_exception_has_headers (void)
{
  for (guint i = 0; i < 2 * G_N_ELEMENTS (modes); i++)
    {
      g_auto (Stage) stage;
      g_autoptr (GError) error = NULL;
      g_autofree gchar *reply = NULL;

      stage_init (&stage, "header", modes[i / 2]);
      stage.at_server->act = set_reply_header;
      stage.at_server->refuse_domain = i % 2 ? G_IO_ERROR : 0;
      reply = call (&stage, FALSE, "act", "error", NULL, &error);
      assert_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                    THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR, NULL);
      assert_int (tally_call_info_get_outcome (recorder_wait (stage.at_server, 1)),
                  i % 2 ? TALLY_CALL_REFUSED : TALLY_CALL_EXCEPTION);
      assert_header (tally_call_info_get_reply_headers (stage.at_server->last), "by",
                     "an interceptor");
      assert_header (tally_call_info_get_reply_headers (recorder_wait (stage.at_client, 1)), "by",
                     "an interceptor");
    }
}

/* A channel's refusal: there is a request, of which nothing was sent, and no reply. */
static void
a_refused_call_has_no_reply_headers (void)
{
  for (guint i = 0; i < 2; i++)
    {
      g_auto (Stage) stage;
      g_autoptr (TallyHeaders) headers = tally_headers_new ();
      g_autoptr (TallyHeaders) back = tally_headers_new ();
      TallyCallOptions options = { .headers = headers, .reply_headers = back };
      g_autoptr (GError) error = NULL;
      g_autofree gchar *reply = NULL;
      TallyCallInfo *info;

      stage_init (&stage, "header", "pooled");
      stage.at_client->refuse_domain = G_IO_ERROR;
      tally_headers_set (headers, "own", "mine");
      reply = call (&stage, i, "echo", "x", &options, &error);
      CU_ASSERT_PTR_NULL (reply);
      info = recorder_wait (stage.at_client, 1);
      assert_header (tally_call_info_get_request_headers (info), "own", "mine");
      assert_int (tally_headers_get_size (tally_call_info_get_reply_headers (info)), 0);
      assert_int (tally_headers_get_size (back), 0);
    }
}

static void
messages_without_headers_show_none (void)
{
  for (guint i = 0; i < 2 * G_N_ELEMENTS (modes); i++)
    {
      g_auto (Stage) stage;
      g_autoptr (TallyHeaders) headers = tally_headers_new ();
      TallyCallOptions options = { .headers = headers };
      g_autoptr (GError) error = NULL;
      g_autofree gchar *reply = NULL;

      stage_init (&stage, "framed", modes[i / 2]);
      stage.at_client->act = add_header;
      stage.at_client->user_data = "no";
      reply = call (&stage, i % 2, "echo", "header:added", &options, &error);
      assert_no_error (error);
      assert_string (reply, "");
      recorder_wait (stage.at_client, 1);
      recorder_wait (stage.at_server, 1);
      CU_ASSERT_PTR_NULL (tally_call_info_get_request_headers (stage.at_client->last));
      CU_ASSERT_PTR_NULL (tally_call_info_get_reply_headers (stage.at_client->last));
      CU_ASSERT_PTR_NULL (tally_call_info_get_request_headers (stage.at_server->last));
      CU_ASSERT_PTR_NULL (tally_call_info_get_reply_headers (stage.at_server->last));
    }
}

/* What an interceptor keeps is its call's own. */
static void
each_call_has_its_own_headers (void)
{
  g_auto (Stage) stage;
  g_autoptr (TallyCallInfo) first = NULL;

  stage_init (&stage, "header", "pooled");
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (TallyHeaders) headers = tally_headers_new ();
      TallyCallOptions options = { .headers = headers };
      g_autofree gchar *reply = NULL;
      GError *error = NULL;

      tally_headers_set (headers, "own", i == 0 ? "first" : "second");
      reply = call (&stage, FALSE, "echo", "header:own", &options, &error);
      assert_no_error (error);
      if (i == 0)
        first = g_object_ref (recorder_wait (stage.at_client, 1));
    }
  assert_header (tally_call_info_get_request_headers (first), "own", "first");
  assert_header (tally_call_info_get_reply_headers (first), "seen", "first");
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (headers_of_request_and_reply_are_shown), TEST (a_call_without_options_has_headers),
    TEST (a_servers_interceptor_may_add_headers),  TEST (an_exception_has_headers),
    TEST (a_refused_call_has_no_reply_headers),    TEST (messages_without_headers_show_none),
    TEST (each_call_has_its_own_headers),          { NULL, NULL },
  };

  /* what GLib opens once */
  g_main_context_default ();
  g_type_ensure (G_TYPE_TASK);
  return test_main ("interceptor-headers", cases, argc, argv);
}
