/* Owns the tests of what statistics keep of names that a server's peers make up. */
#include <string.h>
#include <unistd.h>

#include "server-fixture.h"
#include "tally-call-statistics.h"
#include "tally-interceptor.h"

#define BINARY (&framed_binary)
#define N_NAMES 1100

/* Sends a message of a method that there is not, whose number is @number. */
static void
send_made_up (gint fd, ThriftMessageType type, guint number, gboolean is_malformed)
{
  g_autofree gchar *name = g_strdup_printf ("made_up_%u", number);
  TallyBuffer request = { NULL, 0, 0 };

  write_request (&request, BINARY, name, type, (gint32) number, NULL, NULL);
  if (is_malformed)
    request.data[request.length - 1] = 0x7f; /* the type of a field, which has no end */
  peer_send (fd, &request);
}

static void
receive_refusal (gint fd)
{
  Answer answer;

  CU_ASSERT_FATAL (peer_receive (fd, BINARY, TALLY_KIND_BOOL, &answer));
  assert_int (answer.type, T_EXCEPTION);
  answer_clear (&answer);
}

/* Unknown, malformed, no call at all. */
static void
send_all_made_up (gint fd)
{
  for (guint i = 0; i < N_NAMES; i++)
    {
      send_made_up (fd, i % 3 == 0 ? T_REPLY : T_CALL, i, i % 3 == 1);
      receive_refusal (fd);
    }
}

/* @entry is of @method, and has so many calls. */
static void
check_entry (GPtrArray *snapshot, guint index, const gchar *method, guint64 calls)
{
  const TallyMethodStatistics *entry = g_ptr_array_index (snapshot, index);

  assert_string (entry->method, method);
  assert_string (entry->service, NULL);
  assert_int (entry->calls, calls);
}

/* They have no entries, and leave room for those that are there. */
static void
names_that_are_made_up_are_counted_together (void)
{
  Running *running = running_start (BINARY, NULL, "max-connections=1");
  g_autoptr (TallyCallStatistics) statistics = tally_call_statistics_new ();
  g_autoptr (GPtrArray) snapshot = NULL;
  gint fd, refused;

  tally_server_add_interceptor (running->server, TALLY_INTERCEPTOR (statistics));
  fd = peer_connect (running);
  send_all_made_up (fd);
  send_made_up (fd, T_ONEWAY, N_NAMES + 1, FALSE);
  send_made_up (fd, T_ONEWAY, N_NAMES + 2, TRUE);
  CU_ASSERT (peer_echoes (fd, BINARY, 1, "hello"));
  peer_call (fd, BINARY, "fails", 2);
  receive_refusal (fd);
  /* what is not executed at all, either */
  refused = peer_connect (running);
  send_made_up (refused, T_CALL, N_NAMES, FALSE);
  receive_refusal (refused);
  close (refused);
  close (fd);
  running_stop (running);
  snapshot = tally_call_statistics_dup_snapshot (statistics);
  assert_int (snapshot->len, 2);
  check_entry (snapshot, 0, "(others)", N_NAMES + 4);
  check_entry (snapshot, 1, "echo", 1);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (names_that_are_made_up_are_counted_together),
    { NULL, NULL },
  };

  return test_main ("call-statistics", cases, argc, argv);
}
