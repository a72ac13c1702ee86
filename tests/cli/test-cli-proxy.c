/* What `tally proxy` passes on, what it finds of it, how much it holds, and which connections it ends. */
#include "cli-test.h"
#include "proxy-fixture.h"

#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- what is passed on ---- */

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
too_long (void)
{
  check_passing (pass_between (send_too_much, take_nothing, ""), 0, 1, "more than 16 MiB");
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

/* Messages that nobody answers; each begins as @start says, and has a string of a mebibyte. */
static void
flood (gint fd, const gchar *start)
{
  g_autoptr (GByteArray) message = g_byte_array_new ();

  g_atomic_int_set (&flooded, FALSE);
  g_atomic_int_set (&flooding, gettid ());
  append_hex (message, start);
  g_byte_array_set_size (message, 4 + 0x10000c);
  memset (message->data + 15, 'x', LARGE);
  message->data[message->len - 1] = 0;
  for (guint i = 0; i < N_LARGE; i++)
    if (!test_write_all (fd, message->data, message->len))
      break;
  g_atomic_int_set (&flooded, TRUE);
}

static void
flood_client (gint fd, guint index, gpointer user_data)
{
  flood (fd, "0010000c 82410103616464 18 808040");
}

static void
flood_target (gint fd)
{
  flood (fd, "0010000c 82810103616464 18 808040");
}

/* Until neither the flood nor the proxy, which is the main thread's, gets on, or all has been taken. */
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
drink_slowly_as_target (gint fd, guint index, gpointer user_data)
{
  drink_slowly (fd);
}

/* What the proxy has of one message is all that it ever holds. */
static void
slow_receiver_holds_up_its_sender (void)
{
  Passing *passing = pass_between (drink_slowly, flood_client, "");

  CU_ASSERT (passing->most_held <= 2 * (LARGE + 65536 + 64));
  check_passing (passing, 0, N_LARGE, "no call is waiting for it");
}

static void
slow_target_holds_up_its_client (void)
{
  Passing *passing;

  g_atomic_int_set (&flooding, 0);
  passing = pass_between (flood_target, drink_slowly_as_target, "");
  CU_ASSERT (passing->most_held <= 2 * (LARGE + 65536 + 64));
  check_passing (passing, N_LARGE, 0, "oneway");
}

/* ---- connections that are silent, or too many ---- */

/* As if a long time had passed. */
static void
end_silent (CliRelay *relay)
{
  cli_relay_end_silent (relay, G_MAXINT64);
}

static void
silent_connection_ends (void)
{
  check_passing (pass_with (expect_the_end, take_nothing, "", 1, end_silent), 0, 0,
                 "1: it was silent for too long: it is closed");
}

static void
end_silent_while_delayed (CliRelay *relay)
{
  const CliLink *link = relay->links->len > 0 ? g_ptr_array_index (relay->links, 0) : NULL;

  if (link != NULL && (link->delayed->len > 0 || link->replies.paused_until > 0))
    cli_relay_end_silent (relay, G_MAXINT64);
}

static void
take_one (gint fd)
{
  send_hex (fd, CALL_1);
  CU_ASSERT (takes_hex (fd, REPLY_1));
}

static void
held_back_is_not_silent (void)
{
  check_passing (pass_with (take_one, answer_first, "add:delay=20", 1, end_silent_while_delayed), 1,
                 0, "reply, injected: delay");
  check_passing (pass_with (take_one, answer_first, "add:stall=20", 1, end_silent_while_delayed), 1,
                 0, "reply, injected: stall");
}

/* What has come or gone since then is not silent. */
static gint64 start;

static void
end_silent_since_the_start (CliRelay *relay)
{
  cli_relay_end_silent (relay, start);
}

static void
lively_connection_goes_on (void)
{
  start = g_get_monotonic_time () - 1;
  check_passing (pass_with (call_three, answer_three, "", 1, end_silent_since_the_start), 4, 0,
                 "reply");
}

static void
too_many_connections (void)
{
  check_passing (pass_with (expect_the_end, NULL, "", 0, NULL), 0, 1,
                 "1: there are too many connections: it is closed");
}

/* ---- calls that wait ---- */

static void
call_and_expect_the_end (gint fd)
{
  send_hex (fd, CALL_1 CALL_2);
  expect_the_end (fd);
}

static void
stop_where_calls_wait (CliRelay *relay)
{
  const CliLink *link = relay->links->len > 0 ? g_ptr_array_index (relay->links, 0) : NULL;

  if (link != NULL && link->pending->len == 2)
    cli_relay_stop (relay);
}

static void
take_two (gint fd, guint index, gpointer user_data)
{
  CU_ASSERT (takes_hex (fd, CALL_1 CALL_2));
  CU_ASSERT (sees_end (fd));
}

static void
stopping_makes_no_call_wrong (void)
{
  Passing *passing = pass_with (call_and_expect_the_end, take_two, "", 1, stop_where_calls_wait);

  CU_ASSERT (passing->most_held >= 2 * CLI_CALL_SIZE);
  check_passing (passing, 2, 0, "add seqid 2: 16 bytes, 0 back");
}

/* As a client could pile up that sends and sends, to a target that does not answer. */
static void
arguments_that_are_kept_have_a_limit (void)
{
  g_autoptr (CliIdl) idl = cli_test_load ("service S { void a (1: string text) }");
  CliRecord record = { .idl = idl };
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func ((GDestroyNotify) cli_call_free);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_auto (CliHeader) header;
  guint n_shown = 0, start_of_text;

  append_hex (bytes, "80010001 00000001 61 00000001 0b0001 0000ea60");
  start_of_text = bytes->len;
  g_byte_array_set_size (bytes, start_of_text + 60001);
  memset (bytes->data + start_of_text, 1, 60000); /* "\u0001", six times as long */
  bytes->data[start_of_text + 60000] = T_STOP;
  CU_ASSERT_TRUE_FATAL (cli_header_read (&header, bytes->data, bytes->len));
  for (guint i = 0; i < 300; i++)
    {
      g_ptr_array_add (calls, cli_record_begin (&record, &header, bytes->data, bytes->len));
      n_shown += ((const CliCall *) g_ptr_array_index (calls, i))->args != NULL;
    }
  assert_int (n_shown, (64 << 20) / strlen (((const CliCall *) calls->pdata[0])->args));
  CU_ASSERT (record.kept <= 64 << 20);
  g_ptr_array_set_size (calls, 0);
  assert_int (record.kept, 0);
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
    TEST (slow_target_holds_up_its_client),
    TEST (silent_connection_ends),
    TEST (held_back_is_not_silent),
    TEST (lively_connection_goes_on),
    TEST (too_many_connections),
    TEST (stopping_makes_no_call_wrong),
    TEST (arguments_that_are_kept_have_a_limit),
    { NULL, NULL },
  };

  passing_warm_up ();
  return test_main ("cli-proxy", cases, argc, argv);
}
