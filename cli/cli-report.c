/* Owns `tally report`: which runs it shows, and where the page goes. */
#include <stdio.h>
#include <string.h>

#include "cli-base.h"
#include "cli-commands.h"
#include "cli-report.h"
#include "replace.h"

/* Colours are told apart, and columns read, up to here. */
#define MAX_MODES 24

gboolean
cli_report_write (
    const gchar *path, const gchar *name, const gchar *text, gsize length, GError **error)
{
  g_autoptr (CliReport) report = cli_report_new ();
  g_autofree gchar *page = NULL;

  if (!cli_report_add (report, name, text, length, error))
    return FALSE;
  page = cli_report_make_page (report);
  return idl_replace_file (path, page, strlen (page), error);
}

static gboolean
add_file (CliReport *report, const gchar *path, GError **error)
{
  gsize length;
  g_autofree gchar *text = cli_read_file (path, &length, error);

  return text != NULL && cli_report_add (report, path, text, length, error);
}

static gboolean
make_report (gchar **words, const gchar *output, GError **error)
{
  g_autoptr (CliReport) report = cli_report_new ();
  g_autofree gchar *page = NULL;

  for (guint i = 1; words[i] != NULL; i++)
    if (!add_file (report, words[i], error))
      return FALSE;
  if (report->runs->len == 0)
    {
      g_set_error (error, CLI_INPUT_ERROR, 0,
                   "there is a word or several: files that tally bench --json wrote");
      return FALSE;
    }
  if (report->modes->len > MAX_MODES)
    {
      g_set_error (error, CLI_INPUT_ERROR, 0, "%u modes are more than a page shows, %d",
                   report->modes->len, MAX_MODES);
      return FALSE;
    }
  page = cli_report_make_page (report);
  return idl_replace_file (output, page, strlen (page), error);
}

CliStatus
cli_report (gchar **words)
{
  g_autofree gchar *output = NULL;
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
      "Write the page there (default: report.html)", "FILE.html" },
    { NULL },
  };
  g_auto (GStrv) rest = g_strdupv (words);
  g_autoptr (GError) error = NULL;

  if (!cli_parse_options (&rest, "FILE.json...",
                          "Shows what tally bench measured as a page, several runs side by side.",
                          entries, &error))
    return cli_complain (error);
  if (output == NULL)
    output = g_strdup ("report.html");
  if (!make_report (rest, output, &error))
    return cli_complain (error);
  printf ("%s\n", output);
  return CLI_OK;
}
