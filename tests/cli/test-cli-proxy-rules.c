/* What `tally proxy` does wrong where it is told to. */
#include "proxy-fixture.h"

#include <sys/socket.h>

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

/* ---- delays ---- */

#define SUB_1 "0000000c 822101 03737562 1502 1504 00"
#define SUB_REPLY_1 "0000000b 82410103737562 05000600"

/* Leaves so that what is held back for it has no receiver. */
static void
take_first_and_third (gint fd)
{
  const struct linger now = { .l_onoff = 1 };

  send_hex (fd, CALL_1 CALL_2 CALL_3);
  CU_ASSERT (takes_hex (fd, REPLY_1 REPLY_3));
  setsockopt (fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void
answer_in_order (gint fd, guint index, gpointer user_data)
{
  CU_ASSERT (takes_hex (fd, CALL_1 CALL_2 CALL_3));
  send_hex (fd, REPLY_1 REPLY_2 REPLY_3);
  CU_ASSERT (sees_end (fd));
}

/* The second one would come in a day. */
static void
delayed_reply_holds_up_none (void)
{
  check_passing (pass_between (take_first_and_third, answer_in_order, "add:delay=86400000,every=2"),
                 3, 0, "1 add seqid 2: 16 bytes, 0 back");
}

static void
take_in_order (gint fd)
{
  send_hex (fd, SUB_1 CALL_1);
  CU_ASSERT (takes_hex (fd, SUB_REPLY_1 REPLY_1));
}

static void
answer_sub_first (gint fd, guint index, gpointer user_data)
{
  CU_ASSERT (takes_hex (fd, SUB_1 CALL_1));
  send_hex (fd, SUB_REPLY_1 REPLY_1);
}

/* Clients that give all calls one sequence id go by the order. The target's end waits, too. */
static void
replies_of_one_sequence_id_keep_their_order (void)
{
  check_passing (pass_between (take_in_order, answer_sub_first, "sub:delay=20"), 2, 0,
                 "reply, injected: delay");
}

static void
stall_first (gint fd)
{
  send_hex (fd, SUB_1 CALL_2);
  CU_ASSERT (takes_hex (fd, SUB_REPLY_1 REPLY_2));
}

static void
answer_stalled (gint fd, guint index, gpointer user_data)
{
  CU_ASSERT (takes_hex (fd, SUB_1 CALL_2));
  send_hex (fd, SUB_REPLY_1 REPLY_2);
}

static void
stalled_reply_holds_up_those_behind_it (void)
{
  check_passing (pass_between (stall_first, answer_stalled, "sub:stall=20"), 2, 0,
                 "reply, injected: stall");
}

static void
delay_then_strange (gint fd)
{
  send_hex (fd, CALL_1);
  CU_ASSERT (takes_hex (fd, REPLY_1 "474554202f20485454502f312e310d0a"));
}

static void
answer_then_strange (gint fd, guint index, gpointer user_data)
{
  CU_ASSERT (takes_hex (fd, CALL_1));
  send_hex (fd, REPLY_1 "474554202f20485454502f312e310d0a");
}

/* A reply that is held back goes before what is no message. */
static void
delayed_reply_before_what_is_unread (void)
{
  check_passing (pass_between (delay_then_strange, answer_then_strange, "add:delay=86400000"), 1, 1,
                 "the target sends what is no message");
}

/* ---- ends ---- */

static void
take_reset (gint fd)
{
  send_hex (fd, CALL_1);
  CU_ASSERT (sees_reset (fd));
}

static void
take_reply_and_reset (gint fd)
{
  send_hex (fd, CALL_1);
  CU_ASSERT (takes_hex (fd, REPLY_1));
  CU_ASSERT (sees_reset (fd));
}

static void
take_half_reply_and_reset (gint fd)
{
  send_hex (fd, CALL_1);
  CU_ASSERT (takes_hex (fd, "0000000b 824101"));
  CU_ASSERT (sees_reset (fd));
}

static void
take_reply_and_end (gint fd)
{
  send_hex (fd, CALL_1);
  CU_ASSERT (takes_hex (fd, REPLY_1));
  CU_ASSERT (sees_end (fd));
}

static void
send_oneway (gint fd)
{
  send_hex (fd, ONEWAY);
  CU_ASSERT (sees_end (fd));
}

static void
be_reset (gint fd, guint index, gpointer user_data)
{
  CU_ASSERT (sees_reset (fd));
}

static void
be_reset_in_request (gint fd, guint index, gpointer user_data)
{
  CU_ASSERT (takes_hex (fd, "0000000c 82210103"));
  CU_ASSERT (sees_reset (fd));
}

static void
answer_and_be_reset (gint fd, guint index, gpointer user_data)
{
  CU_ASSERT (takes_hex (fd, CALL_1));
  send_hex (fd, REPLY_1);
  CU_ASSERT (sees_reset (fd));
}

static void
take_oneway (gint fd, guint index, gpointer user_data)
{
  CU_ASSERT (takes_hex (fd, ONEWAY));
  CU_ASSERT (sees_end (fd));
}

static void
resets_and_ends (void)
{
  static const struct
  {
    void (*client) (gint fd);
    TestPeerScript target;
    const gchar *rule;
    const gchar *said;
  } rows[] = {
    { take_reset, be_reset, "add:reset", "closed, injected: reset" },
    { take_reset, take_nothing, "add:reset,to=client", "closed, injected: reset" },
    { take_end, be_reset, "add:reset,to=target", "closed, injected: reset" },
    { take_reset, be_reset_in_request, "add:reset,at=request", "closed, injected: reset" },
    { take_half_reply_and_reset, answer_and_be_reset, "add:reset,at=reply",
      "reply, injected: reset" },
    { take_reply_and_reset, answer_and_be_reset, "*:reset,at=after", "reply, injected: reset" },
    { take_reply_and_reset, answer_first, "*:reset,at=after,to=client", "reply, injected: reset" },
    { take_reply_and_end, answer_first, "add:close,at=after", "reply, injected: close" },
    { send_oneway, take_oneway, "ping:close,at=after", "oneway, injected: close" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    check_passing (pass_between (rows[i].client, rows[i].target, rows[i].rule), 1, 0, rows[i].said);
}

static void
rules (void)
{
  g_autoptr (CliRules) some = cli_rules_new (7);
  guint n_lost = 0;

  CU_ASSERT_TRUE (cli_rules_add (some, "add:delay=5,every=3", NULL));
  CU_ASSERT_FALSE (cli_rules_are_random (some));
  CU_ASSERT_TRUE (cli_rules_add (some, "*:lose,percent=25", NULL));
  CU_ASSERT_TRUE (cli_rules_are_random (some));
  CU_ASSERT_TRUE (cli_rules_add (some, "sub:drop", NULL));
  for (guint i = 1; i <= 9; i++)
    {
      const CliInjected chosen = cli_rules_choose (some, "Calculator:add");

      CU_ASSERT (i % 3 == 0 ? chosen.what == CLI_INJECT_DELAY && chosen.delay_ms == 5
                            : chosen.what != CLI_INJECT_DELAY && chosen.delay_ms == 0);
    }
  for (guint i = 0; i < 10000; i++)
    n_lost += cli_rules_choose (some, "sub").what == CLI_INJECT_LOSE ? 1 : 0;
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
    { "add:drop,often", "\"often\" is none of every=N, percent=P, at=PLACE and to=SIDE" },
    { "add:stall", "a stall is written as stall=MILLISECONDS" },
    { "add:nothing", "there is no \"nothing\"" },
    { "add:drop=5", "there is no \"drop=5\"" },
    { "add:drop,at=reply", "at= says where \"close\" and \"reset\" end connections" },
    { "add:close,at=end", "\"end\" is none of before, request, reply and after" },
    { "add:close,to=client", "to= says which side \"reset\" resets" },
    { "add:reset,to=me", "\"me\" is none of client, target and both" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (CliRules) some = cli_rules_new (7);
      g_autoptr (GError) error = NULL;

      CU_ASSERT_FALSE (cli_rules_add (some, rows[i].text, &error));
      assert_error (error, CLI_INPUT_ERROR, 0, rows[i].message);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (injected),
    TEST (delayed_reply_holds_up_none),
    TEST (replies_of_one_sequence_id_keep_their_order),
    TEST (stalled_reply_holds_up_those_behind_it),
    TEST (delayed_reply_before_what_is_unread),
    TEST (resets_and_ends),
    TEST (rules),
    TEST (faulty_rules),
    { NULL, NULL },
  };

  passing_warm_up ();
  return test_main ("cli-proxy-rules", cases, argc, argv);
}
