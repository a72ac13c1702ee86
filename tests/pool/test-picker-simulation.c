/* Owns what pickers come to in a fleet, in virtual time: that a slow server is avoided, that few calls fail when servers do,
 * that the load is even. With "table" it prints the table of docs/beyond-one-machine.md instead, with that file it compares the rows of a
 * trouble with those there. */
#include "fleet-simulation.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

static const TallyPickerKind compared[] = { TALLY_PICKER_TWO_CHOICES, TALLY_PICKER_LEAST,
                                            TALLY_PICKER_ROUND_ROBIN };

/* 20 clients of 10 servers, each of which answers in 10 ms on average. */
static Simulation
plan_ten (TallyPickerKind kind, gdouble rate)
{
  return (Simulation){ .kind = kind,
                       .n_clients = 20,
                       .n_servers = 10,
                       .rate = rate,
                       .seconds = 60,
                       .counted_from = 10,
                       .n_workers = 32,
                       .service_ms = 10,
                       .seed = 42 };
}

static Simulation
plan_thousand (TallyPickerKind kind)
{
  return (Simulation){ .kind = kind,
                       .n_clients = 10000,
                       .n_servers = 1000,
                       .subset = 10,
                       .rate = 4,
                       .seconds = 15,
                       .counted_from = 5,
                       .n_workers = 8,
                       .service_ms = 50,
                       .seed = 7 };
}

/* Of ten servers one is ten times slower: calls of clients that pick by load hardly notice. */
static void
a_slow_server_costs_little (void)
{
  for (guint i = 0; i < 2; i++)
    for (gdouble rate = 5; rate <= 80; rate *= 4)
      {
        Simulation plan = plan_ten (compared[i], rate);
        SimulationResult without = simulation_run (&plan);
        SimulationResult with;

        plan.n_slow = 1;
        with = simulation_run (&plan);
        CU_ASSERT (with.p99_ms <= 1.5 * without.p99_ms);
        assert_int (with.n_errors, 0);
        CU_ASSERT (with.imbalance < 1.25);
      }
}

/* Round robin is what that is measured against. */
static void
round_robin_suffers (void)
{
  Simulation plan = plan_ten (TALLY_PICKER_ROUND_ROBIN, 20);
  SimulationResult without = simulation_run (&plan);
  SimulationResult with;

  plan.n_slow = 1;
  with = simulation_run (&plan);
  CU_ASSERT (with.p99_ms > 3 * without.p99_ms);
}

/* Slow ones, dead ones and restarts in turn, and still no call fails but those that a dying server had. */
static void
a_fleet_of_a_thousand (void)
{
  Simulation plan = plan_thousand (TALLY_PICKER_TWO_CHOICES);
  SimulationResult result;

  plan.n_slow = 20;
  plan.restart_ms = 300;
  result = simulation_run (&plan);
  CU_ASSERT (result.n_calls > 300000);
  assert_int (result.n_errors, 0);
  CU_ASSERT (result.n_replays > 0);
  CU_ASSERT (result.max_connections < 200);
  plan = plan_thousand (TALLY_PICKER_TWO_CHOICES);
  plan.n_dead = 100;
  result = simulation_run (&plan);
  CU_ASSERT (result.n_errors < 1000);
  CU_ASSERT (result.imbalance < 2);
}

/* ---- the table ---- */

typedef struct
{
  const gchar *name;
  guint n_slow;
  guint n_failing;
  guint n_dead;
  gdouble restart_ms;
} Trouble;

static const Trouble troubles[] = {
  { "none", 0, 0, 0, 0 },
  { "50 servers 10 times slower", 50, 0, 0, 0 },
  { "50 servers fail half of their calls", 0, 50, 0, 0 },
  { "100 servers killed", 0, 0, 100, 0 },
  { "each server restarted in turn", 0, 0, 0, 300 },
};

/* (transfer full): a row of the table. */
static gchar *
make_row (const Trouble *trouble, TallyPickerKind kind)
{
  Simulation plan = plan_thousand (kind);
  SimulationResult result;

  plan.rate = 10;
  plan.subset = 5;
  plan.seconds = 20;
  plan.counted_from = 10;
  plan.n_workers = 32;
  plan.n_slow = trouble->n_slow;
  plan.n_failing = trouble->n_failing;
  plan.n_dead = trouble->n_dead;
  plan.restart_ms = trouble->restart_ms;
  result = simulation_run (&plan);
  return g_strdup_printf ("| %s | %s | %.0f | %.2f | %u | %.0f, %u |", trouble->name,
                          tally_picker_names[kind], result.p99_ms, result.imbalance,
                          result.n_errors, result.connections, result.max_connections);
}

static int
print_table (void)
{
  printf ("| trouble | picker | p99, ms | busiest server | failed | connections, most |\n"
          "|---|---|---|---|---|---|\n");
  for (guint i = 0; i < G_N_ELEMENTS (troubles); i++)
    for (guint k = 0; k < G_N_ELEMENTS (compared); k++)
      {
        g_autofree gchar *row = make_row (&troubles[i], compared[k]);

        puts (row);
        fflush (stdout);
      }
  return 0;
}

/* ---- the table that docs has ---- */

/* What a logarithm's last bit comes to, which is not the same on each machine. */
#define TOLERANCE 0.05

static gchar *docs; /* the text */
static const Trouble *told;

/* The numbers behind a row's names, in its order. */
static guint
read_numbers (const gchar *text, gdouble *numbers, guint max)
{
  guint n = 0;
  gchar *end;

  for (; n < max && *text != '\n' && *text != '\0'; text++)
    if (g_ascii_isdigit (*text))
      {
        numbers[n++] = g_ascii_strtod (text, &end);
        text = end;
      }
  return n;
}

static void
docs_tell_what_comes_of_it (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (compared); i++)
    {
      g_autofree gchar *row = make_row (told, compared[i]);
      g_autofree gchar *names =
          g_strdup_printf ("\n| %s | %s |", told->name, tally_picker_names[compared[i]]);
      const gchar *there = strstr (docs, names);
      gdouble found[6], wanted[6];
      guint n = read_numbers (row + strlen (names) - 1, wanted, G_N_ELEMENTS (wanted));

      CU_ASSERT_PTR_NOT_NULL_FATAL (there);
      assert_int (read_numbers (there + strlen (names), found, G_N_ELEMENTS (found)), n);
      for (guint k = 0; k < n; k++)
        if (ABS (found[k] - wanted[k]) > TOLERANCE * wanted[k])
          {
            g_autofree gchar *line = g_strndup (there + 1, strcspn (there + 1, "\n"));

            assert_string (line, row);
            break;
          }
    }
}

/* Argument: the file, and which of the troubles. */
static int
compare_table (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (docs_tell_what_comes_of_it),
    { NULL, NULL },
  };
  guint which = (guint) g_ascii_strtoull (argv[2], NULL, 10);
  int status;

  if (which >= G_N_ELEMENTS (troubles) || !g_file_get_contents (argv[1], &docs, NULL, NULL))
    return 2;
  told = &troubles[which];
  status = test_main ("picker-table", cases, 1, argv);
  g_free (docs);
  return status;
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_slow_server_costs_little),
    TEST (round_robin_suffers),
    TEST (a_fleet_of_a_thousand),
    { NULL, NULL },
  };

  if (argc > 1 && strcmp (argv[1], "table") == 0)
    return print_table ();
  if (argc == 3)
    return compare_table (argc, argv);
  return test_main ("picker-simulation", cases, argc, argv);
}
