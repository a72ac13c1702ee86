/* Owns the tests of TallyServer with peers that behave: many at once, slow handlers, pipelines,
 * processors of every kind. */
#include <string.h>
#include <thrift/c_glib/processor/thrift_multiplexed_processor.h>
#include <thrift/c_glib/thrift_application_exception.h>
#include <unistd.h>

#include "server-fixture.h"
#include "test-stream.h"

/* ---- many clients ---- */

#define N_CLIENTS 64
#define N_THREADS 4
#define N_CALLS 40

typedef struct
{
  Running *running;
  guint failed;
  pthread_t thread;
} Client;

/* Each thread keeps its share of the connections busy at once. */
static void *
call_on_many (void *data)
{
  Client *client = data;
  gint fds[N_CLIENTS / N_THREADS];

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    fds[i] = peer_connect_and_greet (client->running);
  for (guint call = 0; call < N_CALLS; call++)
    {
      for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
        {
          TallyBuffer request = { NULL, 0, 0 };
          g_autofree gchar *text = g_strdup_printf ("call %u on %u", call, i);

          write_echo (&request, client->running->speech, call, text);
          peer_send (fds[i], &request);
        }
      for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
        {
          g_autofree gchar *text = g_strdup_printf ("call %u on %u", call, i);
          Answer answer;

          if (!peer_receive (fds[i], client->running->speech, TALLY_KIND_STRING, &answer)
              || answer.seqid != (gint32) call || g_strcmp0 (answer.text, text) != 0)
            client->failed++;
          answer_clear (&answer);
        }
    }
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
  return NULL;
}

static void
many_connections (void)
{
  for (guint s = 0; s < 2; s++)
    {
      Running *running = running_start (&all_speeches[s], NULL, NULL);
      Client clients[N_THREADS];
      TallyServerSnapshot statistics;

      for (guint i = 0; i < N_THREADS; i++)
        {
          clients[i] = (Client){ .running = running };
          pthread_create (&clients[i].thread, NULL, call_on_many, &clients[i]);
        }
      for (guint i = 0; i < N_THREADS; i++)
        {
          pthread_join (clients[i].thread, NULL);
          assert_int (clients[i].failed, 0);
        }
      tally_server_snapshot (running->server, &statistics);
      assert_int (statistics.accepted, N_CLIENTS);
      assert_int (statistics.requests, N_CLIENTS * (N_CALLS + 1));
      running_stop (running);
    }
}

static void *
call_one_by_one (void *data)
{
  Client *client = data;
  gint fd = peer_connect (client->running);

  for (guint i = 0; i < 1000; i++)
    client->failed += !peer_echoes (fd, client->running->speech, i, "0123456789abcdef");
  close (fd);
  return NULL;
}

/* Hot connections, each of them pinned to a worker for a time, beside a cold one. */
static void
hot_connections (void)
{
  Running *running = running_start (&framed_binary, NULL, NULL);
  gint cold = peer_connect (running);
  Client clients[3];

  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      clients[i] = (Client){ .running = running };
      pthread_create (&clients[i].thread, NULL, call_one_by_one, &clients[i]);
    }
  CU_ASSERT (peer_echoes (cold, &framed_binary, 1, "cold"));
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      pthread_join (clients[i].thread, NULL);
      assert_int (clients[i].failed, 0);
    }
  CU_ASSERT (peer_echoes (cold, &framed_binary, 2, "cold"));
  close (cold);
  running_stop (running);
}

static void
one_worker_serves_all (void)
{
  Running *running = running_start (&framed_binary, NULL, "max-workers=1");
  gint a = peer_connect (running);
  gint b = peer_connect (running);

  for (guint i = 0; i < 100; i++)
    {
      CU_ASSERT (peer_echoes (a, &framed_binary, i, "a"));
      CU_ASSERT (peer_echoes (b, &framed_binary, i, "b"));
    }
  close (a);
  close (b);
  running_stop (running);
}

/* The thread that holds the loop is stuck in a handler, and the next one too. */
static void
slow_handlers_do_not_block_others (void)
{
  Running *running = running_start (&framed_binary, NULL, NULL);
  gint blocked[8];

  for (guint i = 0; i < G_N_ELEMENTS (blocked); i++)
    {
      TallyBuffer request = { NULL, 0, 0 };

      blocked[i] = peer_connect (running);
      write_request (&request, running->speech, "block", T_CALL, 100 + i, NULL, NULL);
      peer_send (blocked[i], &request);
    }
  test_handler_wait_inside (running->handler, G_N_ELEMENTS (blocked));
  check_alive (running);
  test_handler_release (running->handler);
  for (guint i = 0; i < G_N_ELEMENTS (blocked); i++)
    {
      Answer answer;

      CU_ASSERT (peer_receive (blocked[i], running->speech, TALLY_KIND_BOOL, &answer));
      assert_int (answer.type, T_REPLY);
      assert_int (answer.seqid, 100 + i);
      answer_clear (&answer);
      close (blocked[i]);
    }
  running_stop (running);
}

/* Every worker is stuck; the one request more is served when the first of them is free again. */
static void
all_workers_busy (void)
{
  Running *running = running_start (&framed_binary, NULL, "max-workers=2");
  TallyBuffer request = { NULL, 0, 0 };
  gint blocked[2];
  gint waiting;
  Answer answer;

  for (guint i = 0; i < 2; i++)
    {
      blocked[i] = peer_connect (running);
      write_request (&request, running->speech, "block", T_CALL, i, NULL, NULL);
      peer_send (blocked[i], &request);
    }
  test_handler_wait_inside (running->handler, 2);
  waiting = peer_connect (running);
  write_echo (&request, running->speech, 3, "later");
  peer_send (waiting, &request);
  test_handler_release (running->handler);
  CU_ASSERT (peer_receive (waiting, running->speech, TALLY_KIND_STRING, &answer));
  assert_string (answer.text, "later");
  answer_clear (&answer);
  for (guint i = 0; i < 2; i++)
    close (blocked[i]);
  close (waiting);
  running_stop (running);
}

/* ---- workers come and go ---- */

static gint
send_block (Running *running)
{
  TallyBuffer request = { NULL, 0, 0 };
  gint fd = peer_connect_and_greet (running);

  write_request (&request, running->speech, "block", T_CALL, 1, NULL, NULL);
  peer_send (fd, &request);
  return fd;
}

static void
receive_block (Running *running, gint fd)
{
  Answer answer;

  CU_ASSERT (peer_receive (fd, running->speech, TALLY_KIND_BOOL, &answer));
  answer_clear (&answer);
  close (fd);
}

/* As many workers as there are slow requests at once. */
static void
make_crowd (Running *running, guint count)
{
  g_autofree gint *fds = g_new (gint, count);

  for (guint i = 0; i < count; i++)
    fds[i] = send_block (running);
  test_handler_wait_inside (running->handler, count);
  test_handler_release (running->handler);
  for (guint i = 0; i < count; i++)
    receive_block (running, fds[i]);
  test_handler_hold (running->handler);
}

static guint
count_workers (Running *running)
{
  TallyServerSnapshot statistics;

  tally_server_snapshot (running->server, &statistics);
  return statistics.workers;
}

/* As fasthttp's server does: the last used worker serves first, so that the others retire although
 * there is work enough to use each of them now and then. */
static void
workers_that_are_not_needed_retire (void)
{
  if (test_skip_layered ("a layer takes more turns, and so more workers"))
    return;

  Running *running = running_start (&framed_binary, NULL, "worker-timeout=100");
  gint64 end = g_get_monotonic_time () + 120 * G_TIME_SPAN_SECOND;
  guint n_workers;

  make_crowd (running, 10);
  while ((n_workers = count_workers (running)) > 4 && g_get_monotonic_time () < end)
    make_crowd (running, 2);
  CU_ASSERT_TRUE (n_workers <= 4);
  check_alive (running);
  running_stop (running);
}

static void
workers_may_stay_for_ever (void)
{
  Running *running = running_start (&framed_binary, NULL, "worker-timeout=0");

  make_crowd (running, 10);
  CU_ASSERT_TRUE (count_workers (running) >= 10);
  make_crowd (running, 10);
  CU_ASSERT_TRUE (count_workers (running) >= 10);
  running_stop (running);
}

/* ---- pipelines and sizes ---- */

static void
pipelined_requests (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (all_speeches); s++)
    {
      Running *running = running_start (&all_speeches[s], NULL, NULL);
      gint fd = peer_connect (running);
      TallyBuffer requests = { NULL, 0, 0 };

      for (guint i = 0; i < 500; i++)
        write_echo (&requests, running->speech, i, "in a row");
      peer_send (fd, &requests);
      for (guint i = 0; i < 500; i++)
        {
          Answer answer;

          CU_ASSERT (peer_receive (fd, running->speech, TALLY_KIND_STRING, &answer));
          assert_int (answer.seqid, i);
          answer_clear (&answer);
        }
      close (fd);
      running_stop (running);
    }
}

/* The answer to the first request does not wait for the second's handler. */
static void
pipelined_before_a_slow_one (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (all_speeches); s++)
    {
      Running *running = running_start (&all_speeches[s], NULL, NULL);
      gint fd = peer_connect (running);
      TallyBuffer requests = { NULL, 0, 0 };
      Answer answer;

      write_echo (&requests, running->speech, 1, "quick");
      write_request (&requests, running->speech, "block", T_CALL, 2, NULL, NULL);
      write_echo (&requests, running->speech, 3, "behind");
      peer_send (fd, &requests);
      CU_ASSERT (peer_receive (fd, running->speech, TALLY_KIND_STRING, &answer));
      assert_string (answer.text, "quick");
      answer_clear (&answer);
      test_handler_wait_inside (running->handler, 1);
      test_handler_release (running->handler);
      CU_ASSERT (peer_receive (fd, running->speech, TALLY_KIND_BOOL, &answer));
      assert_int (answer.seqid, 2);
      answer_clear (&answer);
      CU_ASSERT (peer_receive (fd, running->speech, TALLY_KIND_STRING, &answer));
      assert_string (answer.text, "behind");
      answer_clear (&answer);
      close (fd);
      running_stop (running);
    }
}

/* A large message arrives in many parts and leaves in many parts. */
static void
large_messages (void)
{
  g_autofree gchar *text = g_strnfill (5 * 1024 * 1024, 'x');

  for (guint s = 0; s < G_N_ELEMENTS (all_speeches); s++)
    {
      Running *running = running_start (&all_speeches[s], NULL, NULL);
      const TextArgs args = { text };
      TallyBuffer request = { NULL, 0, 0 };
      gint fd = peer_connect (running);

      write_request (&request, running->speech, "note", T_ONEWAY, 1, &text_args_info, &args);
      peer_send (fd, &request);
      if (running->speech->framed) /* the unframed reader of the fixture is slow */
        CU_ASSERT (peer_echoes (fd, running->speech, 2, text));
      CU_ASSERT (peer_echoes (fd, running->speech, 3, "small again"));
      test_handler_wait_notes (running->handler, 1);
      close (fd);
      running_stop (running);
    }
}

/* ---- processors of other kinds ---- */

static void
multiplexed_services (void)
{
  TestHandler *handler = g_object_new (test_handler_get_type (), NULL);
  g_autoptr (GObject) base = G_OBJECT (test_processor_new (base_processor_get_type (), handler));
  GObject *multiplexed = g_object_new (THRIFT_TYPE_MULTIPLEXED_PROCESSOR, NULL);
  TallyBuffer request = { NULL, 0, 0 };
  const AddArgs args = { 2, 3 };
  const gchar *const names[] = { "Base:add", "add" };
  Running *running;
  Answer answer;
  gint fd;

  thrift_multiplexed_processor_register_processor (THRIFT_PROCESSOR (multiplexed), "Base",
                                                   THRIFT_PROCESSOR (base), NULL);
  running =
      running_start_with (THRIFT_PROCESSOR (multiplexed), handler, &framed_binary, NULL, NULL);
  fd = peer_connect (running);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      write_request (&request, running->speech, names[i], T_CALL, 1, &add_args_info, &args);
      peer_send (fd, &request);
      CU_ASSERT (peer_receive (fd, running->speech, TALLY_KIND_I32, &answer));
      assert_string (answer.name, "add");
      assert_int (answer.number, 5);
      answer_clear (&answer);
    }
  write_request (&request, running->speech, "Nobody:add", T_CALL, 2, &add_args_info, &args);
  peer_send (fd, &request);
  CU_ASSERT (peer_receive (fd, running->speech, TALLY_KIND_I32, &answer));
  assert_int (answer.type, T_EXCEPTION);
  assert_int (answer.number, THRIFT_APPLICATION_EXCEPTION_ERROR_UNKNOWN_METHOD);
  answer_clear (&answer);
  CU_ASSERT (peer_echoes (fd, running->speech, 3, "default service"));
  close (fd);
  running_stop (running);
}

static void *
serve_in_thread (void *server)
{
  CU_ASSERT (thrift_server_serve (server, NULL));
  return NULL;
}

/* A client at the URI that the server gives sends the service's name with each call. */
static void
service_of_the_uri (void)
{
  TestHandler *handler = g_object_new (test_handler_get_type (), NULL);
  g_autoptr (GObject) processor =
      G_OBJECT (test_processor_new (base_processor_get_type (), handler));
  g_autoptr (TallyServer) server =
      tally_server_new (THRIFT_PROCESSOR (processor), "tcp://127.0.0.1:0?service=Base", NULL);
  Running running = { .server = server, .speech = &framed_binary };
  const TextArgs args = { "x" };
  TallyBuffer request = { NULL, 0, 0 };
  Answer answer;
  gint fd;

  g_object_unref (handler);
  CU_ASSERT_FATAL (tally_server_listen (server, NULL));
  running.uri = tally_server_dup_uri (server);
  CU_ASSERT (strstr (running.uri, "service=Base") != NULL);
  pthread_create (&running.thread, NULL, serve_in_thread, server);
  fd = peer_connect (&running);
  write_request (&request, running.speech, "Base:echo", T_CALL, 1, &text_args_info, &args);
  peer_send (fd, &request);
  CU_ASSERT (peer_receive (fd, running.speech, TALLY_KIND_STRING, &answer));
  assert_string (answer.name, "echo");
  assert_string (answer.text, "x");
  answer_clear (&answer);
  CU_ASSERT (peer_echoes (fd, running.speech, 2, "plain"));
  close (fd);
  tally_server_stop (server);
  pthread_join (running.thread, NULL);
  g_free (running.uri);
}

/* A processor that puts its own code before a generated one's, as Apache's users may. */
typedef TallyProcessor LateProcessor;
typedef TallyProcessorClass LateProcessorClass;
static GType late_processor_get_type (void);
G_DEFINE_TYPE (LateProcessor, late_processor, base_processor_get_type ())

static gboolean
late_dispatch_call (ThriftDispatchProcessor *self,
                    ThriftProtocol *in,
                    ThriftProtocol *out,
                    gchar *name,
                    gint32 seqid,
                    GError **error)
{
  if (g_str_equal (name, "alias"))
    {
      g_free (name);
      name = g_strdup ("echo");
    }
  return THRIFT_DISPATCH_PROCESSOR_CLASS (late_processor_parent_class)
      ->dispatch_call (self, in, out, name, seqid, error);
}

static void
late_processor_class_init (LateProcessorClass *klass)
{
  THRIFT_DISPATCH_PROCESSOR_CLASS (klass)->dispatch_call = late_dispatch_call;
}

static void
late_processor_init (LateProcessor *self)
{
}

static void
any_thrift_processor (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (all_speeches); s++)
    {
      const Speech *speech = &all_speeches[s];
      TestHandler *handler = g_object_new (test_handler_get_type (), NULL);
      Running *running =
          running_start_with (test_processor_new (late_processor_get_type (), handler), handler,
                              speech, NULL, NULL);
      const TextArgs args = { "by another name" };
      TallyBuffer request = { NULL, 0, 0 };
      gint fd = peer_connect (running);
      Answer answer;

      write_request (&request, speech, "alias", T_CALL, 1, &text_args_info, &args);
      peer_send (fd, &request);
      CU_ASSERT (peer_receive (fd, speech, TALLY_KIND_STRING, &answer));
      assert_string (answer.text, "by another name");
      answer_clear (&answer);
      write_request (&request, speech, "note", T_ONEWAY, 1, &text_args_info, &args);
      peer_send (fd, &request);
      CU_ASSERT (peer_echoes (fd, speech, 2, "and on"));
      close (fd);
      running_stop (running);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (many_connections),
    TEST (hot_connections),
    TEST (one_worker_serves_all),
    TEST (slow_handlers_do_not_block_others),
    TEST (all_workers_busy),
    TEST (workers_that_are_not_needed_retire),
    TEST (workers_may_stay_for_ever),
    TEST (pipelined_requests),
    TEST (pipelined_before_a_slow_one),
    TEST (large_messages),
    TEST (multiplexed_services),
    TEST (service_of_the_uri),
    TEST (any_thrift_processor),
    { NULL, NULL },
  };

  return test_main ("server", cases, argc, argv);
}
