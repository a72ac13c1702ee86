/* The C identifiers of definitions. Adding one to the generated headers means adding it here, or a
 * clash with it goes unnoticed. */
#include "identifiers.h"

static void G_GNUC_PRINTF (3, 4)
    add (GStringChunk *strings, GPtrArray *list, const gchar *format, ...)
{
  va_list arguments;

  va_start (arguments, format);

  g_autofree gchar *identifier = g_strdup_vprintf (format, arguments);

  va_end (arguments);
  g_ptr_array_add (list, g_string_chunk_insert_const (strings, identifier));
}

static void
add_struct_identifiers (GStringChunk *strings,
                        const GenName *name,
                        gboolean exception,
                        GPtrArray *list)
{
  const gchar *space = name->space, *bare = name->bare;

  g_ptr_array_add (list, (gpointer) name->type);
  add (strings, list, "_%s", name->type);
  add (strings, list, "%sClass", name->type);
  add (strings, list, "%s_get_type", name->lower);
  add (strings, list, "%s_info", name->lower);
  g_ptr_array_add (list, (gpointer) name->upper);
  add (strings, list, "%sTYPE_%s", space, bare);
  add (strings, list, "%s_CLASS", name->upper);
  add (strings, list, "%sIS_%s", space, bare);
  add (strings, list, "%sIS_%s_CLASS", space, bare);
  add (strings, list, "%s_GET_CLASS", name->upper);
  if (!exception)
    return;
  add (strings, list, "%sError", name->type);
  add (strings, list, "%s_ERROR", name->upper);
  add (strings, list, "%s_ERROR_CODE", name->upper);
  add (strings, list, "%s_error_quark", name->lower);
}

static void
add_service_identifiers (GStringChunk *strings, const GenName *name, GPtrArray *list)
{
  static const gchar *const parts[][2] = {
    { "If", "IF" }, { "Client", "CLIENT" }, { "Handler", "HANDLER" }, { "Processor", "PROCESSOR" }
  };

  add (strings, list, "%s_service", name->lower);
  add (strings, list, "%s_client_new", name->lower);
  add (strings, list, "%sIfInterface", name->type);
  add (strings, list, "%s_IF_GET_INTERFACE", name->upper);
  add (strings, list, "%s_IS_CLIENT", name->upper);
  add (strings, list, "%s_IS_CLIENT_CLASS", name->upper);
  add (strings, list, "%s_H", name->upper);

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      const gchar *type = parts[i][0], *upper = parts[i][1];
      g_autofree gchar *lower = g_ascii_strdown (upper, -1);

      add (strings, list, "%s%s", name->type, type);
      add (strings, list, "%s%sClass", name->type, type);
      add (strings, list, "%s_%s_get_type", name->lower, lower);
      add (strings, list, "%sTYPE_%s_%s", name->space, name->bare, upper);
      add (strings, list, "%s_%s", name->upper, upper);
      add (strings, list, "%s_%s_CLASS", name->upper, upper);
      add (strings, list, "%s_%s_GET_CLASS", name->upper, upper);
      add (strings, list, "%sIS_%s_%s", name->space, name->bare, upper);
      add (strings, list, "%sIS_%s_%s_CLASS", name->space, name->bare, upper);
    }
}

GPtrArray *
gen_list_identifiers (GStringChunk *strings, IdlDefinitionKind kind, const GenName *name)
{
  GPtrArray *list = g_ptr_array_new ();

  switch (kind)
    {
    case IDL_DEFINITION_ENUM:
      g_ptr_array_add (list, (gpointer) name->type);
      add (strings, list, "_%s", name->type);
      add (strings, list, "%s_to_string", name->lower);
      add (strings, list, "%s_info", name->lower);
      break;
    case IDL_DEFINITION_TYPEDEF:
      g_ptr_array_add (list, (gpointer) name->type);
      break;
    case IDL_DEFINITION_STRUCT:
    case IDL_DEFINITION_UNION:
    case IDL_DEFINITION_EXCEPTION:
      add_struct_identifiers (strings, name, kind == IDL_DEFINITION_EXCEPTION, list);
      break;
    case IDL_DEFINITION_SERVICE:
      add_service_identifiers (strings, name, list);
      break;
    case IDL_DEFINITION_CONST:
      g_ptr_array_add (list, (gpointer) name->upper);
      add (strings, list, "%s_constant", name->lower);
      break;
    }

  return list;
}
