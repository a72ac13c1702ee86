/* Owns the tests of what `tally proxy` passes on, what it finds of it, and what it does wrong where it is told to. The client is a
 * thread of the test, the target a scripted peer; what goes between them goes through the main loop. */
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli-base.h"
#include "cli-proxy.h"
#include "harness.h"
#include "peer.h"

#define CALL_1 "0000000c 822101 03616464 1502 1504 00"
#define CALL_2 "0000000c 822102 03616464 1502 1504 00"
#define CALL_3 "0000000c 822103 03616464 1502 1504 00"
#define REPLY_1 "0000000b 82410103616464 05000600"
#define REPLY_2 "0000000b 82410203616464 05000600"
#define REPLY_3 "0000000b 82410303616464 05000600"
#define ONEWAY "00000009 8281000470696e6700"

/* A relay, and what one client and the target do. */
typedef struct
{
  CliRelay relay;
  CliRecord record;
  CliRules *rules;
  GSocketService *service;
  guint16 port;
  TestPeer *target; /* nullable */
  gchar *output;
  gsize output_length;

  void (*client) (gint fd);
  pthread_t thread;
  gboolean is_over; /* atomic */
  gsize most_held;
} Passing;

static void
append_hex (GByteArray *bytes, const gchar *hex)
{
  g_autoptr (GByteArray) more = cli_bytes_parse ("$hex", hex, strlen (hex), NULL);

  g_byte_array_append (bytes, more->data, more->len);
}

static void
send_hex (gint fd, const gchar *hex)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  append_hex (bytes, hex);
  test_write_all (fd, bytes->data, bytes->len);
}

/* Reads as many bytes as @hex says; whether these are they. */
static gboolean
takes_hex (gint fd, const gchar *hex)
{
  g_autoptr (GByteArray) expected = g_byte_array_new ();
  g_autofree guint8 *bytes = NULL;

  append_hex (expected, hex);
  bytes = g_malloc (expected->len);
  return test_read_exact (fd, bytes, expected->len)
         && memcmp (bytes, expected->data, expected->len) == 0;
}

static gboolean
sees_end (gint fd)
{
  guint8 byte;

  return !test_read_exact (fd, &byte, 1);
}

static gboolean
on_incoming (GSocketService *service,
             GSocketConnection *connection,
             GObject *source,
             gpointer user_data)
{
  cli_relay_accept (user_data, connection);
  return TRUE;
}

static gpointer
run_client (gpointer user_data)
{
  Passing *self = user_data;
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = g_htons (self->port),
                                 .sin_addr = { g_htonl (0x7f000001) } };
  gint fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (connect (fd, (struct sockaddr *) &address, sizeof address) == 0)
    self->client (fd);
  close (fd);
  __atomic_store_n (&self->is_over, TRUE, __ATOMIC_SEQ_CST);
  g_main_context_wakeup (NULL);
  return NULL;
}

/* Runs the client against the target until both are done and the connection has ended. @rules: separated by spaces. */
static Passing *
pass_between (void (*client) (gint fd), TestPeerScript target, const gchar *rules)
{
  Passing *self = g_new0 (Passing, 1);
  g_auto (GStrv) words = g_strsplit (rules, " ", -1);
  g_autofree gchar *uri = NULL;
  g_autoptr (TallyEndpoint) endpoint = NULL;

  self->client = client;
  self->target = target != NULL ? test_peer_start (target, NULL) : NULL;
  uri = target != NULL ? test_peer_dup_uri (self->target, "") : g_strdup ("tcp://127.0.0.1:1");
  endpoint = tally_endpoint_new (uri, NULL);
  self->rules = cli_rules_new (7);
  for (guint i = 0; words[i] != NULL && *words[i] != '\0'; i++)
    CU_ASSERT_TRUE (cli_rules_add (self->rules, words[i], NULL));
  self->record.output = open_memstream (&self->output, &self->output_length);
  cli_relay_init (&self->relay, self->rules, &self->record,
                  tally_endpoint_get_connectable (endpoint));
  self->service = g_socket_service_new ();
  self->port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (self->service), NULL, NULL);
  g_signal_connect (self->service, "incoming", G_CALLBACK (on_incoming), &self->relay);
  pthread_create (&self->thread, NULL, run_client, self);
  while (!__atomic_load_n (&self->is_over, __ATOMIC_SEQ_CST) || self->relay.n_accepted == 0
         || self->relay.links->len > 0)
    {
      g_main_context_iteration (NULL, TRUE);
      if (self->relay.held > self->most_held)
        self->most_held = self->relay.held;
    }
  pthread_join (self->thread, NULL);
  assert_int (self->relay.held, 0);
  return self;
}

static void
passing_free (Passing *self)
{
  g_socket_service_stop (self->service);
  g_socket_listener_close (G_SOCKET_LISTENER (self->service));
  g_clear_object (&self->service);
  cli_relay_clear (&self->relay);
  cli_rules_free (self->rules);
  fclose (self->record.output);
  free (self->output);
  if (self->target != NULL)
    test_peer_stop (self->target);
  g_free (self);
}

/* What was said, and that so many calls were seen, of which so many were wrong. Consumes @self. */
static void
check_passing (Passing *self, guint n_calls, guint n_wrong, const gchar *part)
{
  fflush (self->record.output);
  assert_int (self->record.n_calls, n_calls);
  assert_int (self->record.n_wrong, n_wrong);
  if (strstr (self->output, part) == NULL)
    CU_FAIL (self->output);
  passing_free (self);
}

/* ---- what is passed on ---- */

static void
call_three (gint fd)
{
  send_hex (fd, CALL_1 CALL_2 ONEWAY CALL_3);
  CU_ASSERT (takes_hex (fd, REPLY_3 REPLY_1 REPLY_2));
}

static void
answer_three (gint fd, guint index, gpointer user_data)
{
  CU_ASSERT (takes_hex (fd, CALL_1 CALL_2 ONEWAY CALL_3));
  send_hex (fd, REPLY_3 REPLY_1 REPLY_2);
  CU_ASSERT (sees_end (fd));
}

static void
pipelined_and_in_any_order (void)
{
  check_passing (pass_between (call_three, answer_three, ""), 4, 0,
                 " ping seqid 0: 13 bytes, 0 back");
}

/* Byte by byte, without a frame, by both protocols; the end of the sending half goes on, too. */
static void
call_slowly (gint fd)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  append_hex (
      bytes,
      "8221010361646415021504 00 800100010000000361646400000002080001000000010800020000000200");
  for (guint i = 0; i < bytes->len; i++)
    test_write_all (fd, bytes->data + i, 1);
  shutdown (fd, SHUT_WR);
  CU_ASSERT (takes_hex (fd, "8241010361646405000600"));
  CU_ASSERT (takes_hex (fd, "80010002000000036164640000000208000000000003 00"));
  CU_ASSERT (sees_end (fd));
}

static void
answer_after_the_end (gint fd, guint index, gpointer user_data)
{
  CU_ASSERT (takes_hex (
      fd,
      "8221010361646415021504 00 800100010000000361646400000002080001000000010800020000000200"));
  CU_ASSERT (sees_end (fd));
  send_hex (fd, "8241010361646405000600 80010002000000036164640000000208000000000003 00");
}

static void
half_closed_and_unframed (void)
{
  check_passing (pass_between (call_slowly, answer_after_the_end, ""), 2, 0,
                 "1 add seqid 2: 30 bytes, 23 back");
}

static void
call_half (gint fd)
{
  send_hex (fd, CALL_1);
  send_hex (fd, "0000000c 822101");
}

static void
take_half (gint fd, guint index, gpointer user_data)
{
  CU_ASSERT (takes_hex (fd, CALL_1 "0000000c 822101"));
  CU_ASSERT (sees_end (fd));
}

static void
half_a_message (void)
{
  check_passing (pass_between (call_half, take_half, ""), 1, 1, "unanswered");
}

/* ---- what is found ---- */

static void
call_and_take_all (gint fd)
{
  send_hex (fd, CALL_1 CALL_2 CALL_3);
  shutdown (fd, SHUT_WR);
  while (!sees_end (fd))
    continue;
}

static void
answer_wrongly (gint fd, guint index, gpointer user_data)
{
  CU_ASSERT (takes_hex (fd, CALL_1 CALL_2 CALL_3));
  /* another name, another type, another sequence id, and one that nobody waits for */
  send_hex (fd, "0000000b 82410103737562 05000600 0000000b 82210203616464 05000600 0000000b "
                "82410903616464 05000600" REPLY_3);
  shutdown (fd, SHUT_WR);
  CU_ASSERT (sees_end (fd));
}

static void
replies_that_do_not_match (void)
{
  static const gchar *const parts[] = { "MISMATCH: it is called \"sub\"",
                                        "MISMATCH: its type is 1, neither reply nor exception",
                                        "MISMATCH: sequence id 9 instead of 3",
                                        "MISMATCH: no call is waiting for it" };

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    check_passing (pass_between (call_and_take_all, answer_wrongly, ""), 3, 4, parts[i]);
}

static void
say_other_things (gint fd)
{
  send_hex (fd, "474554202f20485454502f312e310d0a");
  CU_ASSERT (takes_hex (fd, "485454502f"));
}

static void
answer_other_things (gint fd, guint index, gpointer user_data)
{
  CU_ASSERT (takes_hex (fd, "474554202f20485454502f312e310d0a"));
  send_hex (fd, "485454502f");
  CU_ASSERT (sees_end (fd));
}

static void
what_is_no_message_is_passed_unread (void)
{
  check_passing (pass_between (say_other_things, answer_other_things, ""), 0, 1,
                 "1: the client sends what is no message");
}

static void
send_too_much (gint fd)
{
  send_hex (fd, "01000001 822101");
  CU_ASSERT (sees_end (fd));
}

static void
take_nothing (gint fd, guint index, gpointer user_data)
{
  CU_ASSERT (sees_end (fd));
}

static void
too_long (void)
{
  check_passing (pass_between (send_too_much, take_nothing, ""), 0, 1, "more than 16 MiB");
}

static void
expect_the_end (gint fd)
{
  CU_ASSERT (sees_end (fd));
}

static void
target_that_is_not_there (void)
{
  check_passing (pass_between (expect_the_end, NULL, ""), 0, 1, "1: the target: ");
}

/* ---- memory ---- */

#define N_LARGE 64
#define LARGE (1 << 20)

static gint flooding; /* atomic: the thread that floods; 0 before */
static gint flooded;  /* atomic: it is over */

/* Replies that nobody waits for; each has a string of a mebibyte. */
static void
flood (gint fd, guint index, gpointer user_data)
{
  g_autoptr (GByteArray) reply = g_byte_array_new ();

  g_atomic_int_set (&flooding, gettid ());

  append_hex (reply, "0010000c 82410103616464 18 808040");
  g_byte_array_set_size (reply, 4 + 0x10000c);
  memset (reply->data + 15, 'x', LARGE);
  reply->data[reply->len - 1] = 0;
  for (guint i = 0; i < N_LARGE; i++)
    if (!test_write_all (fd, reply->data, reply->len))
      break;
  g_atomic_int_set (&flooded, TRUE);
}

/* Until neither the target nor the proxy, which is the main thread's, gets on, or all has been taken. */
static void
await_flood (void)
{
  while (!g_atomic_int_get (&flooded)
         && (g_atomic_int_get (&flooding) == 0
             || !test_thread_awaits_socket (g_atomic_int_get (&flooding))
             || !test_thread_awaits_socket (getpid ())))
    sched_yield ();
}

/* Late, so that what is not held up has piled up, and in small pieces. */
static void
drink_slowly (gint fd)
{
  gsize total = 0;
  guint8 sip[2048];
  gssize got;

  await_flood ();
  while ((got = recv (fd, sip, sizeof sip, 0)) > 0)
    {
      total += (gsize) got;
      sched_yield ();
    }
  assert_int (total, N_LARGE * (4 + (gsize) 0x10000c));
}

static void
slow_receiver_holds_up_its_sender (void)
{
  Passing *passing = pass_between (drink_slowly, flood, "");

  CU_ASSERT (passing->most_held <= 2 * (LARGE + 65536 + 64));
  check_passing (passing, 0, N_LARGE, "no call is waiting for it");
}

/* ---- what is done wrong ---- */

static void
take_first (gint fd)
{
  send_hex (fd, CALL_1 CALL_2);
  CU_ASSERT (takes_hex (fd, REPLY_1));
}

static void
take_others (gint fd)
{
  send_hex (fd, CALL_1 CALL_2);
  CU_ASSERT (takes_hex (fd, "0000000b 82410003616464 05000600 0000000b 82410303616464 05000600"));
}

static void
take_half_reply (gint fd)
{
  send_hex (fd, CALL_1 CALL_2);
  CU_ASSERT (takes_hex (fd, "0000000b 824101"));
  CU_ASSERT (sees_end (fd));
}

static void
take_end (gint fd)
{
  send_hex (fd, CALL_1);
  CU_ASSERT (sees_end (fd));
}

static void
take_both (gint fd)
{
  send_hex (fd, CALL_1 CALL_2);
  CU_ASSERT (takes_hex (fd, REPLY_1 REPLY_2));
}

static void
answer_both (gint fd, guint index, gpointer user_data)
{
  CU_ASSERT (takes_hex (fd, CALL_1 CALL_2));
  send_hex (fd, REPLY_1 REPLY_2);
  CU_ASSERT (sees_end (fd));
}

static void
answer_first (gint fd, guint index, gpointer user_data)
{
  CU_ASSERT (takes_hex (fd, CALL_1));
  send_hex (fd, REPLY_1);
  CU_ASSERT (sees_end (fd));
}

static void
injected (void)
{
  check_passing (pass_between (take_first, answer_both, "add:drop,every=2"), 2, 0,
                 "injected: drop");
  check_passing (pass_between (take_first, answer_first, "*:lose,every=2"), 2, 0,
                 "lost, injected: lose");
  check_passing (pass_between (take_others, answer_both, "Some.add:seqid"), 2, 0,
                 "reply, injected: seqid");
  check_passing (pass_between (take_half_reply, answer_both, "*:half"), 2, 0,
                 "reply, injected: half");
  check_passing (pass_between (take_end, take_nothing, "*:close"), 1, 0, "closed, injected: close");
  check_passing (pass_between (take_both, answer_both, "add:delay=1"), 2, 0,
                 "reply, injected: delay");
}

static void
rules (void)
{
  g_autoptr (CliRules) some = cli_rules_new (7);
  guint delay_ms;
  guint n_lost = 0;

  CU_ASSERT_TRUE (cli_rules_add (some, "add:delay=5,every=3", NULL));
  CU_ASSERT_FALSE (cli_rules_are_random (some));
  CU_ASSERT_TRUE (cli_rules_add (some, "*:lose,percent=25", NULL));
  CU_ASSERT_TRUE (cli_rules_are_random (some));
  CU_ASSERT_TRUE (cli_rules_add (some, "sub:drop", NULL));
  for (guint i = 1; i <= 9; i++)
    {
      const CliInjection chosen = cli_rules_choose (some, "Calculator:add", &delay_ms);

      CU_ASSERT (i % 3 == 0 ? chosen == CLI_INJECT_DELAY && delay_ms == 5
                            : chosen != CLI_INJECT_DELAY && delay_ms == 0);
    }
  for (guint i = 0; i < 10000; i++)
    n_lost += cli_rules_choose (some, "sub", &delay_ms) == CLI_INJECT_LOSE ? 1 : 0;
  CU_ASSERT (n_lost > 2000 && n_lost < 3000);
}

static void
faulty_rules (void)
{
  static const struct
  {
    const gchar *text;
    const gchar *message;
  } rows[] = {
    { "drop", "a rule is written as METHOD:WHAT" },
    { ":drop", "a rule is written as METHOD:WHAT" },
    { "add:", "a rule is written as METHOD:WHAT" },
    { "add:drp", "--inject \"add:drp\": there is no \"drp\", did you mean \"drop\"?" },
    { "add:delay", "a delay is written as delay=MILLISECONDS" },
    { "add:delay=-1", "\"-1\" is no number of milliseconds" },
    { "add:drop,every=0", "\"0\" is no number of calls" },
    { "add:drop,percent=101", "\"101\" is no percentage" },
    { "add:drop,percent=x", "\"x\" is no percentage" },
    { "add:drop,often", "\"often\" is neither every=N nor percent=P" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (CliRules) some = cli_rules_new (7);
      g_autoptr (GError) error = NULL;

      CU_ASSERT_FALSE (cli_rules_add (some, rows[i].text, &error));
      assert_error (error, CLI_INPUT_ERROR, 0, rows[i].message);
    }
}

static void
note_end (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, NULL);

  *(gboolean *) user_data = TRUE;
}

/* What GIO opens once for all is open before the first test. */
static void
warm_up (void)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  gboolean is_over = FALSE;

  g_socket_client_connect_to_host_async (client, "127.0.0.1", 1, NULL, note_end, &is_over);
  while (!is_over)
    g_main_context_iteration (NULL, TRUE);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (pipelined_and_in_any_order),
    TEST (half_closed_and_unframed),
    TEST (half_a_message),
    TEST (replies_that_do_not_match),
    TEST (what_is_no_message_is_passed_unread),
    TEST (too_long),
    TEST (target_that_is_not_there),
    TEST (slow_receiver_holds_up_its_sender),
    TEST (injected),
    TEST (rules),
    TEST (faulty_rules),
    { NULL, NULL },
  };

  warm_up ();
  return test_main ("cli-proxy", cases, argc, argv);
}
