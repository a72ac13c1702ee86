/* The headers and the deadline of a request that is answered later. */
#include <string.h>

#include "server-fixture.h"
#include "tally-channel.h"
#include "tally-pool.h"
#include "tls-relay-socket.h"

/* Hands its replies to the test. */
typedef struct
{
  TestHandler parent;
  GAsyncQueue *replies; /* of TallyReply */
  gint64 deadline;      /* of the last request, as its thread was told */
  gboolean was_set;     /* its reply's header, by its thread */
} HandingHandler;
typedef TestHandlerClass HandingHandlerClass;
static GType handing_handler_get_type (void);
G_DEFINE_TYPE (HandingHandler, handing_handler, test_handler_get_type ())

static void
hand_over (TestHandler *handler, const gchar *text, TallyReply *reply)
{
  HandingHandler *self = (HandingHandler *) handler;

  self->deadline = tally_server_get_request_deadline ();
  self->was_set = tally_server_set_reply_header ("by", "the thread");
  g_async_queue_push (self->replies, tally_reply_ref (reply));
}

static void
handing_handler_finalize (GObject *object)
{
  g_async_queue_unref (((HandingHandler *) object)->replies);
  G_OBJECT_CLASS (handing_handler_parent_class)->finalize (object);
}

static void
handing_handler_class_init (HandingHandlerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = handing_handler_finalize;
  klass->echo_async = hand_over;
}

static void
handing_handler_init (HandingHandler *self)
{
  self->replies = g_async_queue_new ();
}

typedef struct
{
  Running *running;
  HandingHandler *handler;
  TallyPool *pool;
  TallyChannel *channel;
} Stage;

static void
stage_init (Stage *self)
{
  g_autofree gchar *uri = NULL;
  GError *error = NULL;

  self->handler = g_object_new (handing_handler_get_type (), NULL);
  self->running =
      running_start_at (test_processor_new (derived_processor_get_type (),
                                            (TestHandler *) self->handler),
                        (TestHandler *) self->handler, "tcp://127.0.0.1:0", "transport=header");
  self->pool = tls_relay_new_pool ();
  uri = running_dup_client_uri (self->running, "transport=header");
  self->channel = tally_channel_new_with_pool (uri, self->pool, &error);
  assert_no_error (error);
}

static void
stage_clear (Stage *self)
{
  tally_pool_close (self->pool);
  g_object_unref (self->channel);
  g_object_unref (self->pool);
  running_stop (self->running);
}

/* ---- calls ---- */

typedef struct
{
  Stage *stage;
  TallyHeaders *back;
  gint timeout;
} Caller;

static gpointer
call_echo (gpointer data)
{
  Caller *self = data;
  TallyCallOptions options = { .timeout = self->timeout, .reply_headers = self->back };
  TextArgs args = { (gchar *) "x" };
  gchar *reply = NULL;
  gpointer results[] = { &reply };
  GError *error = NULL;

  tally_channel_call_with (self->stage->channel, test_echo_method, &args, results, &options,
                           &error);
  assert_no_error (error);
  assert_string (reply, "later");
  g_free (reply);
  return NULL;
}

static void
answer (TallyReply *reply)
{
  const gchar *text = "later";
  GError *error = NULL;

  CU_ASSERT_TRUE (tally_reply_return (reply, test_echo_method, &text, &error));
  assert_no_error (error);
}

typedef struct
{
  TallyReply *reply;
  guint n_set;
} Setter;

static gpointer
set_until_answered (gpointer data)
{
  Setter *self = data;
  gchar name[32];

  do
    g_snprintf (name, sizeof name, "%p %u", data, self->n_set);
  while (tally_reply_set_header (self->reply, name, "set") && ++self->n_set < 200);
  return NULL;
}

/* Each that was taken is sent; each that comes too late is refused. */
static void
headers_may_be_set_while_another_thread_answers (void)
{
  Stage stage;

  stage_init (&stage);
  for (guint i = 0; i < 30; i++)
    {
      g_autoptr (TallyHeaders) back = tally_headers_new ();
      Caller caller = { &stage, back, -1 };
      GThread *thread = g_thread_new ("caller", call_echo, &caller);
      g_autoptr (TallyReply) reply = g_async_queue_pop (stage.handler->replies);
      Setter setters[3] = { { NULL } };
      GThread *threads[3];
      guint n_set = 0;

      for (guint k = 0; k < G_N_ELEMENTS (setters); k++)
        {
          setters[k].reply = reply;
          threads[k] = g_thread_new ("setter", set_until_answered, &setters[k]);
        }
      answer (reply);
      for (guint k = 0; k < G_N_ELEMENTS (setters); k++)
        {
          g_thread_join (threads[k]);
          n_set += setters[k].n_set;
        }
      g_thread_join (thread);
      assert_int (tally_headers_get_size (back), n_set);
      CU_ASSERT_FALSE (tally_reply_set_header (reply, "too", "late"));
    }
  stage_clear (&stage);
}

/* The reply may be answered, and gone, before the handler's function returns. */
static void
the_handlers_thread_sets_no_header (void)
{
  g_autoptr (TallyHeaders) back = tally_headers_new ();
  Stage stage;
  Caller caller = { &stage, back, -1 };
  GThread *thread;
  TallyReply *reply;

  stage_init (&stage);
  thread = g_thread_new ("caller", call_echo, &caller);
  reply = g_async_queue_pop (stage.handler->replies);
  CU_ASSERT_FALSE (stage.handler->was_set);
  CU_ASSERT_TRUE (tally_reply_set_header (reply, "by", "the reply"));
  answer (reply);
  tally_reply_unref (reply);
  g_thread_join (thread);
  assert_string (tally_headers_lookup (back, "by"), "the reply");
  stage_clear (&stage);
}

static void
no_deadline_is_0_everywhere (void)
{
  static const gint timeouts[] = { -1, 3600000 };
  Stage stage;

  assert_int (tally_server_get_request_deadline (), 0);
  stage_init (&stage);
  for (guint i = 0; i < G_N_ELEMENTS (timeouts); i++)
    {
      Caller caller = { &stage, NULL, timeouts[i] };
      GThread *thread = g_thread_new ("caller", call_echo, &caller);
      TallyReply *reply = g_async_queue_pop (stage.handler->replies);

      assert_int (stage.handler->deadline > 0, timeouts[i] > 0);
      assert_int (tally_reply_get_deadline (reply), stage.handler->deadline);
      answer (reply);
      tally_reply_unref (reply);
      g_thread_join (thread);
    }
  stage_clear (&stage);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (headers_may_be_set_while_another_thread_answers),
    TEST (the_handlers_thread_sets_no_header),
    TEST (no_deadline_is_0_everywhere),
    { NULL, NULL },
  };

  return test_main ("later-headers", cases, argc, argv);
}
