/* The C identifiers of definitions. Adding one to the generated headers means adding it here, or a
 * clash with it goes unnoticed. */
#include "identifiers.h"

static void G_GNUC_PRINTF (4, 5)
    add (GStringChunk *strings, GArray *list, GenTaken kind, const gchar *format, ...)
{
  va_list arguments;

  va_start (arguments, format);

  g_autofree gchar *identifier = g_strdup_vprintf (format, arguments);

  va_end (arguments);

  const GenIdentifier entry = { g_string_chunk_insert_const (strings, identifier), kind };

  g_array_append_val (list, entry);
}

/* A type, and what G_DEFINE_AUTOPTR_CLEANUP_FUNC makes of it. */
static void
add_type (GStringChunk *strings, GArray *list, const gchar *name)
{
  static const gchar *const suffixes[] = { "", "_autoptr", "_listautoptr", "_slistautoptr",
                                           "_queueautoptr" };

  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    add (strings, list, GEN_TAKEN_TYPE, "%s%s", name, suffixes[i]);
}

static void
add_struct_identifiers (GStringChunk *strings,
                        const GenName *name,
                        gboolean exception,
                        GArray *list)
{
  const gchar *space = name->space, *bare = name->bare;

  add_type (strings, list, name->type);
  add (strings, list, GEN_TAKEN_TAG, "_%s", name->type);
  add (strings, list, GEN_TAKEN_TYPE, "%sClass", name->type);
  add (strings, list, GEN_TAKEN_FUNCTION, "%s_get_type", name->lower);
  add (strings, list, GEN_TAKEN_VALUE, "%s_info", name->lower);
  add (strings, list, GEN_TAKEN_FUNCTION_MACRO, "%s", name->upper);
  add (strings, list, GEN_TAKEN_OBJECT_MACRO, "%sTYPE_%s", space, bare);
  add (strings, list, GEN_TAKEN_FUNCTION_MACRO, "%s_CLASS", name->upper);
  add (strings, list, GEN_TAKEN_FUNCTION_MACRO, "%sIS_%s", space, bare);
  add (strings, list, GEN_TAKEN_FUNCTION_MACRO, "%sIS_%s_CLASS", space, bare);
  add (strings, list, GEN_TAKEN_FUNCTION_MACRO, "%s_GET_CLASS", name->upper);
  if (!exception)
    return;
  add (strings, list, GEN_TAKEN_TYPE, "%sError", name->type);
  add (strings, list, GEN_TAKEN_OBJECT_MACRO, "%s_ERROR", name->upper);
  add (strings, list, GEN_TAKEN_VALUE, "%s_ERROR_CODE", name->upper);
  add (strings, list, GEN_TAKEN_FUNCTION, "%s_error_quark", name->lower);
}

static void
add_service_identifiers (GStringChunk *strings, const GenName *name, GArray *list)
{
  static const gchar *const parts[][2] = {
    { "If", "IF" }, { "Client", "CLIENT" }, { "Handler", "HANDLER" }, { "Processor", "PROCESSOR" }
  };

  add (strings, list, GEN_TAKEN_VALUE, "%s_service", name->lower);
  add (strings, list, GEN_TAKEN_FUNCTION, "%s_client_new", name->lower);
  add (strings, list, GEN_TAKEN_TYPE, "%sIfInterface", name->type);
  add (strings, list, GEN_TAKEN_TAG, "_%sIfInterface", name->type);
  add (strings, list, GEN_TAKEN_FUNCTION_MACRO, "%s_IF_GET_INTERFACE", name->upper);
  add (strings, list, GEN_TAKEN_FUNCTION_MACRO, "%s_IS_CLIENT", name->upper);
  add (strings, list, GEN_TAKEN_FUNCTION_MACRO, "%s_IS_CLIENT_CLASS", name->upper);
  add (strings, list, GEN_TAKEN_OBJECT_MACRO, "%s_H", name->upper);

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      const gchar *type = parts[i][0], *upper = parts[i][1];
      g_autofree gchar *lower = g_ascii_strdown (upper, -1);

      g_autofree gchar *own = g_strconcat (name->type, type, NULL);

      add_type (strings, list, own);
      add (strings, list, GEN_TAKEN_TAG, "_%s", own);
      add (strings, list, GEN_TAKEN_TAG, "_%sClass", own);
      add (strings, list, GEN_TAKEN_TYPE, "%s%sClass", name->type, type);
      add (strings, list, GEN_TAKEN_FUNCTION, "%s_%s_get_type", name->lower, lower);
      add (strings, list, GEN_TAKEN_OBJECT_MACRO, "%sTYPE_%s_%s", name->space, name->bare, upper);
      add (strings, list, GEN_TAKEN_FUNCTION_MACRO, "%s_%s", name->upper, upper);
      add (strings, list, GEN_TAKEN_FUNCTION_MACRO, "%s_%s_CLASS", name->upper, upper);
      add (strings, list, GEN_TAKEN_FUNCTION_MACRO, "%s_%s_GET_CLASS", name->upper, upper);
      add (strings, list, GEN_TAKEN_FUNCTION_MACRO, "%sIS_%s_%s", name->space, name->bare, upper);
      add (strings, list, GEN_TAKEN_FUNCTION_MACRO, "%sIS_%s_%s_CLASS", name->space, name->bare,
           upper);
    }
}

GArray *
gen_list_identifiers (GStringChunk *strings, IdlDefinitionKind kind, const GenName *name)
{
  GArray *list = g_array_new (FALSE, FALSE, sizeof (GenIdentifier));

  switch (kind)
    {
    case IDL_DEFINITION_ENUM:
      add (strings, list, GEN_TAKEN_TYPE, "%s", name->type);
      add (strings, list, GEN_TAKEN_TAG, "_%s", name->type);
      add (strings, list, GEN_TAKEN_FUNCTION, "%s_to_string", name->lower);
      add (strings, list, GEN_TAKEN_VALUE, "%s_info", name->lower);
      break;
    case IDL_DEFINITION_TYPEDEF:
      add (strings, list, GEN_TAKEN_TYPE, "%s", name->type);
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
      add (strings, list, GEN_TAKEN_OBJECT_MACRO, "%s", name->upper);
      add (strings, list, GEN_TAKEN_FUNCTION, "%s_constant", name->lower);
      break;
    }

  return list;
}
