/* How long a server's connection may be in which state, without a server that runs. */
#include <unistd.h>

#include "server-fixture.h"
#include "server-private.h"

static void
let_the_clock_move (void)
{
  gint64 start = server_now ();

  while (server_now () == start)
    continue;
}

/* Answers that the peer does not take wait for write-timeout. A trickle of them does not prolong it,
 * but once the peer has taken all, the next to wait have all their time. */
static void
the_time_for_an_answer_is_its_own (void)
{
  g_autoptr (GObject) handler = g_object_new (test_handler_get_type (), NULL);
  g_autoptr (GObject) processor =
      G_OBJECT (test_processor_new (base_processor_get_type (), (TestHandler *) handler));
  g_autoptr (TallyServer) server =
      tally_server_new (THRIFT_PROCESSOR (processor), "tcp://127.0.0.1:0", NULL);
  ServerConnection *connection = server_connection_new (server, dup (0), FALSE);
  gint64 first;

  tally_buffer_append (&connection->output, "answer", 6);
  server_connection_set_deadline (connection, FALSE);
  assert_int (connection->phase, PHASE_WRITING);
  first = connection->deadline;
  let_the_clock_move ();
  server_connection_set_deadline (connection, FALSE);
  assert_int (connection->deadline, first);
  server_connection_set_deadline (connection, TRUE);
  assert_int (connection->phase, PHASE_WRITING);
  CU_ASSERT_TRUE (connection->deadline > first);
  server_connection_release (connection);
  server_connection_free (connection);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (the_time_for_an_answer_is_its_own),
    { NULL, NULL },
  };

  return test_main ("server-connection", cases, argc, argv);
}
