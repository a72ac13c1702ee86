/* Owns the tests of when a server gives memory back to the system: after a burst, and not time and
 * again. */
#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "server-fixture.h"
#include "server-watched-private.h"

#define SMALL (64 * 1024)
#define LARGE (20 * 1024 * 1024)

static guint n_trims;

/* Instead of the C library's. */
int
malloc_trim (size_t pad)
{
  n_trims++;
  return 0;
}

static TallyServer *
new_server (void)
{
  g_autoptr (GObject) handler = g_object_new (test_handler_get_type (), NULL);
  g_autoptr (GObject) processor =
      G_OBJECT (test_processor_new (derived_processor_get_type (), (TestHandler *) handler));

  n_trims = 0;
  return tally_server_new (THRIFT_PROCESSOR (processor), "tcp://127.0.0.1:0?protocol=compact",
                           NULL);
}

/* How often the heap was trimmed, after it had the occasion at @now, milliseconds. */
static guint
trim (TallyServer *server, gint64 now)
{
  pthread_mutex_lock (&server->lock);
  server_trim_locked (server, now);
  pthread_mutex_unlock (&server->lock);
  return n_trims;
}

static ServerConnection *
new_connection (TallyServer *server)
{
  TallyStream stream;

  tally_stream_open (&stream, dup (0), TALLY_STREAM_ACCEPTED);
  return server_connection_new (server, &stream, FALSE);
}

static void
hold_some (ServerConnection *connection)
{
  tally_buffer_reserve (&connection->input, SMALL);
  server_hold (connection, FALSE);
}

static void
hold_nothing (ServerConnection *connection)
{
  tally_buffer_clear (&connection->input);
  server_hold (connection, FALSE);
}

static void
small_buffers_are_no_burst (void)
{
  g_autoptr (TallyServer) server = new_server ();
  ServerConnection *connection = new_connection (server);

  for (guint i = 0; i < 1000; i++)
    {
      hold_some (connection);
      hold_nothing (connection);
      server_note_released (server, SMALL);
    }
  assert_int (trim (server, 0), 0);
  server_connection_release (connection);
  server_connection_free (connection);
}

static void
many_small_buffers_at_once_are_one (void)
{
  g_autoptr (TallyServer) server = new_server ();
  ServerConnection *connections[LARGE / SMALL];

  for (guint i = 0; i < G_N_ELEMENTS (connections); i++)
    {
      connections[i] = new_connection (server);
      hold_some (connections[i]);
    }
  assert_int (trim (server, 0), 0); /* all of it is in use */
  for (guint i = 0; i < G_N_ELEMENTS (connections); i++)
    {
      server_connection_release (connections[i]);
      server_connection_free (connections[i]);
    }
  assert_int (trim (server, 0), 1);
  assert_int (trim (server, G_MAXINT), 1);
}

/* Large messages that go on to come take at once what was given back. */
static void
bursts_without_end_are_seen_to_now_and_then (void)
{
  g_autoptr (TallyServer) server = new_server ();
  gint64 now;

  for (now = 0; now < 5 * 320 * 1000; now += 10)
    {
      server_note_released (server, LARGE);
      trim (server, now);
    }
  assert_int (n_trims, 10); /* at 0, 10, 30, 70, 150, 310, 630 s, and every 320 s from then on */
  assert_int (trim (server, 1910 * 1000), 11); /* what came last is not forgotten */
}

/* Each is given back when it is over, not when it has been for long. */
static void
bursts_now_and_then_are_seen_to_at_once (void)
{
  g_autoptr (TallyServer) server = new_server ();

  for (guint i = 1; i <= 10; i++)
    {
      server_note_released (server, LARGE);
      assert_int (trim (server, i * 20 * 1000), i);
    }
}

/* A message that is small on the wire and large in memory, executed or refused. */
static void
decoded_messages_count (void)
{
  for (guint refused = 0; refused < 2; refused++)
    {
      g_autoptr (TallyServer) server = new_server ();
      TallyBuffer message = { NULL, 0, 0 }, output = { NULL, 0, 0 };
      g_autoptr (GError) error = NULL;
      ServerOutcome outcome;

      if (refused)
        server->limits.max_memory = LARGE;
      server->codec->write_message (&message, "extra", 5, T_CALL, 1);
      tally_buffer_append (&message, "\x29\xf8\x80\x80\x40", 5); /* 2^20 empty words */
      tally_buffer_reserve (&message, (1 << 20) + 1);
      memset (message.data + message.length, 0, (1 << 20) + 1);
      message.length += (1 << 20) + 1;
      outcome = server_dispatch (&(ServerExchange){ .server = server,
                                                    .codec = server->codec,
                                                    .bytes = message.data,
                                                    .length = message.length,
                                                    .output = &output },
                                 &error);
      assert_int (outcome, refused ? OUTCOME_MALFORMED : OUTCOME_ANSWERED);
      assert_int (trim (server, 0), 1);
      tally_buffer_clear (&message);
      tally_buffer_clear (&output);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (small_buffers_are_no_burst),
    TEST (many_small_buffers_at_once_are_one),
    TEST (bursts_without_end_are_seen_to_now_and_then),
    TEST (bursts_now_and_then_are_seen_to_at_once),
    TEST (decoded_messages_count),
    { NULL, NULL },
  };

  return test_main ("server-memory", cases, argc, argv);
}
