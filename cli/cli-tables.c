/* Owns the tables of types, structs and methods that are made from a parsed IDL. Structs are made one after the other from a
 * queue, because the depth to which they hold each other is the input's. */
#include "cli-tables.h"

#include <string.h>

#include "arena.h"
#include "cli-json.h"

struct _CliTables
{
  GHashTable *structs; /* IdlDefinition to TallyLoadedInfo */
  GHashTable *enums;   /* IdlDefinition to TallyEnumInfo */
  GHashTable *types;   /* IdlType to TallyType: containers */
  GHashTable *keys;    /* the same, of those that are keys */
  GHashTable *methods; /* IdlFunction to TallyMethod */
  GHashTable *objects; /* TallyStructInfo of arguments or a result to TallyLoadedInfo */
  GQueue unfilled;     /* of IdlDefinition: structs whose fields are missing */
};

/* A table of fields on its way: one for a struct, for arguments and for a result. */
typedef struct
{
  const gchar *name;
  TallyForm form;
  TallyField *fields;
  guint n_fields;
  guint32 size; /* of the C struct so far */
} Layout;

CliTables *
cli_tables_new (void)
{
  CliTables *self = g_new0 (CliTables, 1);

  self->structs = g_hash_table_new (NULL, NULL);
  self->enums = g_hash_table_new (NULL, NULL);
  self->types = g_hash_table_new (NULL, NULL);
  self->keys = g_hash_table_new (NULL, NULL);
  self->methods = g_hash_table_new (NULL, NULL);
  self->objects = g_hash_table_new (NULL, NULL);
  return self;
}

void
cli_tables_free (CliTables *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->structs);
  g_hash_table_unref (self->enums);
  g_hash_table_unref (self->types);
  g_hash_table_unref (self->keys);
  g_hash_table_unref (self->methods);
  g_hash_table_unref (self->objects);
  g_queue_clear (&self->unfilled);
  g_free (self);
}

static IdlArena *
get_arena (void)
{
  static IdlArena *arena;

  if (arena == NULL)
    arena = idl_arena_new ();
  return arena;
}

gpointer
cli_tables_alloc (gsize size)
{
  return idl_arena_alloc (get_arena (), size);
}

static const gchar *
keep_name (const gchar *name)
{
  return idl_arena_strndup (get_arena (), name, strlen (name));
}

/* ---- types ---- */

static const TallyType *
get_type (CliTables *self, const IdlType *type, gboolean is_key, GError **error);

static const TallyType *
get_enum (CliTables *self, const IdlDefinition *definition)
{
  TallyEnumInfo *info = g_hash_table_lookup (self->enums, definition);
  TallyEnumValue *values;

  if (info != NULL)
    return &info->type;
  info = cli_tables_alloc (sizeof *info);
  values = cli_tables_alloc ((definition->members->len + 1) * sizeof *values);
  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlEnumerator *enumerator = g_ptr_array_index (definition->members, i);

      values[i].value = enumerator->value;
      values[i].name = values[i].c_name = keep_name (enumerator->node.name);
    }
  info->type = (TallyType){
    .kind = TALLY_KIND_ENUM, .wire = T_I32, .storage = TALLY_STORAGE_PLAIN, .size = sizeof (gint32)
  };
  info->name = keep_name (definition->node.name);
  info->values = values;
  info->n_values = definition->members->len;
  g_hash_table_insert (self->enums, (gpointer) definition, info);
  return &info->type;
}

static gboolean
fill_container (CliTables *self, const IdlType *type, TallyType *table, GError **error)
{
  table->size = sizeof (gpointer);
  table->element = get_type (self, type->element, type->kind == IDL_TYPE_SET, error);
  if (table->element == NULL)
    return FALSE;
  if (type->kind == IDL_TYPE_LIST)
    {
      table->kind = TALLY_KIND_LIST;
      table->wire = T_LIST;
      table->storage = table->element->storage == TALLY_STORAGE_PLAIN ? TALLY_STORAGE_ARRAY
                                                                      : TALLY_STORAGE_PTRARRAY;
      return TRUE;
    }
  table->storage = TALLY_STORAGE_TABLE;
  if (type->kind == IDL_TYPE_SET)
    {
      table->kind = TALLY_KIND_SET;
      table->wire = T_SET;
      return TRUE;
    }
  table->kind = TALLY_KIND_MAP;
  table->wire = T_MAP;
  table->key = get_type (self, type->key, TRUE, error);
  return table->key != NULL;
}

/* The depth of types within types is limited by the front end. */
static const TallyType *
get_container (CliTables *self, const IdlType *type, gboolean is_key, GError **error)
{
  GHashTable *known = is_key ? self->keys : self->types;
  TallyType *table = g_hash_table_lookup (known, type);

  if (table != NULL)
    return table;
  table = cli_tables_alloc (sizeof *table);
  if (!fill_container (self, type, table, error))
    return NULL;
  if (is_key && !cli_key_register (table))
    {
      g_autofree gchar *text = idl_type_to_string (type);

      g_set_error (error, CLI_INPUT_ERROR, 0,
                   "%s: too many different containers are keys of maps and elements of sets", text);
      return NULL;
    }
  g_hash_table_insert (known, (gpointer) type, table);
  return table;
}

/* ---- fields ---- */

static guint32
align_to (guint32 size, guint32 alignment)
{
  return (size + alignment - 1) & ~(alignment - 1);
}

static guint32
get_slot_size (const IdlType *type)
{
  return idl_type_resolve (type)->kind == IDL_TYPE_UUID ? sizeof (TallyUuid) : sizeof (gint64);
}

static guint32
get_instance_size (const GPtrArray *members)
{
  guint32 size = align_to (sizeof (ThriftStruct), sizeof (gint64));

  for (guint i = 0; i < members->len; i++)
    size += get_slot_size (((const IdlField *) g_ptr_array_index (members, i))->type)
            + (guint32) sizeof (gint64);
  return size;
}

static gboolean
add_field (CliTables *self,
           Layout *layout,
           const IdlField *member,
           TallyRequiredness requiredness,
           GError **error)
{
  TallyField *field = &layout->fields[layout->n_fields++];
  gboolean has_isset = layout->form <= TALLY_FORM_EXCEPTION
                       || (layout->form == TALLY_FORM_RESULT && member->id == 0);

  field->name = keep_name (member->node.name);
  field->id = (gint16) member->id;
  field->requiredness = requiredness;
  field->starts_null = TRUE; /* what did not come, or was not given, is not there */
  field->offset = (gint32) layout->size;
  layout->size += get_slot_size (member->type);
  field->isset_offset = has_isset ? (gint32) layout->size : TALLY_NO_ISSET;
  layout->size += has_isset ? sizeof (gint64) : 0;
  field->type = get_type (self, member->type, FALSE, error);
  if (field->type == NULL)
    return FALSE;
  if (member->value != NULL)
    field->value = cli_constant_new (member->type, member->value);
  return TRUE;
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  return ((const TallyField *) a)->id - ((const TallyField *) b)->id;
}

static void
finish_info (const Layout *layout, TallyStructInfo *info)
{
  qsort (layout->fields, layout->n_fields, sizeof (TallyField), compare_ids);
  info->name = layout->name;
  info->fields = layout->fields;
  info->n_fields = (guint16) layout->n_fields;
  info->form = layout->form;
}

static Layout
begin_layout (const gchar *name, TallyForm form, guint n_fields, guint32 size)
{
  return (Layout){ .name = keep_name (name),
                   .form = form,
                   .size = size,
                   .fields = cli_tables_alloc ((n_fields + 1) * sizeof (TallyField)) };
}

/* ---- structs ---- */

/* Exceptions have a domain each in compiled code; here the name tells them apart. */
static GQuark
get_declared_quark (void)
{
  return g_quark_from_static_string ("tally-declared-exception");
}

static TallyForm
get_form (const IdlDefinition *definition)
{
  return definition->kind == IDL_DEFINITION_UNION       ? TALLY_FORM_UNION
         : definition->kind == IDL_DEFINITION_EXCEPTION ? TALLY_FORM_EXCEPTION
                                                        : TALLY_FORM_STRUCT;
}

/* What all that are registered have. */
static const TallyType object_type = { .kind = TALLY_KIND_STRUCT,
                                       .wire = T_STRUCT,
                                       .storage = TALLY_STORAGE_OBJECT,
                                       .size = sizeof (gpointer) };

static gboolean
register_loaded (TallyLoadedInfo *loaded, GError **error)
{
  static guint n_registered;
  g_autofree gchar *type_name = g_strdup_printf ("TallyLoaded%u", n_registered++);

  return tally_struct_register_loaded (loaded, type_name, error);
}

static const TallyType *
get_struct (CliTables *self, const IdlDefinition *definition, GError **error)
{
  TallyLoadedInfo *loaded = g_hash_table_lookup (self->structs, definition);

  if (loaded != NULL)
    return &loaded->info.type;
  loaded = cli_tables_alloc (sizeof *loaded);
  loaded->info.type = object_type;
  loaded->info.name = keep_name (definition->node.name);
  loaded->info.form = get_form (definition);
  loaded->info.instance_size = get_instance_size (definition->members);
  if (definition->kind == IDL_DEFINITION_EXCEPTION)
    loaded->info.error_quark = get_declared_quark;
  if (!register_loaded (loaded, error))
    return NULL;
  g_hash_table_insert (self->structs, (gpointer) definition, loaded);
  g_queue_push_tail (&self->unfilled, (gpointer) definition);
  return &loaded->info.type;
}

static gboolean
fill_struct (CliTables *self, const IdlDefinition *definition, GError **error)
{
  static const TallyRequiredness words[] = {
    [IDL_DEFAULT] = TALLY_DEFAULT, [IDL_REQUIRED] = TALLY_REQUIRED, [IDL_OPTIONAL] = TALLY_OPTIONAL
  };
  TallyLoadedInfo *loaded = g_hash_table_lookup (self->structs, definition);
  Layout layout =
      begin_layout (definition->node.name, get_form (definition), definition->members->len,
                    align_to (sizeof (ThriftStruct), sizeof (gint64)));

  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlField *member = g_ptr_array_index (definition->members, i);

      if (!add_field (self, &layout, member,
                      definition->kind == IDL_DEFINITION_UNION ? TALLY_OPTIONAL
                                                               : words[member->requiredness],
                      error))
        return FALSE;
    }
  g_assert (layout.size == loaded->info.instance_size);
  finish_info (&layout, &loaded->info);
  return TRUE;
}

static const TallyType *
get_type (CliTables *self, const IdlType *type, gboolean is_key, GError **error)
{
  static const TallyType *const simple[] = {
    [IDL_TYPE_BOOL] = &tally_type_bool,     [IDL_TYPE_I8] = &tally_type_i8,
    [IDL_TYPE_I16] = &tally_type_i16,       [IDL_TYPE_I32] = &tally_type_i32,
    [IDL_TYPE_I64] = &tally_type_i64,       [IDL_TYPE_DOUBLE] = &tally_type_double,
    [IDL_TYPE_STRING] = &tally_type_string, [IDL_TYPE_BINARY] = &tally_type_binary,
    [IDL_TYPE_UUID] = &tally_type_uuid,
  };
  const IdlType *resolved = idl_type_resolve (type);

  if (resolved->kind < G_N_ELEMENTS (simple))
    return simple[resolved->kind];
  if (resolved->kind != IDL_TYPE_NAMED)
    return get_container (self, resolved, is_key, error);
  return resolved->definition->kind == IDL_DEFINITION_ENUM
             ? get_enum (self, resolved->definition)
             : get_struct (self, resolved->definition, error);
}

/* ---- methods ---- */

static TallyStructInfo *
new_inline_info (const Layout *layout)
{
  TallyStructInfo *info = cli_tables_alloc (sizeof *info);
  const guint32 size = layout->size > 0 ? layout->size : sizeof (gint64);

  finish_info (layout, info);
  info->type = (TallyType){
    .kind = TALLY_KIND_STRUCT, .wire = T_STRUCT, .storage = TALLY_STORAGE_INLINE, .size = size
  };
  info->instance_size = size;
  return info;
}

static const TallyStructInfo *
new_args (CliTables *self, const IdlFunction *function, GError **error)
{
  g_autofree gchar *name = g_strconcat (function->node.name, "_args", NULL);
  Layout layout = begin_layout (name, TALLY_FORM_ARGS, function->arguments->len, 0);

  for (guint i = 0; i < function->arguments->len; i++)
    {
      const IdlField *member = g_ptr_array_index (function->arguments, i);

      if (!add_field (self, &layout, member,
                      member->requiredness == IDL_OPTIONAL ? TALLY_OPTIONAL : TALLY_DEFAULT, error))
        return NULL;
    }
  return new_inline_info (&layout);
}

static const TallyStructInfo *
new_result (CliTables *self, const IdlFunction *function, GError **error)
{
  g_autofree gchar *name = g_strconcat (function->node.name, "_result", NULL);
  IdlField success = { .node = { .name = "success" }, .type = function->returns };
  Layout layout = begin_layout (name, TALLY_FORM_RESULT, function->throws->len + 1, 0);

  if (idl_type_resolve (function->returns)->kind != IDL_TYPE_VOID
      && !add_field (self, &layout, &success, TALLY_OPTIONAL, error))
    return NULL;
  for (guint i = 0; i < function->throws->len; i++)
    if (!add_field (self, &layout, g_ptr_array_index (function->throws, i), TALLY_OPTIONAL, error))
      return NULL;
  return new_inline_info (&layout);
}

static const TallyMethod *
new_method (CliTables *self, const IdlFunction *function, GError **error)
{
  TallyMethod *method = cli_tables_alloc (sizeof *method);

  method->name = keep_name (function->node.name);
  method->name_length = (guint32) strlen (method->name);
  method->oneway = function->oneway;
  method->idempotent = idl_annotations_get (function->node.annotations, "idempotent") != NULL;
  method->args = new_args (self, function, error);
  if (method->args == NULL)
    return NULL;
  if (!function->oneway)
    {
      method->result = new_result (self, function, error);
      if (method->result == NULL)
        return NULL;
    }
  while (!g_queue_is_empty (&self->unfilled))
    if (!fill_struct (self, g_queue_pop_head (&self->unfilled), error))
      return NULL;
  return method;
}

const TallyMethod *
cli_tables_get_method (CliTables *self, const IdlFunction *function, GError **error)
{
  const TallyMethod *method = g_hash_table_lookup (self->methods, function);

  if (method != NULL)
    return method;
  method = new_method (self, function, error);
  if (method != NULL)
    g_hash_table_insert (self->methods, (gpointer) function, (gpointer) method);
  return method;
}

const TallyLoadedInfo *
cli_tables_get_object (CliTables *self, const TallyStructInfo *info, GError **error)
{
  const guint32 base = align_to (sizeof (ThriftStruct), sizeof (gint64));
  TallyLoadedInfo *loaded = g_hash_table_lookup (self->objects, info);
  TallyField *fields;

  if (loaded != NULL)
    return loaded;
  loaded = cli_tables_alloc (sizeof *loaded);
  fields = cli_tables_alloc ((info->n_fields + 1) * sizeof *fields);
  for (guint i = 0; i < info->n_fields; i++)
    {
      fields[i] = info->fields[i];
      fields[i].offset += (gint32) base;
      if (fields[i].isset_offset != TALLY_NO_ISSET)
        fields[i].isset_offset += (gint32) base;
    }
  loaded->info = *info;
  loaded->info.type = object_type;
  loaded->info.fields = fields;
  loaded->info.form = TALLY_FORM_STRUCT;
  loaded->info.instance_size += base;
  if (!register_loaded (loaded, error))
    return NULL;
  g_hash_table_insert (self->objects, (gpointer) info, loaded);
  return loaded;
}
