/* What all example programs do with their command line. */
#ifndef EXAMPLES_COMMAND_LINE_H
#define EXAMPLES_COMMAND_LINE_H

#include <glib.h>

/* Takes the locale of the environment and parses the command line; --help is answered. The URI may
 * be given as --uri URI or as the one argument that is no option: *@uri is it, else NULL (transfer
 * full). @entries (nullable): the program's own options. FALSE with an error of %G_OPTION_ERROR. */
gboolean command_line_parse (int *argc,
                             char ***argv,
                             const gchar *summary,
                             const gchar *uri_description,
                             const GOptionEntry *entries,
                             gchar **uri,
                             GError **error);
/* As command_line_parse (), of a program that takes any number of URIs: (transfer full). */
gboolean command_line_parse_several (int *argc,
                                     char ***argv,
                                     const gchar *summary,
                                     const gchar *uri_description,
                                     const GOptionEntry *entries,
                                     gchar ***uris,
                                     GError **error);
/* Of a number that an option gave: FALSE with an error that names the option. */
gboolean command_line_check (
    const gchar *option, gdouble value, gdouble least, gdouble most, GError **error);

#endif /* EXAMPLES_COMMAND_LINE_H */
