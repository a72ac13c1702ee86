/* Owns the JSON form of the model. It decides nothing: what is in the model is written, in its
 * order. */
#include "dump.h"

#include "json.h"
#include "references.h"

static void
dump_annotations (IdlJson *json, const GPtrArray *annotations)
{
  if (annotations == NULL || annotations->len == 0)
    return;
  idl_json_begin (json, "annotations", '[', TRUE);
  for (guint i = 0; i < annotations->len; i++)
    {
      const IdlAnnotation *annotation = g_ptr_array_index (annotations, i);

      idl_json_begin (json, NULL, '{', TRUE);
      idl_json_string (json, "name", annotation->name);
      idl_json_string (json, "value", annotation->value);
      idl_json_end (json, '{');
    }
  idl_json_end (json, '[');
}

static void
dump_node (IdlJson *json, const IdlNode *node)
{
  guint line, column;

  idl_location_get_line (&node->location, &line, &column);
  idl_json_string (json, "name", node->name);
  idl_json_integer (json, "line", line);
  idl_json_integer (json, "column", column);
  idl_json_string (json, "doc", node->doc);
  dump_annotations (json, node->annotations);
}

static const gchar *
get_type_kind (const IdlType *type)
{
  return type->kind == IDL_TYPE_NAMED ? idl_definition_kind_get_name (type->definition->kind)
                                      : idl_type_kind_get_name (type->kind);
}

static void
dump_type (IdlJson *json, const gchar *key, const IdlType *type)
{
  idl_json_begin (json, key, '{', TRUE);
  idl_json_string (json, "kind", get_type_kind (type));
  if (type->kind == IDL_TYPE_NAMED)
    {
      idl_json_string (json, "name", type->definition->node.name);
      idl_json_string (json, "program", type->definition->program->name);
    }
  if (type->key != NULL)
    dump_type (json, "key", type->key);
  if (type->element != NULL)
    dump_type (json, "element", type->element);
  idl_json_string (json, "cpp_type", type->cpp_type);
  dump_annotations (json, type->annotations);
  idl_json_end (json, '{');
}

static void dump_value (IdlJson *json, const gchar *key, const IdlValue *value);

static void
dump_items (IdlJson *json, const IdlValue *value)
{
  idl_json_begin (json, value->kind == IDL_VALUE_MAP ? "map" : "list", '[', TRUE);
  for (guint i = 0; i < value->items->len; i++)
    dump_value (json, NULL, g_ptr_array_index (value->items, i));
  idl_json_end (json, '[');
}

/* An object that says what kind it is, because 1, 1.0, true and E.ONE are to be told apart; a map
 * is an array of keys and values in turn, because keys need not be strings. */
static void
dump_value (IdlJson *json, const gchar *key, const IdlValue *value)
{
  idl_json_begin (json, key, '{', TRUE);
  switch (value->kind)
    {
    case IDL_VALUE_INTEGER:
      if (value->is_boolean)
        idl_json_boolean (json, "bool", value->integer != 0);
      else
        idl_json_integer (json, "integer", value->integer);
      break;
    case IDL_VALUE_DOUBLE:
      idl_json_double (json, "double", value->number);
      break;
    case IDL_VALUE_STRING:
      idl_json_bytes (json, "string", value->text, value->length);
      break;
    case IDL_VALUE_LIST:
    case IDL_VALUE_MAP:
      dump_items (json, value);
      break;
    case IDL_VALUE_NAMED:
      if (value->constant != NULL)
        {
          idl_json_string (json, "constant", value->constant->node.name);
          idl_json_string (json, "program", value->constant->program->name);
        }
      break;
    }
  if (value->enumerator != NULL)
    {
      idl_json_string (json, "enumerator", value->enumerator->node.name);
      idl_json_string (json, "enum", value->enumerator->owner->node.name);
      idl_json_string (json, "program", value->enumerator->owner->program->name);
    }
  idl_json_end (json, '{');
}

static void dump_fields (IdlJson *json, const gchar *key, const GPtrArray *fields);

static void
dump_field (IdlJson *json, const IdlField *field)
{
  static const gchar *const requiredness[] = { NULL, "required", "optional" };

  idl_json_begin (json, NULL, '{', TRUE);
  idl_json_integer (json, "id", field->id);
  if (field->id_is_implicit)
    idl_json_boolean (json, "implicit_id", TRUE);
  dump_node (json, &field->node);
  idl_json_string (json, "requiredness", requiredness[field->requiredness]);
  dump_type (json, "type", field->type);
  if (field->value != NULL)
    dump_value (json, "default", field->value);
  if (field->is_reference)
    idl_json_boolean (json, "reference", TRUE);
  if (field->xsd_optional)
    idl_json_boolean (json, "xsd_optional", TRUE);
  if (field->xsd_nillable)
    idl_json_boolean (json, "xsd_nillable", TRUE);
  if (field->xsd_attributes != NULL)
    dump_fields (json, "xsd_attributes", field->xsd_attributes);
  idl_json_end (json, '{');
}

static void
dump_fields (IdlJson *json, const gchar *key, const GPtrArray *fields)
{
  idl_json_begin (json, key, '[', FALSE);
  for (guint i = 0; i < fields->len; i++)
    dump_field (json, g_ptr_array_index (fields, i));
  idl_json_end (json, '[');
}

static void
dump_enumerators (IdlJson *json, const IdlDefinition *definition)
{
  idl_json_begin (json, "enumerators", '[', FALSE);
  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlEnumerator *enumerator = g_ptr_array_index (definition->members, i);

      idl_json_begin (json, NULL, '{', TRUE);
      dump_node (json, &enumerator->node);
      idl_json_integer (json, "value", enumerator->value);
      idl_json_end (json, '{');
    }
  idl_json_end (json, '[');
}

static void
dump_service (IdlJson *json, const IdlDefinition *service)
{
  if (service->extends != NULL)
    {
      idl_json_begin (json, "extends", '{', TRUE);
      idl_json_string (json, "name", service->extends->node.name);
      idl_json_string (json, "program", service->extends->program->name);
      idl_json_end (json, '{');
    }
  idl_json_begin (json, "functions", '[', FALSE);
  for (guint i = 0; i < service->members->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (service->members, i);

      idl_json_begin (json, NULL, '{', FALSE);
      dump_node (json, &function->node);
      if (function->oneway)
        idl_json_boolean (json, "oneway", TRUE);
      dump_type (json, "returns", function->returns);
      dump_fields (json, "arguments", function->arguments);
      dump_fields (json, "throws", function->throws);
      idl_json_end (json, '{');
    }
  idl_json_end (json, '[');
}

static void
dump_definition (IdlJson *json, const IdlDefinition *definition)
{
  idl_json_begin (json, NULL, '{', FALSE);
  idl_json_string (json, "kind", idl_definition_kind_get_name (definition->kind));
  dump_node (json, &definition->node);
  if (definition->type != NULL)
    dump_type (json, "type", definition->type);
  if (definition->value != NULL)
    dump_value (json, "value", definition->value);
  if (definition->xsd_all)
    idl_json_boolean (json, "xsd_all", TRUE);
  if (definition->kind == IDL_DEFINITION_ENUM)
    dump_enumerators (json, definition);
  else if (definition->kind == IDL_DEFINITION_SERVICE)
    dump_service (json, definition);
  else if (definition->members != NULL)
    dump_fields (json, "fields", definition->members);
  idl_json_end (json, '{');
}

static void
dump_strings (IdlJson *json, const gchar *key, const GPtrArray *strings)
{
  idl_json_begin (json, key, '[', TRUE);
  for (guint i = 0; i < strings->len; i++)
    idl_json_string (json, NULL, g_ptr_array_index (strings, i));
  idl_json_end (json, '[');
}

static void
dump_headers (IdlJson *json, const IdlProgram *program)
{
  idl_json_begin (json, "includes", '[', FALSE);
  for (guint i = 0; i < program->includes->len; i++)
    {
      const IdlInclude *include = g_ptr_array_index (program->includes, i);

      idl_json_begin (json, NULL, '{', TRUE);
      idl_json_string (json, "path", include->path);
      idl_json_string (json, "program", include->program->name);
      idl_json_end (json, '{');
    }
  idl_json_end (json, '[');
  dump_strings (json, "cpp_includes", program->cpp_includes);
  dump_strings (json, "c_includes", program->c_includes);
  idl_json_begin (json, "namespaces", '[', FALSE);
  for (guint i = 0; i < program->namespaces->len; i++)
    {
      const IdlNamespace *name_space = g_ptr_array_index (program->namespaces, i);

      idl_json_begin (json, NULL, '{', TRUE);
      idl_json_string (json, "scope", name_space->scope);
      idl_json_string (json, "name", name_space->name);
      dump_annotations (json, name_space->annotations);
      idl_json_end (json, '{');
    }
  idl_json_end (json, '[');
}

/* The use of a name, and where what is named is: `target`, not for an include. */
static void
dump_reference (IdlJson *json, const IdlReference *reference)
{
  const IdlNode *target = reference->member != NULL       ? reference->member
                          : reference->definition != NULL ? &reference->definition->node
                                                          : NULL;
  guint line, column;

  idl_location_get_line (&reference->location, &line, &column);
  idl_json_begin (json, NULL, '{', TRUE);
  idl_json_string (json, "kind", idl_reference_kind_get_name (reference->kind));
  idl_json_integer (json, "line", line);
  idl_json_integer (json, "column", column);
  idl_json_integer (json, "length", reference->location.length);
  idl_json_string (json, "program", reference->program->name);
  idl_json_string (json, "file", idl_source_get_path (reference->program->source));
  if (target != NULL)
    {
      idl_json_string (json, "name", reference->definition->node.name);
      idl_json_string (json, "member", reference->member == NULL ? NULL : reference->member->name);
      idl_location_get_line (&target->location, &line, &column);
      idl_json_begin (json, "target", '{', TRUE);
      idl_json_integer (json, "line", line);
      idl_json_integer (json, "column", column);
      idl_json_end (json, '{');
    }
  idl_json_end (json, '{');
}

static void
dump_references (IdlJson *json, const IdlProgram *program)
{
  g_autoptr (GArray) references = idl_program_list_references (program);

  idl_json_begin (json, "references", '[', FALSE);
  for (guint i = 0; i < references->len; i++)
    dump_reference (json, &g_array_index (references, IdlReference, i));
  idl_json_end (json, '[');
}

gchar *
idl_dump_json (const GPtrArray *programs)
{
  IdlJson json;

  idl_json_init (&json);
  idl_json_begin (&json, NULL, '{', FALSE);
  idl_json_begin (&json, "programs", '[', FALSE);
  for (guint i = 0; i < programs->len; i++)
    {
      const IdlProgram *program = g_ptr_array_index (programs, i);

      idl_json_begin (&json, NULL, '{', FALSE);
      idl_json_string (&json, "name", program->name);
      idl_json_string (&json, "file", idl_source_get_path (program->source));
      idl_json_string (&json, "doc", program->doc);
      dump_headers (&json, program);
      idl_json_begin (&json, "definitions", '[', FALSE);
      for (guint j = 0; j < program->definitions->len; j++)
        dump_definition (&json, g_ptr_array_index (program->definitions, j));
      idl_json_end (&json, '[');
      dump_references (&json, program);
      idl_json_end (&json, '{');
    }
  idl_json_end (&json, '[');
  idl_json_end (&json, '{');
  return idl_json_finish (&json);
}
