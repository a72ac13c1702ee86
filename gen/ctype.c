/* The C spelling of types; Apache's choice for each type, in one place. */
#include "ctype.h"

static const gchar *const plain_types[] = {
  [IDL_TYPE_VOID] = "void",      [IDL_TYPE_BOOL] = "gboolean",  [IDL_TYPE_I8] = "gint8",
  [IDL_TYPE_I16] = "gint16",     [IDL_TYPE_I32] = "gint32",     [IDL_TYPE_I64] = "gint64",
  [IDL_TYPE_DOUBLE] = "gdouble", [IDL_TYPE_STRING] = "gchar *", [IDL_TYPE_BINARY] = "GByteArray *",
  [IDL_TYPE_UUID] = "TallyUuid", [IDL_TYPE_SET] = "GHashTable", [IDL_TYPE_MAP] = "GHashTable",
};

/* Structs and containers: their values are pointers to what C's type names. */
static gboolean
is_complex (const IdlType *type)
{
  const IdlType *resolved = idl_type_resolve (type);

  switch (resolved->kind)
    {
    case IDL_TYPE_LIST:
    case IDL_TYPE_SET:
    case IDL_TYPE_MAP:
      return TRUE;
    case IDL_TYPE_NAMED:
      return resolved->definition->kind != IDL_DEFINITION_ENUM;
    default:
      return FALSE;
    }
}

gboolean
gen_ctype_is_pointer (const IdlType *type)
{
  IdlTypeKind kind = idl_type_resolve (type)->kind;

  return kind == IDL_TYPE_STRING || kind == IDL_TYPE_BINARY || is_complex (type);
}

gchar *
gen_ctype_alias (const GenNames *names, const IdlType *type)
{
  if (type->kind == IDL_TYPE_NAMED)
    return g_strdup (gen_names_get (names, type->definition)->type);
  if (type->kind == IDL_TYPE_LIST)
    return g_strdup (gen_ctype_is_pointer (type->element) ? "GPtrArray" : "GArray");

  return g_strdup (plain_types[type->kind]);
}

gchar *
gen_ctype_parameter (const GenNames *names, const IdlType *type)
{
  g_autofree gchar *alias = gen_ctype_alias (names, type);

  return is_complex (type) ? g_strconcat (alias, " *", NULL) : g_steal_pointer (&alias);
}

gchar *
gen_ctype_slot (const GenNames *names, const IdlType *type)
{
  return gen_ctype_parameter (names, idl_type_resolve (type));
}
