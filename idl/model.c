/* Owns the questions that readers of the model ask. It changes nothing but its own indexes. */
#include "model.h"

#include <string.h>

const gchar *
idl_program_get_namespace (const IdlProgram *program, const gchar *scope)
{
  const gchar *general = "";

  /* The last one counts, as in Apache's compiler. */
  for (guint i = program->namespaces->len; i > 0; i--)
    {
      const IdlNamespace *name_space = g_ptr_array_index (program->namespaces, i - 1);

      if (strcmp (name_space->scope, scope) == 0)
        return name_space->name;
      if (*general == '\0' && strcmp (name_space->scope, "*") == 0)
        general = name_space->name;
    }
  return general;
}

const IdlType *
idl_type_resolve (const IdlType *type)
{
  while (type->kind == IDL_TYPE_NAMED && type->definition != NULL
         && type->definition->kind == IDL_DEFINITION_TYPEDEF)
    {
      if (type->definition->resolved != NULL)
        return type->definition->resolved;
      type = type->definition->type;
    }
  return type;
}

const IdlDefinition *
idl_type_get_definition (const IdlType *type)
{
  type = idl_type_resolve (type);
  return type->kind == IDL_TYPE_NAMED ? type->definition : NULL;
}

const IdlValue *
idl_value_resolve (const IdlValue *value)
{
  while (value->kind == IDL_VALUE_NAMED && value->constant != NULL)
    value = value->constant->literal != NULL ? value->constant->literal : value->constant->value;
  return value;
}

gboolean
idl_value_equal (const IdlValue *one, const IdlValue *other)
{
  gboolean one_is_integer, other_is_integer;

  one = idl_value_resolve (one);
  other = idl_value_resolve (other);
  if (one == other)
    return TRUE;
  one_is_integer = one->kind == IDL_VALUE_INTEGER || one->enumerator != NULL;
  other_is_integer = other->kind == IDL_VALUE_INTEGER || other->enumerator != NULL;
  if (one_is_integer && other_is_integer)
    return one->integer == other->integer;
  if (one_is_integer || other_is_integer || one->kind != other->kind)
    return FALSE;
  if (one->kind == IDL_VALUE_DOUBLE)
    return one->number == other->number;
  if (one->kind == IDL_VALUE_STRING)
    return one->length == other->length
           && memcmp (one->text, other->text, (gsize) one->length) == 0;
  if (one->items == NULL || other->items == NULL || one->items->len != other->items->len)
    return FALSE;
  for (guint i = 0; i < one->items->len; i++)
    if (!idl_value_equal (g_ptr_array_index (one->items, i), g_ptr_array_index (other->items, i)))
      return FALSE;
  return TRUE;
}

const gchar *
idl_annotations_get (const GPtrArray *annotations, const gchar *name)
{
  if (annotations == NULL)
    return NULL;
  for (guint i = 0; i < annotations->len; i++)
    {
      const IdlAnnotation *annotation = g_ptr_array_index (annotations, i);

      if (strcmp (annotation->name, name) == 0)
        return annotation->value;
    }
  return NULL;
}

const gchar *
idl_definition_kind_get_name (IdlDefinitionKind kind)
{
  static const gchar *const names[] = { "enum",      "typedef", "struct", "union",
                                        "exception", "const",   "service" };

  g_return_val_if_fail (kind < G_N_ELEMENTS (names), NULL);
  return names[kind];
}

gpointer
idl_definition_find_member (const IdlDefinition *definition, const gchar *name)
{
  GHashTable *index = definition->members_by_name;

  if (definition->members == NULL)
    return NULL;
  if (index == NULL)
    {
      index = g_hash_table_new (g_str_hash, g_str_equal);
      for (guint i = 0; i < definition->members->len; i++)
        {
          /* Every member begins with its IdlNode. Of two with one name the first counts. */
          IdlNode *member = g_ptr_array_index (definition->members, i);

          if (!g_hash_table_contains (index, member->name))
            g_hash_table_insert (index, (gpointer) member->name, member);
        }
      /* A cache: what the caller sees of the definition does not change. */
      ((IdlDefinition *) definition)->members_by_name = index;
    }
  return g_hash_table_lookup (index, name);
}

const IdlEnumerator *
idl_definition_find_enumerator (const IdlDefinition *definition, gint32 value)
{
  GHashTable *index = definition->members_by_value;

  g_return_val_if_fail (definition->kind == IDL_DEFINITION_ENUM, NULL);
  if (index == NULL)
    {
      index = g_hash_table_new (NULL, NULL);
      for (guint i = definition->members->len; i > 0; i--)
        {
          IdlEnumerator *enumerator = g_ptr_array_index (definition->members, i - 1);

          g_hash_table_insert (index, GINT_TO_POINTER (enumerator->value), enumerator);
        }
      ((IdlDefinition *) definition)->members_by_value = index; /* a cache, as above */
    }
  return g_hash_table_lookup (index, GINT_TO_POINTER (value));
}

const gchar *
idl_type_kind_get_name (IdlTypeKind kind)
{
  static const gchar *const names[] = { "void",   "bool",   "i8",   "i16",  "i32", "i64", "double",
                                        "string", "binary", "uuid", "list", "set", "map" };

  return names[kind];
}

static void
append_type (GString *text, const IdlType *type)
{
  if (type->kind == IDL_TYPE_NAMED)
    {
      g_string_append (text, type->name);
      return;
    }
  g_string_append (text, idl_type_kind_get_name (type->kind));
  if (type->element == NULL)
    return;
  g_string_append_c (text, '<');
  if (type->key != NULL)
    {
      append_type (text, type->key);
      g_string_append (text, ", ");
    }
  append_type (text, type->element);
  g_string_append_c (text, '>');
}

gchar *
idl_type_to_string (const IdlType *type)
{
  GString *text = g_string_new (NULL);

  append_type (text, type);
  return g_string_free (text, FALSE);
}

gboolean
idl_type_equal (const IdlType *one, const IdlType *other)
{
  one = idl_type_resolve (one);
  other = idl_type_resolve (other);
  if (one == other)
    return TRUE;
  if (one->kind != other->kind)
    return FALSE;
  if (one->kind == IDL_TYPE_NAMED)
    return one->definition == other->definition;
  return (one->key == NULL || idl_type_equal (one->key, other->key))
         && (one->element == NULL || idl_type_equal (one->element, other->element));
}
