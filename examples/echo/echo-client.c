/* The echo example's client: makes each call once, or again and again, and says how each ended. */
#include <stdio.h>
#include <string.h>
#include <tally.h>

#include "command-line.h"
#include "demo_echo.h"
#include "payload.h"

static gint option_repeat = 1;
static gdouble option_interval;
static gint option_timeout = 5000;
static gboolean option_prompted;

static const GOptionEntry options[] = {
  { "repeat", 'n', 0, G_OPTION_ARG_INT, &option_repeat, "Make N rounds of calls. Default: 1", "N" },
  { "interval", 'i', 0, G_OPTION_ARG_DOUBLE, &option_interval, "Wait so long between rounds",
    "SECONDS" },
  { "timeout", 't', 0, G_OPTION_ARG_INT, &option_timeout,
    "What a call may take; 0 = no limit. Default: 5000", "MILLISECONDS" },
  { "prompted", 'p', 0, G_OPTION_ARG_NONE, &option_prompted,
    "Make a round for each line of standard input instead", NULL },
  { NULL },
};

/* Says how a call ended. The error's domain tells which side refused, its code what the server may
 * have seen. */
static gboolean
report (const gchar *method, gboolean succeeded, const gchar *value, const GError *error)
{
  if (succeeded)
    printf ("  %-12s %s\n", method, value);
  else
    printf ("  %-12s failed: %s (%s %d)\n", method, error->message,
            g_quark_to_string (error->domain), error->code);
  return succeeded;
}

static gboolean
wrong_answer (GError **error)
{
  g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_FAILED, "the answer is not what was sent");
  return FALSE;
}

static gboolean
call_echo (DemoEchoIf *echo)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = NULL;
  gboolean succeeded = demo_echo_if_echo (echo, &reply, "Guten Tag", &error)
                       && (strcmp (reply, "Guten Tag") == 0 || wrong_answer (&error));

  return report ("echo", succeeded, reply, error);
}

static gboolean
call_echo_payload (DemoEchoIf *echo, guint seed)
{
  g_autoptr (DemoPayload) payload = payload_new (seed);
  g_autoptr (DemoPayload) reply = g_object_new (DEMO_TYPE_PAYLOAD, NULL);
  g_autoptr (GError) error = NULL;
  gboolean succeeded = demo_echo_if_echo_payload (echo, &reply, payload, &error)
                       && (tally_struct_equal (reply, payload) || wrong_answer (&error));

  return report ("echo_payload", succeeded,
                 "100 items, 50 counters, 1000 samples, 4096 bytes, all equal", error);
}

/* The server refuses: the call fails with the exception's own error, and the object tells more. */
static gboolean
call_echo_short (DemoEchoIf *echo)
{
  g_autoptr (DemoRefused) refused = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = NULL;
  g_autofree gchar *text = NULL;

  if (demo_echo_if_echo_short (echo, &reply, "too long", 3, &refused, &error))
    wrong_answer (&error);
  else if (g_error_matches (error, DEMO_REFUSED_ERROR, DEMO_REFUSED_ERROR_CODE))
    text = g_strdup_printf ("refused, as it should be: %d bytes are %s", refused->length,
                            refused->reason);
  return report ("echo_short", text != NULL, text, error);
}

/* A oneway call has no reply: that it was sent is all that is known, so the server is asked after
 * it. */
static gboolean
call_note (DemoEchoIf *echo)
{
  g_autoptr (GError) error = NULL;
  gboolean succeeded = demo_echo_if_note (echo, "remember the milk", &error);

  return report ("note", succeeded, "left", error);
}

static gboolean
call_count_notes (DemoEchoIf *echo)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = NULL;
  gint32 count = 0;
  gboolean succeeded = demo_echo_if_count_notes (echo, &count, &error);

  text = g_strdup_printf ("%d since the server started", count);
  return report ("count_notes", succeeded, text, error);
}

/* Returns how many calls failed. */
static guint
make_round (DemoEchoIf *echo, gint number)
{
  guint failures = 0;

  printf ("round %d\n", number);
  failures += !call_echo (echo);
  failures += !call_echo_payload (echo, number);
  failures += !call_echo_short (echo);
  failures += !call_note (echo);
  failures += !call_count_notes (echo);
  if (failures == 0)
    printf ("round %d: all is well\n", number);
  else
    printf ("round %d: %u of 5 calls failed\n", number, failures);
  fflush (stdout);
  return failures;
}

/* Waits for the next line of standard input; FALSE at its end. */
static gboolean
is_prompted (void)
{
  int byte;

  while ((byte = getchar ()) != EOF && byte != '\n')
    continue;
  return byte != EOF;
}

static guint
make_rounds (DemoEchoIf *echo)
{
  guint failures = 0;
  gint i;

  if (option_prompted)
    {
      for (i = 1; is_prompted (); i++)
        failures += make_round (echo, i);
      return failures;
    }
  for (i = 1; i <= option_repeat; i++)
    {
      if (i > 1 && option_interval > 0)
        g_usleep (option_interval * G_USEC_PER_SEC);
      failures += make_round (echo, i);
    }
  return failures;
}

static gboolean
parse (int *argc, char ***argv, gchar **uri, GError **error)
{
  return command_line_parse (argc, argv,
                             "Makes each call of the echo example, and says how it ended.",
                             "Where the server is. Default: tcp://localhost:9090", options, uri,
                             error)
         && command_line_check ("--repeat", option_repeat, 1, G_MAXINT, error)
         && command_line_check ("--interval", option_interval, 0, 86400, error)
         && command_line_check ("--timeout", option_timeout, 0, G_MAXINT, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (DemoEchoClient) client = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *uri = NULL;

  if (parse (&argc, &argv, &uri, &error))
    channel = tally_channel_new (uri != NULL ? uri : "tcp://localhost:9090", &error);
  if (channel == NULL)
    {
      g_printerr ("echo-client: %s\n", error->message);
      return 2;
    }
  tally_channel_set_timeout (channel, option_timeout);
  client = demo_echo_client_new (channel);
  return make_rounds (DEMO_ECHO_IF (client)) == 0 ? 0 : 1;
}
