/* Owns what all subcommands do with their words and with what was wrong. */
#include "cli-commands.h"

#include <string.h>

#include "cli-base.h"

CliStatus
cli_complain (const GError *error)
{
  g_printerr ("tally: %s\n", error->message);
  return CLI_MISTAKE;
}

gboolean
cli_parse_options (gchar ***words,
                   const gchar *usage,
                   const gchar *about,
                   const GOptionEntry *entries,
                   GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (usage);

  g_option_context_set_summary (context, about);
  g_option_context_set_description (context, "See tally(1).\n");
  g_option_context_add_main_entries (context, entries, NULL);
  return g_option_context_parse_strv (context, words, error);
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
