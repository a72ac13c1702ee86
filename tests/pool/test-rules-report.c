/* Rules 28 and 30: what is told is copied in pieces of bounded size, on the policy. */
#include <string.h>

#include "policy/policy-report-private.h"
#include "world.h"

#define MANY 200

/* So many are out; each has a label of its own. */
static void
lend_many (World *world, TallyWaiter *holders, gchar labels[][16], guint count)
{
  for (guint i = 0; i < count; i++)
    {
      g_snprintf (labels[i], sizeof labels[i], "holder-%u", i);
      holders[i] = (TallyWaiter){ .label = labels[i], .deadline = G_MAXINT64 };
      tally_policy_ask (&world->policy, &world->now, &holders[i]);
      world_settle (world);
      CU_ASSERT_EQUAL_FATAL (holders[i].state, TALLY_WAITER_SERVED);
    }
}

static World *
make_world (void)
{
  TallyPoolOptions options = tally_pool_options_default;

  options.max_open = MANY;
  options.max_dials = MANY;
  return world_new (&options);
}

/* How often each label is named in what is left of @report; counts the pieces. */
static guint
read_on (World *world, TallyReport *report, GString *text)
{
  guint pieces = 0;
  gboolean more;

  do
    {
      TallyReportRow rows[TALLY_REPORT_ROWS];
      guint n_rows;

      more = tally_policy_report (&world->policy, &world->now, report, rows, &n_rows);
      for (guint i = 0; i < n_rows; i++)
        tally_report_row_append (&rows[i], text);
      pieces++;
    }
  while (more);
  return pieces;
}

static guint
count_of (const GString *text, const gchar *part)
{
  guint count = 0;

  for (const gchar *at = text->str; (at = strstr (at, part)) != NULL; at++)
    count++;
  return count;
}

static void
rule_30_a_dump_is_made_in_pieces (void)
{
  g_autoptr (World) world = make_world ();
  TallyWaiter holders[MANY];
  gchar labels[MANY][16];
  g_autoptr (GString) text = g_string_new (NULL);
  TallyReport report;
  guint pieces;

  lend_many (world, holders, labels, MANY);
  tally_policy_begin_report (&world->policy, &report);
  pieces = read_on (world, &report, text);
  CU_ASSERT_TRUE (pieces >= MANY / TALLY_REPORT_ROWS);
  assert_int (count_of (text, "busy: "), MANY);
  for (guint i = 0; i < MANY; i++)
    {
      g_autofree gchar *part = g_strdup_printf ("\"%s\"", labels[i]);

      assert_int (count_of (text, part), 1);
      world_give_back (world, &holders[i]);
    }
}

/* Between two pieces waiters leave, the next one to be told of among them. */
static void
rule_30_waiters_may_leave_meanwhile (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = NULL;
  TallyWaiter holder, waiters[3 * TALLY_REPORT_ROWS];
  TallyReportRow rows[TALLY_REPORT_ROWS];
  TallyReport report, other;
  guint n_rows;
  g_autoptr (GString) text = g_string_new (NULL);

  options.max_open = 1;
  world = world_new (&options);
  world_ask (world, &holder, G_MAXINT64);
  for (guint i = 0; i < G_N_ELEMENTS (waiters); i++)
    {
      world_ask (world, &waiters[i], G_MAXINT64);
      waiters[i].thread = 1000 + i;
    }
  tally_policy_begin_report (&world->policy, &report);
  tally_policy_begin_report (&world->policy, &other);
  CU_ASSERT_TRUE (tally_policy_report (&world->policy, &world->now, &report, rows, &n_rows));
  CU_ASSERT_TRUE (tally_policy_report (&world->policy, &world->now, &other, rows, &n_rows));
  /* One piece has the connection and the first waiters but one. */
  for (guint i = 0; i < 5; i++)
    {
      TallyWaiter *leaves = &waiters[TALLY_REPORT_ROWS - 2 + i];

      CU_ASSERT_TRUE (
          tally_policy_leave (&world->policy, &world->now, leaves, TALLY_REFUSAL_CANCELLED));
      memset (leaves, 0xff, sizeof *leaves); /* its stack is another's now */
    }
  read_on (world, &report, text);
  assert_int (count_of (text, "waiting: "), G_N_ELEMENTS (waiters) - TALLY_REPORT_ROWS + 1 - 4);
  CU_ASSERT_PTR_NULL (strstr (text->str, "thread 1014,"));
  read_on (world, &other, text);
  CU_ASSERT_PTR_NULL (world->policy.cursors);
  for (guint i = 0; i < G_N_ELEMENTS (waiters); i++)
    if (waiters[i].state == TALLY_WAITER_QUEUED)
      tally_policy_leave (&world->policy, &world->now, &waiters[i], TALLY_REFUSAL_CANCELLED);
  world_give_back (world, &holder);
}

/* As an error tells it; counts the pieces of the search. */
static gchar *
describe (World *world, guint *pieces)
{
  TallyPolicyState state;
  gchar *text;

  tally_policy_get_state (&world->policy, &world->now, &state);
  for (*pieces = 0; state.is_searching; ++*pieces)
    tally_policy_search_longest (&world->policy, &world->now, &state);
  text = tally_policy_state_to_string (&state);
  tally_policy_state_clear (&state);
  return text;
}

static void
assert_longest (World *world, const gchar *label, gboolean is_known)
{
  guint pieces;
  g_autofree gchar *text = describe (world, &pieces);
  g_autofree gchar *part = g_strdup_printf ("held longest: \"%s\"", label);

  CU_ASSERT_PTR_NOT_NULL (strstr (text, part));
  CU_ASSERT_TRUE (is_known ? pieces == 0 : pieces > MANY / 100);
}

/* It is searched for in pieces, and known from then on until it comes back. */
static void
rule_28_the_longest_holder_is_searched_for_once (void)
{
  g_autoptr (World) world = make_world ();
  TallyWaiter holders[MANY];
  gchar labels[MANY][16];

  for (guint i = 0; i < MANY; i++)
    {
      lend_many (world, &holders[i], &labels[i], 1);
      g_snprintf (labels[i], sizeof labels[i], "holder-%u", i);
      world_pass (world, 1);
    }
  assert_longest (world, "holder-0", FALSE);
  assert_longest (world, "holder-0", TRUE);
  world_give_back (world, &holders[MANY / 2]);
  assert_longest (world, "holder-0", TRUE);
  world_give_back (world, &holders[0]);
  assert_longest (world, "holder-1", FALSE);
  lend_many (world, &holders[0], &labels[0], 1);
  g_snprintf (labels[0], sizeof labels[0], "again");
  assert_longest (world, "holder-1", TRUE);
  for (guint i = 0; i < MANY; i++)
    if (i != MANY / 2)
      world_give_back (world, &holders[i]);
}

/* A label may be longer than there is room for, and is not cut within a character. */
static void
rule_30_a_long_label_is_cut (void)
{
  TallyPoolOptions options = tally_pool_options_default;
  g_autoptr (World) world = world_new (&options);
  g_autoptr (GString) label = g_string_new ("a");
  g_autoptr (GString) text = g_string_new (NULL);
  TallyWaiter holder;
  TallyReport report;

  while (label->len < 2 * TALLY_LABEL_SIZE)
    g_string_append (label, "µ");
  holder = (TallyWaiter){ .label = label->str, .deadline = G_MAXINT64 };
  tally_policy_ask (&world->policy, &world->now, &holder);
  world_settle (world);
  tally_policy_begin_report (&world->policy, &report);
  read_on (world, &report, text);
  CU_ASSERT_TRUE (g_utf8_validate (text->str, -1, NULL));
  CU_ASSERT_TRUE (text->len > TALLY_LABEL_SIZE && text->len < 2 * TALLY_LABEL_SIZE);
  world_give_back (world, &holder);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_30_a_dump_is_made_in_pieces),
    TEST (rule_30_waiters_may_leave_meanwhile),
    TEST (rule_28_the_longest_holder_is_searched_for_once),
    TEST (rule_30_a_long_label_is_cut),
    { NULL, NULL },
  };

  return test_main ("pool", cases, argc, argv);
}
