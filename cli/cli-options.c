/* Owns what all subcommands do with their words, with what was wrong, and with their output in the end. */
#include "cli-commands.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli-base.h"
#include "replace.h"

CliStatus
cli_complain (const GError *error)
{
  g_printerr ("tally: %s\n", error->message);
  return CLI_MISTAKE;
}

/* As head has, when it has what it wants. */
static gboolean
has_reader_gone (void)
{
  struct pollfd output = { .fd = STDOUT_FILENO, .events = POLLOUT };

  return poll (&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

CliStatus
cli_end_output (CliStatus status)
{
  g_autoptr (GError) error = NULL;

  if (idl_flush_output (&error) || has_reader_gone ())
    return status;
  cli_complain (error);
  return status == CLI_OK ? CLI_FAILED : status;
}

gboolean
cli_parse_options (gchar ***words,
                   const gchar *usage,
                   const gchar *about,
                   const GOptionEntry *entries,
                   GError **error)
{
  gboolean wants_help = FALSE;
  const GOptionEntry help[] = {
    { "help", 'h', 0, G_OPTION_ARG_NONE, &wants_help, "Show this", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (usage);
  g_autofree gchar *command = g_strconcat ("tally ", **words, NULL);
  g_autofree gchar *text = NULL;

  /* GLib's own help knows no subcommand, and ends the program without a look at its output. */
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_summary (context, about);
  g_option_context_set_description (context, "See tally(1).\n");
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_main_entries (context, help, NULL);
  if (!g_option_context_parse_strv (context, words, error))
    return FALSE;
  if (!wants_help)
    return TRUE;
  g_set_prgname (command);
  text = g_option_context_get_help (context, TRUE, NULL);
  fputs (text, stdout);
  exit (cli_end_output (CLI_OK));
}

gboolean
cli_check_number (const gchar *option, gdouble value, gdouble least, gdouble most, GError **error)
{
  if (value >= least && value <= most)
    return TRUE;
  g_set_error (error, CLI_INPUT_ERROR, 0, "%s takes a number from %g to %.0f", option, least, most);
  return FALSE;
}

gboolean
cli_given_read (CliGiven *given, const gchar *name, const gchar *word, GError **error)
{
  if (g_str_equal (word, "-") || *word == '@')
    {
      given->source = g_strdup (*word == '@' ? word + 1 : "standard input");
      given->text = cli_read_file (*word == '@' ? word + 1 : word, &given->length, error);
      return given->text != NULL;
    }
  given->source = g_strdup (name);
  given->text = g_strdup (word);
  given->length = strlen (word);
  return TRUE;
}

void
cli_given_clear (CliGiven *given)
{
  g_free (given->source);
  g_free (given->text);
}

gchar *
cli_make_uri (const gchar *uri, const gchar *service)
{
  g_autofree gchar *escaped = NULL;

  if (service == NULL)
    return g_strdup (uri);
  escaped = g_uri_escape_string (service, NULL, FALSE);
  return g_strdup_printf ("%s%cservice=%s", uri, strchr (uri, '?') != NULL ? '&' : '?', escaped);
}
