/* What all example programs do with their command line. Knows nothing of any one program. */
#include "command-line.h"

#include <locale.h>

/* @rest: what is no option. */
static gboolean
take_uri (gchar **rest, gchar **uri, GError **error)
{
  const gchar *surplus;

  if (rest == NULL || *rest == NULL)
    return TRUE;
  surplus = *uri != NULL ? rest[0] : rest[1];
  if (surplus != NULL)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "unexpected argument \"%s\"",
                   surplus);
      return FALSE;
    }
  *uri = g_strdup (rest[0]);
  return TRUE;
}

gboolean
command_line_parse (int *argc,
                    char ***argv,
                    const gchar *summary,
                    const gchar *uri_description,
                    const GOptionEntry *entries,
                    gchar **uri,
                    GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("[URI]");
  g_auto (GStrv) rest = NULL;
  g_autofree gchar *given = NULL;
  const GOptionEntry common[] = {
    { "uri", 'u', 0, G_OPTION_ARG_STRING, &given, uri_description, "URI" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &rest, NULL, NULL },
    { NULL },
  };

  setlocale (LC_ALL, "");
  g_option_context_set_summary (context, summary);
  g_option_context_add_main_entries (context, common, NULL);
  if (entries != NULL)
    g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error) || !take_uri (rest, &given, error))
    return FALSE;
  *uri = g_steal_pointer (&given);
  return TRUE;
}

gboolean
command_line_check (const gchar *option, gdouble value, gdouble least, gdouble most, GError **error)
{
  if (value >= least && value <= most)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s takes a number from %.0f to %.0f",
               option, least, most);
  return FALSE;
}
