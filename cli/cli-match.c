/* Owns how a pattern is held against a value. It knows no answers. */
#include "cli-match.h"

#include "cli-fill.h"
#include "cli-show.h"

/* (nullable): what the one member of @pattern, which is called @name, has. */
static const CliJson *
get_operand (const CliJson *pattern, const gchar *name)
{
  if (pattern->kind != CLI_JSON_OBJECT || pattern->items->len != 1)
    return NULL;
  return cli_json_get (pattern, name);
}

static gboolean
wants_any (const CliJson *pattern)
{
  const CliJson *operand = get_operand (pattern, "$any");

  return operand != NULL && operand->kind == CLI_JSON_BOOLEAN && operand->integer != 0;
}

/* (nullable) (transfer full) */
static GRegex *
compile (const CliJson *operand, GError **error)
{
  return g_regex_new (operand->text, G_REGEX_OPTIMIZE, 0, error);
}

/* ---- before there is a value ---- */

static gboolean
check_expression (const CliJson *operand,
                  const TallyType *type,
                  const CliPlace *place,
                  GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (GRegex) expression = NULL;

  if (type->kind != TALLY_KIND_STRING || operand->kind != CLI_JSON_STRING)
    return cli_fail_value (operand, place, error,
                           "$matches wants a regular expression, for a value that is a string");
  expression = compile (operand, &why);
  return expression != NULL || cli_fail_value (operand, place, error, "%s", why->message);
}

static gboolean
check_members (const CliJson *pattern,
               const TallyStructInfo *info,
               const CliPlace *place,
               GError **error)
{
  for (guint i = 0; i < pattern->items->len; i++)
    {
      const TallyField *field = cli_find_member (pattern, i, info, place, error);
      const CliJson *value = g_ptr_array_index (pattern->items, i);
      const CliPlace inner = { .outer = place,
                               .name = field != NULL ? field->name : NULL,
                               .index = -1 };

      if (field == NULL || !cli_match_check (value, field->type, &inner, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_items (const CliJson *pattern, const TallyType *type, const CliPlace *place, GError **error)
{
  for (guint i = 0; i < pattern->items->len; i++)
    {
      const CliPlace inner = { .outer = place, .index = (gint) i };

      if (!cli_match_check (g_ptr_array_index (pattern->items, i), type->element, &inner, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_value (const CliJson *pattern, const TallyType *type, const CliPlace *place, GError **error)
{
  guint64 slot[2] = { 0 };

  if (!cli_fill (pattern, type, slot, place, error))
    return FALSE;
  tally_value_clear (type, slot);
  return TRUE;
}

gboolean
cli_match_check (const CliJson *pattern,
                 const TallyType *type,
                 const CliPlace *place,
                 GError **error)
{
  const CliJson *operand = get_operand (pattern, "$matches");

  if (pattern->kind == CLI_JSON_NULL || wants_any (pattern))
    return TRUE;
  if (operand != NULL)
    return check_expression (operand, type, place, error);
  if (type->kind == TALLY_KIND_STRUCT && pattern->kind == CLI_JSON_OBJECT)
    return check_members (pattern, (const TallyStructInfo *) type, place, error);
  if (type->kind == TALLY_KIND_LIST && pattern->kind == CLI_JSON_ARRAY)
    return check_items (pattern, type, place, error);
  return check_value (pattern, type, place, error);
}

/* ---- with one ---- */

static const TallyField *
find_field_named (const TallyStructInfo *info, const gchar *name)
{
  guint i = 0;

  while (!g_str_equal (info->fields[i].name, name)) /* it was checked */
    i++;
  return &info->fields[i];
}

static gboolean
match_members (const CliJson *pattern, const TallyStructInfo *info, gconstpointer instance)
{
  if (instance == NULL)
    return FALSE;
  for (guint i = 0; i < pattern->items->len; i++)
    {
      const TallyField *field = find_field_named (info, g_ptr_array_index (pattern->names, i));
      const CliJson *value = g_ptr_array_index (pattern->items, i);
      const gboolean is_set = cli_is_set (field, instance);

      if (value->kind == CLI_JSON_NULL
              ? is_set
              : !is_set
                    || !cli_match (value, field->type, (const guint8 *) instance + field->offset))
        return FALSE;
    }
  return TRUE;
}

static gboolean
match_items (const CliJson *pattern, const TallyType *type, gconstpointer list)
{
  const TallyType *element = type->element;
  const GArray *array = list;
  const GPtrArray *pointers = list;
  const gboolean is_plain = type->storage == TALLY_STORAGE_ARRAY;

  if (list == NULL || pattern->items->len != (is_plain ? array->len : pointers->len))
    return FALSE;
  for (guint i = 0; i < pattern->items->len; i++)
    if (!cli_match (g_ptr_array_index (pattern->items, i), element,
                    is_plain ? (gconstpointer) (array->data + (gsize) i * element->size)
                             : &pointers->pdata[i]))
      return FALSE;
  return TRUE;
}

static gboolean
match_expression (const CliJson *operand, const gchar *text)
{
  g_autoptr (GRegex) expression = compile (operand, NULL);

  return text != NULL && g_utf8_validate (text, -1, NULL)
         && g_regex_match (expression, text, 0, NULL);
}

static gboolean
match_value (const CliJson *pattern, const TallyType *type, gconstpointer slot)
{
  const CliPlace place = { .source = "", .index = -1 };
  guint64 wanted[2] = { 0 };
  gboolean is_equal;

  if (!cli_fill (pattern, type, wanted, &place, NULL))
    return FALSE;
  is_equal = tally_value_equal (type, wanted, slot);
  tally_value_clear (type, wanted);
  return is_equal;
}

gboolean
cli_match (const CliJson *pattern, const TallyType *type, gconstpointer slot)
{
  const CliJson *operand = get_operand (pattern, "$matches");
  const gconstpointer *pointer = slot;

  if (wants_any (pattern))
    return TRUE;
  if (pattern->kind == CLI_JSON_NULL) /* an element: nothing is never one */
    return FALSE;
  if (operand != NULL)
    return match_expression (operand, *pointer);
  if (type->kind == TALLY_KIND_STRUCT)
    return match_members (pattern, (const TallyStructInfo *) type, *pointer);
  if (type->kind == TALLY_KIND_LIST)
    return match_items (pattern, type, *pointer);
  return match_value (pattern, type, slot);
}
