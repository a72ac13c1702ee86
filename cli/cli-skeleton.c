/* Owns the template of a method's arguments. */
#include "cli-skeleton.h"

#include "cli-show.h"

/* Structs within structs. */
#define MAX_SKELETON_DEPTH 8
/* Values in all: structs that hold others twice each would have no end. */
#define MAX_SKELETON_VALUES 2000

typedef struct
{
  IdlJson json;
  const TallyStructInfo *open[MAX_SKELETON_DEPTH]; /* the structs around the value */
  guint depth;
  guint n_values;
} Skeleton;

static void add_value (Skeleton *self, const gchar *key, const TallyType *type);

/* Whether there is no place for a struct of @info within those around it. */
static gboolean
is_too_deep (const Skeleton *self, const TallyStructInfo *info)
{
  for (guint i = 0; i < self->depth; i++)
    if (self->open[i] == info)
      return TRUE;
  return self->depth == MAX_SKELETON_DEPTH;
}

/* Whether a value of @type would go on for ever, or for too long. */
static gboolean
has_no_end (const Skeleton *self, const TallyType *type)
{
  if (type->kind == TALLY_KIND_STRUCT)
    return is_too_deep (self, (const TallyStructInfo *) type)
           || self->n_values > MAX_SKELETON_VALUES;
  return type->element != NULL
         && (has_no_end (self, type->element)
             || (type->key != NULL && has_no_end (self, type->key)));
}

static void
add_default (Skeleton *self, const TallyField *field)
{
  guint64 slot[2] = { 0 };

  tally_value_init (field->type, field->value, slot);
  cli_show (&self->json, field->name, field->type, slot);
  tally_value_clear (field->type, slot);
}

static void
add_fields (Skeleton *self, const TallyStructInfo *info)
{
  for (guint i = 0; i < info->n_fields; i++)
    {
      const TallyField *field = &info->fields[i];

      if (field->value != NULL)
        add_default (self, field);
      else if (has_no_end (self, field->type) && field->requiredness != TALLY_REQUIRED)
        continue;
      else
        add_value (self, field->name, field->type);
      if (info->form == TALLY_FORM_UNION)
        return;
    }
}

static void
add_struct (Skeleton *self, const gchar *key, const TallyStructInfo *info)
{
  /* What must be given is, as long as that may have an end. */
  if (is_too_deep (self, info) || self->n_values > 2 * MAX_SKELETON_VALUES)
    {
      idl_json_null (&self->json, key);
      return;
    }
  idl_json_begin (&self->json, key, '{', FALSE);
  self->open[self->depth++] = info;
  add_fields (self, info);
  self->depth--;
  idl_json_end (&self->json, '{');
}

static void
add_list (Skeleton *self, const gchar *key, const TallyType *type)
{
  idl_json_begin (&self->json, key, '[', type->element->storage == TALLY_STORAGE_PLAIN);
  if (!has_no_end (self, type->element))
    add_value (self, NULL, type->element);
  idl_json_end (&self->json, '[');
}

/* The name of a member whose value's key is of that type. */
static gchar *
new_name (const TallyType *type)
{
  const TallyEnumInfo *info = (const TallyEnumInfo *) type;
  TallyUuid uuid = { { 0 } };
  gchar text[37];

  switch ((TallyKind) type->kind)
    {
    case TALLY_KIND_STRING:
      return g_strdup ("");
    case TALLY_KIND_BOOL:
      return g_strdup ("false");
    case TALLY_KIND_ENUM:
      return g_strdup (info->n_values > 0 ? info->values[0].name : "0");
    case TALLY_KIND_UUID:
      tally_uuid_to_string (&uuid, text);
      return g_strdup (text);
    default:
      return g_strdup ("0");
    }
}

static void
add_map (Skeleton *self, const gchar *key, const TallyType *type)
{
  const gboolean is_object =
      type->key->storage == TALLY_STORAGE_PLAIN || type->key->kind == TALLY_KIND_STRING;
  g_autofree gchar *name = is_object ? new_name (type->key) : NULL;

  idl_json_begin (&self->json, key, is_object ? '{' : '[', FALSE);
  if (!has_no_end (self, type))
    {
      if (!is_object)
        {
          idl_json_begin (&self->json, NULL, '[', FALSE);
          add_value (self, NULL, type->key);
        }
      add_value (self, name, type->element);
      if (!is_object)
        idl_json_end (&self->json, '[');
    }
  idl_json_end (&self->json, is_object ? '{' : '[');
}

static void
add_plain (Skeleton *self, const gchar *key, const TallyType *type)
{
  const TallyEnumInfo *info = (const TallyEnumInfo *) type;
  const guint64 zero[2] = { 0 };

  if (type->kind == TALLY_KIND_ENUM && info->n_values > 0)
    idl_json_string (&self->json, key, info->values[0].name);
  else
    cli_show (&self->json, key, type, zero);
}

static void
add_value (Skeleton *self, const gchar *key, const TallyType *type)
{
  self->n_values++;
  if (type->storage == TALLY_STORAGE_PLAIN)
    add_plain (self, key, type);
  else if (type->kind == TALLY_KIND_STRUCT)
    add_struct (self, key, (const TallyStructInfo *) type);
  else if (type->kind == TALLY_KIND_MAP)
    add_map (self, key, type);
  else if (type->element != NULL)
    add_list (self, key, type);
  else
    idl_json_string (&self->json, key, "");
}

gchar *
cli_skeleton_new (const TallyMethod *method)
{
  Skeleton self = { .depth = 0 };

  idl_json_init (&self.json);
  idl_json_begin (&self.json, NULL, '{', FALSE);
  add_fields (&self, method->args);
  idl_json_end (&self.json, '{');
  return idl_json_finish (&self.json);
}

gchar *
cli_skeleton_new_value (const TallyType *type)
{
  Skeleton self = { .depth = 0 };

  idl_json_init (&self.json);
  add_value (&self, NULL, type);
  return idl_json_finish (&self.json);
}
