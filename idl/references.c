/* Owns the list of the uses of names in a program. It reads what the steps before have bound, and binds
 * nothing itself. */
#include "references.h"

#include <string.h>

typedef struct
{
  const IdlProgram *program;
  GArray *list; /* of IdlReference */
} Collector;

static void
add_reference (Collector *collector, const IdlReference *reference)
{
  g_array_append_val (collector->list, *reference);
}

/* The last @length bytes of what @whole covers, or, with @from_start, the first. */
static IdlLocation
cut (const IdlLocation *whole, gsize length, gboolean from_start)
{
  guint32 skipped = from_start ? 0 : whole->length - (guint32) length;

  return (IdlLocation){ whole->source, whole->offset + skipped, (guint32) length };
}

/* The prefix that ends before the last dot of @name, if it names the file that has @target. */
static void
add_prefix (Collector *collector,
            const gchar *name,
            const IdlLocation *location,
            const IdlProgram *target)
{
  const gchar *dot = strrchr (name, '.');

  if (dot != NULL && target != collector->program)
    add_reference (collector,
                   &(IdlReference){ .kind = IDL_REFERENCE_INCLUDE,
                                    .location = cut (location, (gsize) (dot - name), TRUE),
                                    .program = target });
}

/* @name, perhaps with a prefix, which is @definition's. */
static void
add_name (Collector *collector,
          IdlReferenceKind kind,
          const gchar *name,
          const IdlLocation *location,
          const IdlDefinition *definition)
{
  const gchar *dot = strrchr (name, '.');

  add_prefix (collector, name, location, definition->program);
  add_reference (collector,
                 &(IdlReference){ .kind = kind,
                                  .location =
                                      cut (location, strlen (dot == NULL ? name : dot + 1), FALSE),
                                  .program = definition->program,
                                  .definition = definition });
}

static void
collect_type (Collector *collector, IdlReferenceKind kind, const IdlType *type)
{
  if (type->key != NULL)
    collect_type (collector, kind, type->key);
  if (type->element != NULL)
    collect_type (collector, kind, type->element);
  if (type->kind == IDL_TYPE_NAMED && type->definition != NULL)
    add_name (collector, kind, type->name, &type->location, type->definition);
}

/* (nullable): the type of the name @prefix, which may have a prefix itself, that is the enum @owner. */
static const IdlDefinition *
find_enum (const IdlProgram *program, const gchar *prefix, const IdlDefinition *owner)
{
  const gchar *dot = strrchr (prefix, '.');
  const IdlDefinition *found = NULL;

  if (dot == NULL)
    found = g_hash_table_lookup (program->types, prefix);
  for (guint i = 0; dot != NULL && found == NULL && i < program->includes->len; i++)
    {
      const IdlProgram *included =
          ((const IdlInclude *) g_ptr_array_index (program->includes, i))->program;

      if (included != NULL && strlen (included->name) == (gsize) (dot - prefix)
          && memcmp (included->name, prefix, (gsize) (dot - prefix)) == 0)
        found = g_hash_table_lookup (included->types, dot + 1);
    }
  if (found == NULL || found == owner)
    return found;
  return found->kind == IDL_DEFINITION_TYPEDEF && idl_type_get_definition (found->type) == owner
             ? found
             : NULL;
}

/* `Color.RED`, `shared.Color.RED`; or `RED`, or whatever else was taken for it. */
static void
collect_enumerator (Collector *collector, const IdlValue *value)
{
  const IdlDefinition *owner = value->enumerator->owner;
  const gchar *dot = strrchr (value->text, '.');
  g_autofree gchar *prefix =
      dot == NULL ? NULL : g_strndup (value->text, (gsize) (dot - value->text));
  const IdlDefinition *named =
      prefix == NULL ? NULL : find_enum (collector->program, prefix, owner);

  if (named != NULL)
    {
      IdlLocation location = cut (&value->location, strlen (prefix), TRUE);

      add_name (collector, IDL_REFERENCE_TYPE, prefix, &location, named);
    }
  add_reference (collector,
                 &(IdlReference){ .kind = IDL_REFERENCE_ENUMERATOR,
                                  .location =
                                      cut (&value->location,
                                           strlen (dot == NULL ? value->text : dot + 1), FALSE),
                                  .program = owner->program,
                                  .definition = owner,
                                  .member = &value->enumerator->node });
}

/* The key of a struct's literal. One with escapes has no place for each of its letters. */
static void
collect_key (Collector *collector, const IdlValue *key, const IdlDefinition *definition)
{
  const IdlField *field =
      key->kind == IDL_VALUE_STRING ? idl_definition_find_member (definition, key->text) : NULL;

  if (field != NULL && key->location.length == key->length + 2)
    add_reference (collector,
                   &(IdlReference){ .kind = IDL_REFERENCE_FIELD,
                                    .location = { key->location.source, key->location.offset + 1,
                                                  (guint32) key->length },
                                    .program = definition->program,
                                    .definition = definition,
                                    .member = &field->node });
}

/* (nullable): the struct of which @value is a literal. */
static const IdlDefinition *
get_made (const IdlValue *value)
{
  const IdlDefinition *made = value->kind == IDL_VALUE_MAP && value->type != NULL
                                  ? idl_type_get_definition (value->type)
                                  : NULL;

  return made == NULL || made->kind == IDL_DEFINITION_ENUM ? NULL : made;
}

static void
collect_value (Collector *collector, const IdlValue *value)
{
  const IdlDefinition *made = get_made (value);

  if (value->kind == IDL_VALUE_NAMED && value->constant != NULL)
    add_name (collector, IDL_REFERENCE_CONSTANT, value->text, &value->location, value->constant);
  else if (value->kind == IDL_VALUE_NAMED && value->enumerator != NULL)
    collect_enumerator (collector, value);
  for (guint i = 0; value->items != NULL && i < value->items->len; i++)
    {
      const IdlValue *item = g_ptr_array_index (value->items, i);

      if (made != NULL && i % 2 == 0)
        collect_key (collector, item, made);
      else
        collect_value (collector, item);
    }
}

static void
collect_fields (Collector *collector, IdlReferenceKind kind, const GPtrArray *fields)
{
  for (guint i = 0; fields != NULL && i < fields->len; i++)
    {
      const IdlField *field = g_ptr_array_index (fields, i);

      collect_type (collector, kind, field->type);
      if (field->value != NULL)
        collect_value (collector, field->value);
      collect_fields (collector, kind, field->xsd_attributes);
    }
}

static void
collect_service (Collector *collector, const IdlDefinition *service)
{
  if (service->extends != NULL)
    add_name (collector, IDL_REFERENCE_EXTENDS, service->extends_name, &service->extends_location,
              service->extends);
  for (guint i = 0; i < service->members->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (service->members, i);

      collect_type (collector, IDL_REFERENCE_TYPE, function->returns);
      collect_fields (collector, IDL_REFERENCE_TYPE, function->arguments);
      collect_fields (collector, IDL_REFERENCE_THROWS, function->throws);
    }
}

static void
collect_definition (Collector *collector, const IdlDefinition *definition)
{
  if (definition->type != NULL)
    collect_type (collector, IDL_REFERENCE_TYPE, definition->type);
  if (definition->value != NULL)
    collect_value (collector, definition->value);
  if (definition->kind == IDL_DEFINITION_SERVICE)
    collect_service (collector, definition);
  else if (definition->kind != IDL_DEFINITION_ENUM)
    collect_fields (collector, IDL_REFERENCE_TYPE, definition->members);
}

static gint
compare_places (gconstpointer one, gconstpointer other)
{
  guint32 first = ((const IdlReference *) one)->location.offset;
  guint32 second = ((const IdlReference *) other)->location.offset;

  return (first > second) - (first < second);
}

GArray *
idl_program_list_references (const IdlProgram *program)
{
  Collector collector = { program, g_array_new (FALSE, FALSE, sizeof (IdlReference)) };

  for (guint i = 0; i < program->includes->len; i++)
    {
      const IdlInclude *include = g_ptr_array_index (program->includes, i);

      if (include->program != NULL)
        add_reference (&collector, &(IdlReference){ .kind = IDL_REFERENCE_INCLUDE,
                                                    .location = { include->location.source,
                                                                  include->location.offset + 1,
                                                                  include->location.length - 2 },
                                                    .program = include->program });
    }
  for (guint i = 0; i < program->definitions->len; i++)
    collect_definition (&collector, g_ptr_array_index (program->definitions, i));
  g_array_sort (collector.list, compare_places);
  return collector.list;
}

const gchar *
idl_reference_kind_get_name (IdlReferenceKind kind)
{
  static const gchar *const names[] = { "include",  "type",       "throws", "extends",
                                        "constant", "enumerator", "field" };

  g_return_val_if_fail (kind < G_N_ELEMENTS (names), NULL);
  return names[kind];
}
