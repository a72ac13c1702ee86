/* What all example programs do with their command line. Knows nothing of any one program. */
#include "command-line.h"

#include <locale.h>

gboolean
command_line_parse_several (int *argc,
                            char ***argv,
                            const gchar *summary,
                            const gchar *uri_description,
                            const GOptionEntry *entries,
                            gchar ***uris,
                            GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("[URI…]");
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) given = NULL;
  g_auto (GStrv) rest = NULL;
  const GOptionEntry common[] = {
    { "uri", 'u', 0, G_OPTION_ARG_STRING_ARRAY, &given, uri_description, "URI" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &rest, NULL, NULL },
    { NULL },
  };

  setlocale (LC_ALL, "");
  g_option_context_set_summary (context, summary);
  g_option_context_add_main_entries (context, common, NULL);
  if (entries != NULL)
    g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  for (guint i = 0; given != NULL && given[i] != NULL; i++)
    g_ptr_array_add (all, g_strdup (given[i]));
  for (guint i = 0; rest != NULL && rest[i] != NULL; i++)
    g_ptr_array_add (all, g_strdup (rest[i]));
  g_ptr_array_add (all, NULL);
  *uris = (gchar **) g_ptr_array_free (g_steal_pointer (&all), FALSE);
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
  g_auto (GStrv) uris = NULL;

  if (!command_line_parse_several (argc, argv, summary, uri_description, entries, &uris, error))
    return FALSE;
  if (uris[0] != NULL && uris[1] != NULL)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "unexpected argument \"%s\"",
                   uris[1]);
      return FALSE;
    }
  *uri = g_strdup (uris[0]);
  return TRUE;
}

gboolean
command_line_check (const gchar *option, gdouble value, gdouble least, gdouble most, GError **error)
{
  if (value >= least && value <= most)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               "%s takes a number from %.0f to %.0f", option, least, most);
  return FALSE;
}
