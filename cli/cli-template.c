/* Owns values that differ from call to call. The JSON is filled in once, each text that varies as long as it can become; a call
 * then writes over what varies, where it lies. Only what has no place that stays is filled in anew: a set, the map whose keys
 * vary, bytes that are written as base64. */
#include "cli-template.h"

#include <string.h>

#include "cli-fill.h"
#include "cli-pattern.h"
#include "cli-place.h"

/* Of a text that varies. */
#define MAX_LENGTH 100000000u

typedef struct _Leaf Leaf;

/* Writes what call @number sends. */
typedef gboolean (*LeafSetter) (CliTemplate *template,
                                const Leaf *self,
                                guint64 number,
                                GError **error);

/* A text of the JSON that varies. */
struct _Leaf
{
  CliPattern *pattern;
  CliJson *text;
  const CliJson *node; /* what is filled in: the text, or {"$text": …} around it */
  const TallyType *type;
  LeafSetter set;
  gpointer memory; /* nullable: what @set writes to: a plain value, characters, a GByteArray */
  guint8 *choices; /* nullable: the plain values of a choice */
};

/* What is filled in anew for each call, by the JSON that its leaves have changed. */
typedef struct
{
  const CliJson *node;
  const TallyType *type;
  gpointer slot;
} Refill;

struct _CliTemplate
{
  const TallyMethod *method; /* nullable */
  const TallyType *type;
  const CliJson *json;
  const gchar *source;
  GArray *leaves;  /* of Leaf */
  GArray *refills; /* of Refill */
  gpointer args;   /* nullable */
  guint64 slot[2];
  GString *text;   /* scratch, which holds the longest text of a number */
  gboolean floats; /* while leaves are looked for: one within the map has no place that stays */
};

static void
clear_leaf (gpointer data)
{
  Leaf *leaf = data;

  cli_pattern_free (leaf->pattern);
  g_free (leaf->choices);
}

static gboolean
is_number (const TallyType *type)
{
  return type->storage == TALLY_STORAGE_PLAIN && type->kind != TALLY_KIND_UUID;
}

/* ---- writing what varies ---- */

static gboolean
leaf_set_string (CliTemplate *template, const Leaf *self, guint64 number, GError **error)
{
  cli_pattern_write_over (self->pattern, number, self->memory);
  return TRUE;
}

static gboolean
leaf_set_binary (CliTemplate *template, const Leaf *self, guint64 number, GError **error)
{
  GByteArray *bytes = self->memory;

  bytes->len = (guint) cli_pattern_write_over (self->pattern, number, (gchar *) bytes->data);
  return TRUE;
}

static gboolean
leaf_set_uuid (CliTemplate *template, const Leaf *self, guint64 number, GError **error)
{
  *(TallyUuid *) self->memory = cli_pattern_get_uuid (self->pattern, number);
  return TRUE;
}

static gboolean
leaf_set_choice (CliTemplate *template, const Leaf *self, guint64 number, GError **error)
{
  const gsize size = self->type->size;

  memcpy (self->memory, self->choices + cli_pattern_choose (self->pattern, number) * size, size);
  return TRUE;
}

/* Has the JSON say the number. */
static gboolean
leaf_write_number (CliTemplate *template, const Leaf *self, guint64 number, GError **error)
{
  const CliPlace place = { .source = template->source, .index = -1 };
  CliJson *json = self->text;
  gchar *text = template->text->str;
  gchar *end;

  json->kind = self->type->kind == TALLY_KIND_BOOL ? CLI_JSON_BOOLEAN : CLI_JSON_INTEGER;
  if (cli_pattern_get_kind (self->pattern) == CLI_PATTERN_NUMBER)
    json->integer = cli_pattern_get_number (self->pattern, number);
  else
    {
      const gsize length = cli_pattern_write (self->pattern, number, text);

      json->integer = g_ascii_strtoll (text, &end, 10);
      if (length == 0 || end != text + length)
        return cli_fail_value (json, &place, error, "\"%s\" is no number, and the IDL has %s", text,
                               cli_describe_type (self->type));
    }
  if (json->kind == CLI_JSON_BOOLEAN)
    json->integer &= 1;
  return TRUE;
}

static gboolean
leaf_set_number (CliTemplate *template, const Leaf *self, guint64 number, GError **error)
{
  const CliPlace place = { .source = template->source, .index = -1 };

  return leaf_write_number (template, self, number, error)
         && cli_fill_plain (self->text, self->type, self->memory, &place, error);
}

/* Has the JSON say it, for what is filled in anew. */
static gboolean
leaf_set_json (CliTemplate *template, const Leaf *self, guint64 number, GError **error)
{
  CliJson *json = self->text;

  if (self->choices == NULL && is_number (self->type))
    return leaf_write_number (template, self, number, error);
  json->kind = CLI_JSON_STRING;
  g_free (json->text);
  json->text = g_malloc (cli_pattern_get_longest (self->pattern) + 1);
  json->length = cli_pattern_write (self->pattern, number, json->text);
  if (self->choices != NULL)
    cli_json_read_word (json, self->type);
  return TRUE;
}

/* Has the JSON say it, as long as it can become, and a byte longer: bytes have no NUL behind them, which is written, too. */
static void
leaf_write_longest (const Leaf *self)
{
  const gsize longest = cli_pattern_get_longest (self->pattern);
  gchar *text = g_malloc (longest + 2);
  const gsize length = cli_pattern_write (self->pattern, 0, text);

  memset (text + length, 'x', longest + 1 - length);
  text[longest + 1] = '\0';
  g_free (self->text->text);
  self->text->text = text;
  self->text->length = longest + 1;
}

/* ---- what varies ---- */

static LeafSetter
find_setter (const Leaf *leaf)
{
  if (leaf->choices != NULL)
    return leaf_set_choice;
  if (is_number (leaf->type))
    return leaf_set_number;
  if (leaf->type->kind == TALLY_KIND_STRING)
    return leaf_set_string;
  if (leaf->type->kind == TALLY_KIND_BINARY && leaf->node != leaf->text)
    return leaf_set_binary;
  if (leaf->type->kind == TALLY_KIND_UUID
      && cli_pattern_get_kind (leaf->pattern) == CLI_PATTERN_UUID)
    return leaf_set_uuid;
  return NULL;
}

/* Has @leaf know the plain values of its choice. */
static gboolean
fill_choices (Leaf *leaf, const CliPlace *place, GError **error)
{
  const gchar *const *choices = cli_pattern_get_choices (leaf->pattern);
  const gsize size = leaf->type->size;

  leaf->choices = g_malloc0_n (g_strv_length ((gchar **) choices), size);
  for (guint i = 0; choices[i] != NULL; i++)
    {
      g_autoptr (CliJson) json = cli_json_new_string (choices[i]);

      json->line = leaf->text->line;
      json->column = leaf->text->column;
      cli_json_read_word (json, leaf->type);
      if (!cli_fill_plain (json, leaf->type, leaf->choices + i * size, place, error))
        return FALSE;
    }
  return TRUE;
}

static void
add_refill (CliTemplate *self, const CliJson *node, const TallyType *type)
{
  const Refill refill = { .node = node, .type = type };

  g_array_append_val (self->refills, refill);
}

/* @is_cell: it is a map's value. */
static gboolean
prepare_leaf (
    CliTemplate *self, Leaf *leaf, gboolean is_cell, const CliPlace *place, GError **error)
{
  const TallyType *type = leaf->type;

  if (type->storage == TALLY_STORAGE_PLAIN
      && cli_pattern_get_kind (leaf->pattern) == CLI_PATTERN_CHOICE
      && !fill_choices (leaf, place, error))
    return FALSE;
  if (is_number (type) && cli_pattern_get_longest (leaf->pattern) > self->text->len)
    g_string_set_size (self->text, cli_pattern_get_longest (leaf->pattern));
  leaf->set = find_setter (leaf);
  if (leaf->set != NULL
      && !(is_cell && type->kind == TALLY_KIND_ENUM)) /* which is a pointer there */
    return TRUE;
  leaf->set = leaf_set_json;
  if (is_cell)
    self->floats = TRUE;
  else
    add_refill (self, leaf->node, type);
  return TRUE;
}

static gboolean
add_leaf (CliTemplate *self,
          CliJson *text,
          const CliJson *node,
          const TallyType *type,
          gboolean is_cell,
          const CliPlace *place,
          GError **error)
{
  g_autofree gchar *mistake = NULL;
  Leaf leaf = { .pattern = cli_pattern_new (text->text, text->length, &mistake),
                .text = text,
                .node = node,
                .type = type };

  if (leaf.pattern == NULL)
    return cli_fail_value (text, place, error,
                           "%s is none of ${counter}, ${counter:FROM}, ${random:LEAST-MOST}, "
                           "${choice:A|B|C}, ${letters:N} and ${uuid}",
                           mistake);
  if (cli_pattern_get_longest (leaf.pattern) > MAX_LENGTH)
    {
      clear_leaf (&leaf);
      return cli_fail_value (text, place, error, "the text has more than %u bytes", MAX_LENGTH);
    }
  if (cli_pattern_get_kind (leaf.pattern) == CLI_PATTERN_FIXED)
    {
      /* It may have had "$${". */
      text->length = cli_pattern_write (leaf.pattern, 0, text->text);
      clear_leaf (&leaf);
      return TRUE;
    }
  g_array_append_val (self->leaves, leaf);
  return prepare_leaf (self, &g_array_index (self->leaves, Leaf, self->leaves->len - 1), is_cell,
                       place, error);
}

static gboolean find_leaves (CliTemplate *self,
                             CliJson *json,
                             const TallyType *type,
                             gboolean is_cell,
                             const CliPlace *place,
                             GError **error);

static gboolean
find_in_members (CliTemplate *self,
                 const CliJson *json,
                 const TallyStructInfo *info,
                 const CliPlace *place,
                 GError **error)
{
  for (guint i = 0; i < json->items->len; i++)
    {
      const TallyField *field = cli_find_member (json, i, info, place, error);
      const CliPlace inner = { .outer = place,
                               .name = field != NULL ? field->name : "",
                               .index = -1 };

      if (field == NULL
          || !find_leaves (self, g_ptr_array_index (json->items, i), field->type, FALSE, &inner,
                           error))
        return FALSE;
    }
  return TRUE;
}

/* Elements, pairs of a map that is an array, and members of one that is an object. */
static gboolean
find_in_items (CliTemplate *self,
               const CliJson *json,
               const TallyType *type,
               const CliPlace *place,
               GError **error)
{
  for (guint i = 0; i < json->items->len; i++)
    {
      const CliPlace inner = { .outer = place, .index = (gint) i };
      const guint n_leaves = self->leaves->len;
      CliJson *item = g_ptr_array_index (json->items, i);

      if (type->kind == TALLY_KIND_MAP && json->kind == CLI_JSON_ARRAY)
        {
          if (item->kind != CLI_JSON_ARRAY || item->items->len != 2)
            continue; /* which is said where it is filled in */
          if (!find_leaves (self, g_ptr_array_index (item->items, 0), type->key, TRUE, &inner,
                            error))
            return FALSE;
          self->floats = self->floats || self->leaves->len > n_leaves;
          item = g_ptr_array_index (item->items, 1);
        }
      if (!find_leaves (self, item, type->element, type->kind != TALLY_KIND_LIST, &inner, error))
        return FALSE;
      if (type->kind == TALLY_KIND_SET)
        self->floats = self->floats || self->leaves->len > n_leaves;
    }
  return TRUE;
}

/* Where something in a set or map has no place that stays, all of it is filled in anew. */
static gboolean
find_in_table (CliTemplate *self,
               const CliJson *json,
               const TallyType *type,
               gboolean is_cell,
               const CliPlace *place,
               GError **error)
{
  const guint n_leaves = self->leaves->len;
  const guint n_refills = self->refills->len;
  const gboolean outer_floats = self->floats;
  gboolean floats;

  self->floats = FALSE;
  if (!find_in_items (self, json, type, place, error))
    return FALSE;
  floats = self->floats;
  self->floats = outer_floats || (floats && is_cell);
  if (!floats)
    return TRUE;
  for (guint i = n_leaves; i < self->leaves->len; i++)
    g_array_index (self->leaves, Leaf, i).set = leaf_set_json;
  g_array_set_size (self->refills, n_refills);
  if (!is_cell)
    add_refill (self, json, type);
  return TRUE;
}

static gboolean
find_leaves (CliTemplate *self,
             CliJson *json,
             const TallyType *type,
             gboolean is_cell,
             const CliPlace *place,
             GError **error)
{
  if (json->kind == CLI_JSON_STRING)
    return add_leaf (self, json, json, type, is_cell, place, error);
  if (json->kind == CLI_JSON_OBJECT && type->kind == TALLY_KIND_STRUCT)
    return find_in_members (self, json, (const TallyStructInfo *) type, place, error);
  if (json->kind == CLI_JSON_OBJECT && type->kind < TALLY_KIND_STRUCT)
    {
      CliJson *text = (CliJson *) cli_json_get (json, "$text");

      return text == NULL || text->kind != CLI_JSON_STRING
             || add_leaf (self, text, json, type, is_cell, place, error);
    }
  if (type->kind <= TALLY_KIND_STRUCT
      || (json->kind != CLI_JSON_ARRAY && json->kind != CLI_JSON_OBJECT))
    return TRUE;
  if (type->kind == TALLY_KIND_LIST)
    return find_in_items (self, json, type, place, error);
  return find_in_table (self, json, type, is_cell, place, error);
}

/* ---- where it lies ---- */

/* By the JSON that each is filled in from. */
typedef struct
{
  GHashTable *leaves;
  GHashTable *refills;
} Wanted;

static void
locate (const Wanted *wanted, const CliJson *json, const TallyType *type, gpointer slot);

static void
locate_members (const Wanted *wanted,
                const CliJson *json,
                const TallyStructInfo *info,
                guint8 *instance)
{
  for (guint i = 0; i < json->items->len; i++)
    {
      const TallyField *field = cli_find_member (json, i, info, NULL, NULL);

      locate (wanted, g_ptr_array_index (json->items, i), field->type, instance + field->offset);
    }
}

static void
locate_elements (const Wanted *wanted, const CliJson *json, const TallyType *type, gpointer list)
{
  const TallyType *element = type->element;

  for (guint i = 0; i < json->items->len; i++)
    locate (wanted, g_ptr_array_index (json->items, i), element,
            element->storage == TALLY_STORAGE_PLAIN
                ? (gpointer) (((GArray *) list)->data + (gsize) i * element->size)
                : (gpointer) &g_ptr_array_index ((GPtrArray *) list, i));
}

static void
locate_values (const Wanted *wanted, const CliJson *json, const TallyType *type, GHashTable *table)
{
  for (guint i = 0; i < json->items->len; i++)
    {
      const CliJson *value;
      gpointer cell = cli_find_cell (json, i, type, table, &value);

      locate (wanted, value, type->element,
              type->element->storage == TALLY_STORAGE_PLAIN ? cell : &cell);
    }
}

/* Nothing within what is filled in anew. */
static void
locate (const Wanted *wanted, const CliJson *json, const TallyType *type, gpointer slot)
{
  Leaf *leaf = g_hash_table_lookup (wanted->leaves, json);
  Refill *refill = g_hash_table_lookup (wanted->refills, json);

  if (leaf != NULL)
    leaf->memory = type->storage == TALLY_STORAGE_PLAIN ? slot : *(gpointer *) slot;
  if (refill != NULL)
    refill->slot = slot;
  else if (json->kind == CLI_JSON_OBJECT && type->kind == TALLY_KIND_STRUCT)
    locate_members (wanted, json, (const TallyStructInfo *) type,
                    type->storage == TALLY_STORAGE_INLINE ? slot : *(gpointer *) slot);
  else if (json->kind == CLI_JSON_ARRAY && type->kind == TALLY_KIND_LIST)
    locate_elements (wanted, json, type, *(gpointer *) slot);
  else if ((json->kind == CLI_JSON_ARRAY || json->kind == CLI_JSON_OBJECT)
           && type->kind == TALLY_KIND_MAP)
    locate_values (wanted, json, type, *(GHashTable **) slot);
}

static void
locate_all (CliTemplate *self)
{
  g_autoptr (GHashTable) leaves = g_hash_table_new (NULL, NULL);
  g_autoptr (GHashTable) refills = g_hash_table_new (NULL, NULL);
  const Wanted wanted = { leaves, refills };

  for (guint i = 0; i < self->leaves->len; i++)
    {
      Leaf *leaf = &g_array_index (self->leaves, Leaf, i);

      if (leaf->set != leaf_set_json)
        g_hash_table_insert (leaves, (gpointer) leaf->node, leaf);
    }
  for (guint i = 0; i < self->refills->len; i++)
    {
      Refill *refill = &g_array_index (self->refills, Refill, i);

      g_hash_table_insert (refills, (gpointer) refill->node, refill);
    }
  locate (&wanted, self->json, self->type,
          self->method != NULL ? self->args : (gpointer) self->slot);
}

/* ---- filling ---- */

static void
clear_value (CliTemplate *self)
{
  if (self->method != NULL)
    cli_args_free (self->method, g_steal_pointer (&self->args));
  else
    tally_value_clear (self->type, self->slot);
}

/* Makes the value, with room for the longest texts. */
static gboolean
fill_all (CliTemplate *self, GError **error)
{
  const CliPlace place = { .source = self->source, .index = -1 };

  for (guint i = 0; i < self->leaves->len; i++)
    {
      const Leaf *leaf = &g_array_index (self->leaves, Leaf, i);

      if (leaf->set == leaf_set_string || leaf->set == leaf_set_binary)
        leaf_write_longest (leaf);
      else if (!leaf_set_json (self, leaf, 0, error))
        return FALSE;
    }
  if (self->method == NULL)
    return cli_fill (self->json, self->type, self->slot, &place, error);
  self->args = cli_args_new (self->method, self->json, self->source, error);
  return self->args != NULL;
}

static gboolean
fill_anew (CliTemplate *self, GError **error)
{
  const CliPlace place = { .source = self->source, .index = -1 };

  for (guint i = 0; i < self->refills->len; i++)
    {
      const Refill *refill = &g_array_index (self->refills, Refill, i);

      tally_value_clear (refill->type, refill->slot);
      if (!cli_fill (refill->node, refill->type, refill->slot, &place, error))
        return FALSE;
    }
  return TRUE;
}

gconstpointer
cli_template_get (CliTemplate *self, guint64 number, GError **error)
{
  const Leaf *leaf = (const Leaf *) self->leaves->data;
  const Leaf *end = leaf + self->leaves->len;

  for (; leaf < end; leaf++)
    if (!leaf->set (self, leaf, number, error))
      return NULL;
  if (self->refills->len > 0 && !fill_anew (self, error))
    return NULL;
  return self->method != NULL ? self->args : self->slot;
}

CliTemplate *
cli_template_new (const TallyMethod *method,
                  const TallyType *type,
                  CliJson *json,
                  const gchar *source,
                  GError **error)
{
  const CliPlace place = { .source = source, .index = -1 };
  g_autoptr (CliTemplate) self = g_new0 (CliTemplate, 1);

  self->method = method;
  self->type = method != NULL ? &method->args->type : type;
  self->json = json;
  self->source = source;
  self->text = g_string_new (NULL);
  self->leaves = g_array_new (FALSE, FALSE, sizeof (Leaf));
  g_array_set_clear_func (self->leaves, clear_leaf);
  self->refills = g_array_new (FALSE, FALSE, sizeof (Refill));
  if (!find_leaves (self, json, self->type, FALSE, &place, error) || !fill_all (self, error))
    return NULL;
  locate_all (self);
  if (cli_template_get (self, 0, error) == NULL)
    return NULL;
  return g_steal_pointer (&self);
}

void
cli_template_free (CliTemplate *self)
{
  clear_value (self);
  g_array_unref (self->leaves);
  g_array_unref (self->refills);
  g_string_free (self->text, TRUE);
  g_free (self);
}

guint
cli_template_count (const CliTemplate *self)
{
  return self->leaves->len;
}
