/* Owns what all subcommands do with their words and with what was wrong. */
#include "cli-commands.h"

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
