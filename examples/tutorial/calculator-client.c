/* The tutorial's client: one call of each kind. */
#include <stdio.h>
#include <tally.h>

#include "command-line.h"
#include "tutorial_calculator.h"

static gboolean
add_up (TutorialCalculatorIf *calculator, GError **error)
{
  TutorialNumber sum;

  if (!tutorial_calculator_if_ping (calculator, error)
      || !tutorial_calculator_if_add (calculator, &sum, 1, 1, error))
    return FALSE;
  printf ("1 + 1 = %d\n", sum);
  return TRUE;
}

/* A declared exception: its error, and the object with what the server had to say. */
static gboolean
divide_by_zero (TutorialCalculatorIf *calculator, GError **error)
{
  g_autoptr (TutorialWork) work =
      g_object_new (TUTORIAL_TYPE_WORK, "operation", TUTORIAL_OPERATION_DIVIDE, "left", 1, "right",
                    0, NULL);
  g_autoptr (TutorialInvalidWork) invalid = NULL;
  g_autoptr (GError) refusal = NULL;
  TutorialNumber quotient;

  if (tutorial_calculator_if_calculate (calculator, &quotient, 1, work, &invalid, &refusal))
    {
      g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_FAILED, "the server divides by 0");
      return FALSE;
    }
  if (!g_error_matches (refusal, TUTORIAL_INVALID_WORK_ERROR, TUTORIAL_INVALID_WORK_ERROR_CODE))
    {
      g_propagate_error (error, g_steal_pointer (&refusal));
      return FALSE;
    }
  printf ("1 / 0: %s\n", invalid->why);
  return TRUE;
}

/* The service extends Journal: the same client makes Journal's calls. */
static gboolean
subtract_and_look_up (TutorialCalculatorIf *calculator, GError **error)
{
  g_autoptr (TutorialWork) work =
      g_object_new (TUTORIAL_TYPE_WORK, "operation", TUTORIAL_OPERATION_SUBTRACT, "left", 15,
                    "right", 10, "comment", "a small one", NULL);
  g_autoptr (TutorialEntry) entry = g_object_new (TUTORIAL_TYPE_ENTRY, NULL);
  g_autoptr (TutorialNoSuchEntry) missing = NULL;
  TutorialNumber difference;

  if (!tutorial_calculator_if_calculate (calculator, &difference, 2, work, NULL, error)
      || !tutorial_journal_if_get_entry (TUTORIAL_JOURNAL_IF (calculator), &entry, 2, &missing,
                                         error))
    return FALSE;
  printf ("15 - 10 = %d\njournal: %s\n", difference, entry->text);
  return TRUE;
}

static gboolean
forget_all (TutorialCalculatorIf *calculator, GError **error)
{
  if (!tutorial_calculator_if_forget (calculator, error))
    return FALSE;
  printf ("the journal will be emptied\n");
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (TutorialCalculatorClient) client = NULL;
  g_autofree gchar *uri = NULL;

  if (command_line_parse (&argc, &argv, "Makes one call of each kind to the tutorial's calculator.",
                          "Where the server is. Default: tcp://localhost:9090", NULL, &uri, &error))
    channel = tally_channel_new (uri != NULL ? uri : "tcp://localhost:9090", &error);
  if (channel == NULL)
    {
      g_printerr ("calculator-client: %s\n", error->message);
      return 2;
    }
  client = tutorial_calculator_client_new (channel);
  if (add_up (TUTORIAL_CALCULATOR_IF (client), &error)
      && divide_by_zero (TUTORIAL_CALCULATOR_IF (client), &error)
      && subtract_and_look_up (TUTORIAL_CALCULATOR_IF (client), &error)
      && forget_all (TUTORIAL_CALCULATOR_IF (client), &error))
    return 0;
  g_printerr ("calculator-client: %s\n", error->message);
  return 1;
}
