/* Any two texts, divided by a byte 0, through the audit, each as the new version of the other. */
#include "fuzz.h"

#include "audit.h"

#include <string.h>

static void
audit (const IdlProgram *old_program, const IdlProgram *new_program)
{
  g_autoptr (IdlDiagnostics) findings = idl_diagnostics_new ();
  gboolean passed = idl_audit (old_program, new_program, findings);
  g_autofree gchar *shown = idl_diagnostics_to_string (findings);
  g_autofree gchar *json = idl_diagnostics_to_json (findings);

  g_assert (passed == (idl_diagnostics_count (findings, IDL_ERROR) == 0));
  g_assert (shown != NULL && g_utf8_validate (json, -1, NULL));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  const gchar *text = size > 0 ? (const gchar *) data : "";
  const gchar *zero = memchr (text, '\0', size);
  gsize old_size = zero == NULL ? size : (gsize) (zero - text);
  gsize new_size = zero == NULL ? 0 : size - old_size - 1;
  g_autoptr (IdlUnit) old_unit = idl_unit_new ();
  g_autoptr (IdlUnit) new_unit = idl_unit_new ();
  const IdlProgram *old_program =
      idl_unit_load_text (old_unit, "old.thrift", text, (gssize) old_size);
  const IdlProgram *new_program =
      idl_unit_load_text (new_unit, "new.thrift", zero == NULL ? "" : zero + 1, (gssize) new_size);

  if (old_program == NULL || new_program == NULL)
    return 0;
  audit (old_program, new_program);
  audit (new_program, old_program);
  return 0;
}
