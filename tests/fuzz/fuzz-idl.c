/* Any bytes through the whole front end: load, print what is said, dump, audit against itself,
 * format. Besides what the sanitizers see, it holds that the formatter is idempotent and keeps the
 * model. */
#include "fuzz.h"

#include "audit.h"
#include "dump.h"
#include "format.h"

#include <string.h>

/* Takes the places out of a dump: they are all that formatting may change. */
static void
remove_places (gchar *json)
{
  gchar *to = json;

  for (const gchar *from = json; *from != '\0';)
    {
      if (g_str_has_prefix (from, "\"line\": ") || g_str_has_prefix (from, "\"column\": "))
        {
          from = strchr (from, ' ') + 1;
          while (g_ascii_isdigit (*from))
            from++;
          continue;
        }
      *to++ = *from++;
    }
  *to = '\0';
}

/* (nullable) (transfer full): the model of @text without places. */
static gchar *
get_model (const gchar *text, gsize length)
{
  g_autoptr (IdlUnit) unit = idl_unit_new ();
  g_autoptr (IdlDiagnostics) findings = idl_diagnostics_new ();
  IdlProgram *program = idl_unit_load_text (unit, "t.thrift", text, (gssize) length);
  const IdlDiagnostics *diagnostics = idl_unit_get_diagnostics (unit);
  g_autofree gchar *shown = idl_diagnostics_to_string (diagnostics);
  g_autofree gchar *json = idl_diagnostics_to_json (diagnostics);
  gchar *model;

  g_assert ((program == NULL) == (idl_diagnostics_count (diagnostics, IDL_ERROR) > 0));
  g_assert (shown != NULL && g_utf8_validate (json, -1, NULL));
  if (program == NULL)
    return NULL;
  g_assert (idl_audit (program, program, findings));
  g_assert (idl_diagnostics_get (findings)->len == 0);
  model = idl_dump_json (idl_unit_get_programs (unit));
  remove_places (model);
  return model;
}

static gchar *
format (const gchar *text, gsize length)
{
  g_autoptr (IdlDiagnostics) diagnostics = idl_diagnostics_new ();
  gchar *copy = g_malloc (length + 1);
  g_autoptr (IdlSource) source = NULL;

  memcpy (copy, text, length);
  copy[length] = '\0';
  source = idl_source_new ("t.thrift", copy, length);
  return idl_format_source (source, diagnostics);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  const gchar *text = size > 0 ? (const gchar *) data : "";
  g_autofree gchar *model = get_model (text, size);
  g_autofree gchar *formatted = format (text, size);
  g_autofree gchar *original = g_strndup (text, size);
  g_autofree gchar *again = NULL;
  g_autofree gchar *diff = NULL;
  g_autofree gchar *formatted_model = NULL;

  if (formatted == NULL)
    return 0;
  again = format (formatted, strlen (formatted));
  g_assert_cmpstr (formatted, ==, again);
  diff = idl_format_diff ("t.thrift", original, formatted);
  if (model == NULL)
    return 0;
  formatted_model = get_model (formatted, strlen (formatted));
  g_assert_cmpstr (model, ==, formatted_model);
  return 0;
}
