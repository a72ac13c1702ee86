/* Owns the test of sessions that are resumed, by a client whose calls make a connection each. The peer, OpenSSL, counts. */
#include "echo-service.h"
#include "harness.h"
#include "tls-relay.h"

#define N_CALLS 20

static void
each_connection_resumes_the_session_before (void)
{
  g_auto (EchoServer) server;
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_autoptr (TallyChannel) channel = NULL;
  guint before;

  if (!tls_relay_is_on ())
    {
      test_skip ("it is a test of TLS");
      return;
    }
  before = tls_relay_count_resumed ();
  echo_server_start (&server, echo_honest, "?mode=unpooled", NULL);
  channel = echo_server_connect (&server, pool);
  for (guint i = 0; i < N_CALLS; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree gchar *reply = NULL;

      CU_ASSERT_TRUE (echo_call (channel, ECHO_GET, "x", &reply, &error));
      assert_no_error (error);
    }
  assert_int (tls_relay_count_resumed () - before, N_CALLS - 1);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (each_connection_resumes_the_session_before),
    { NULL, NULL },
  };

  return test_main ("tls-resumption", cases, argc, argv);
}
