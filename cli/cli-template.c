/* Owns values that differ from call to call. The JSON is filled in once; where what varies lies where it can be found again,
 * in fields and lists, only that is filled in anew. A set or map that varies is made anew, with all around it. */
#include "cli-template.h"

#include <string.h>

#include "cli-fill.h"
#include "cli-place.h"

/* What stands between ${ and }. */
typedef enum
{
  PART_LITERAL,
  PART_COUNTER,
  PART_RANDOM,
  PART_LETTERS,
  PART_UUID
} PartKind;

typedef struct
{
  PartKind kind;
  gchar *literal;
  gint64 first, last; /* a counter's start; a random number's limits; how many letters */
  guint64 salt;       /* so that two texts of letters differ */
} Part;

/* A text of the JSON that varies. */
typedef struct
{
  CliJson *text;       /* is changed for each call */
  const CliJson *node; /* what @slot is filled from: the text, or {"$text": …} around it */
  const TallyType *type;
  gpointer slot; /* nullable: it is in a set or map */
  gboolean is_number;
  GArray *parts; /* of Part */
} Varying;

struct _CliTemplate
{
  const TallyMethod *method; /* nullable */
  const TallyType *type;
  const CliJson *json;
  const gchar *source;
  GArray *varying;   /* of Varying */
  gboolean is_fixed; /* each of them has a slot */
  gpointer args;     /* nullable */
  guint64 slot[2];
  GString *text;
};

static void
clear_part (gpointer part)
{
  g_free (((Part *) part)->literal);
}

static void
clear_varying (gpointer varying)
{
  g_array_unref (((Varying *) varying)->parts);
}

/* ---- what a text says ---- */

static gboolean
parse_part (const gchar *word, Part *part)
{
  g_auto (GStrv) halves = g_strsplit (word, ":", 2);
  const gchar *value = halves[0] != NULL ? halves[1] : NULL;
  gchar *end = NULL;

  if (halves[0] == NULL)
    return FALSE;
  if (value == NULL)
    {
      part->kind = g_str_equal (word, "uuid") ? PART_UUID : PART_COUNTER;
      return part->kind == PART_UUID || g_str_equal (word, "counter");
    }
  part->first = g_ascii_strtoll (value, &end, 10);
  if (end == value)
    return FALSE;
  if (g_str_equal (halves[0], "counter"))
    {
      part->kind = PART_COUNTER;
      return *end == '\0';
    }
  if (g_str_equal (halves[0], "letters"))
    {
      part->kind = PART_LETTERS;
      return *end == '\0' && part->first >= 0 && part->first <= 100000000;
    }
  if (!g_str_equal (halves[0], "random") || *end != '-')
    return FALSE;
  part->kind = PART_RANDOM;
  value = end + 1;
  part->last = g_ascii_strtoll (value, &end, 10);
  return end != value && *end == '\0' && part->last >= part->first;
}

static void
add_literal (GArray *parts, const gchar *text, gsize length)
{
  const Part part = { .kind = PART_LITERAL, .literal = g_strndup (text, length) };

  g_array_append_val (parts, part);
}

/* FALSE with an error: @text has a ${…} that says nothing. */
static gboolean
parse_text (const CliJson *json, GArray *parts, const CliPlace *place, GError **error)
{
  const gchar *at = json->text;

  for (;;)
    {
      const gchar *sign = strstr (at, "${");
      const gchar *end = sign != NULL ? strchr (sign, '}') : NULL;
      g_autofree gchar *word = NULL;
      Part part = { PART_LITERAL };

      if (sign == NULL)
        break;
      if (sign > at && sign[-1] == '$')
        {
          add_literal (parts, at, (gsize) (sign - 1 - at));
          add_literal (parts, "${", 2);
          at = sign + 2;
          continue;
        }
      word = end != NULL ? g_strndup (sign + 2, (gsize) (end - sign - 2)) : g_strdup (sign + 2);
      if (end == NULL || !parse_part (word, &part))
        return cli_fail_value (json, place, error,
                               "${%s} is none of ${counter}, ${counter:FROM}, "
                               "${random:LEAST-MOST}, ${letters:N} and ${uuid}",
                               word);
      part.salt = parts->len;
      add_literal (parts, at, (gsize) (sign - at));
      g_array_append_val (parts, part);
      at = end + 1;
    }
  add_literal (parts, at, strlen (at));
  return TRUE;
}

/* ---- what varies ---- */

static gboolean find_varying (
    CliTemplate *self, CliJson *json, const TallyType *type, const CliPlace *place, GError **error);

static gboolean
add_varying (CliTemplate *self,
             CliJson *text,
             const CliJson *node,
             const TallyType *type,
             const CliPlace *place,
             GError **error)
{
  Varying varying = { .text = text, .node = node, .type = type };

  if (strstr (text->text, "${") == NULL)
    return TRUE;
  varying.is_number = type->storage == TALLY_STORAGE_PLAIN && type->kind != TALLY_KIND_UUID;
  varying.parts = g_array_new (FALSE, FALSE, sizeof (Part));
  g_array_set_clear_func (varying.parts, clear_part);
  g_array_append_val (self->varying, varying);
  return parse_text (text, varying.parts, place, error);
}

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
          || !find_varying (self, g_ptr_array_index (json->items, i), field->type, &inner, error))
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
      CliJson *item = g_ptr_array_index (json->items, i);

      if (type->kind == TALLY_KIND_MAP && json->kind == CLI_JSON_ARRAY)
        {
          if (item->kind != CLI_JSON_ARRAY || item->items->len != 2)
            continue; /* which is said where it is filled in */
          if (!find_varying (self, g_ptr_array_index (item->items, 0), type->key, &inner, error))
            return FALSE;
          item = g_ptr_array_index (item->items, 1);
        }
      if (!find_varying (self, item, type->element, &inner, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
find_varying (
    CliTemplate *self, CliJson *json, const TallyType *type, const CliPlace *place, GError **error)
{
  if (json->kind == CLI_JSON_STRING)
    return add_varying (self, json, json, type, place, error);
  if (json->kind == CLI_JSON_OBJECT && type->kind == TALLY_KIND_STRUCT)
    return find_in_members (self, json, (const TallyStructInfo *) type, place, error);
  if (json->kind == CLI_JSON_OBJECT && type->kind < TALLY_KIND_STRUCT)
    {
      CliJson *text = (CliJson *) cli_json_get (json, "$text");

      return text == NULL || text->kind != CLI_JSON_STRING
             || add_varying (self, text, json, type, place, error);
    }
  if (type->kind > TALLY_KIND_STRUCT
      && (json->kind == CLI_JSON_ARRAY || json->kind == CLI_JSON_OBJECT))
    return find_in_items (self, json, type, place, error);
  return TRUE;
}

/* ---- where it lies ---- */

static void
find_slots (CliTemplate *self, const CliJson *json, const TallyType *type, gpointer slot)
{
  for (guint i = 0; i < self->varying->len; i++)
    {
      Varying *varying = &g_array_index (self->varying, Varying, i);

      if (varying->node == json)
        varying->slot = slot;
    }
  if (json->kind == CLI_JSON_OBJECT && type->kind == TALLY_KIND_STRUCT)
    {
      guint8 *instance = type->storage == TALLY_STORAGE_INLINE ? slot : *(gpointer *) slot;

      for (guint i = 0; i < json->items->len; i++)
        {
          const TallyField *field =
              cli_find_member (json, i, (const TallyStructInfo *) type, NULL, NULL);

          if (field != NULL)
            find_slots (self, g_ptr_array_index (json->items, i), field->type,
                        instance + field->offset);
        }
    }
  else if (json->kind == CLI_JSON_ARRAY && type->kind == TALLY_KIND_LIST)
    for (guint i = 0; i < json->items->len; i++)
      find_slots (self, g_ptr_array_index (json->items, i), type->element,
                  type->element->storage == TALLY_STORAGE_PLAIN
                      ? (gpointer) ((*(GArray **) slot)->data + (gsize) i * type->element->size)
                      : (gpointer) &g_ptr_array_index (*(GPtrArray **) slot, i));
}

/* ---- filling ---- */

/* Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014). */
static guint64
scatter (guint64 value)
{
  value += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  value = (value ^ value >> 30) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  value = (value ^ value >> 27) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return value ^ value >> 31;
}

static void
append_letters (GString *text, guint64 seed, gint64 count)
{
  guint64 bits = 0;

  for (gint64 i = 0; i < count; i++, bits /= 26)
    {
      if (i % 12 == 0) /* 26^12 fits */
        bits = seed = scatter (seed);
      g_string_append_c (text, (gchar) ('a' + bits % 26));
    }
}

static void
append_part (GString *text, const Part *part, guint64 number)
{
  const guint64 limits = scatter ((guint64) part->first) + (guint64) part->last;
  const guint64 high = scatter (scatter (number) + part->salt), low = scatter (high);

  switch (part->kind)
    {
    case PART_LITERAL:
      g_string_append (text, part->literal);
      break;
    case PART_COUNTER:
      g_string_append_printf (text, "%" G_GINT64_FORMAT, (gint64) ((guint64) part->first + number));
      break;
    case PART_RANDOM:
      {
        const guint64 range = (guint64) part->last - (guint64) part->first + 1; /* 0: all */
        const guint64 value = scatter (scatter (number) ^ limits);

        g_string_append_printf (text, "%" G_GINT64_FORMAT,
                                (gint64) ((guint64) part->first
                                          + (range == 0 ? value : value % range)));
        break;
      }
    case PART_LETTERS:
      append_letters (text, high, part->first);
      break;
    case PART_UUID:
      g_string_append_printf (text, "%08x-%04x-4%03x-%04x-%012" G_GINT64_MODIFIER "x",
                              (guint) (high >> 32), (guint) (high >> 16 & 0xffff),
                              (guint) (high & 0xfff), (guint) (0x8000 | (low >> 48 & 0x3fff)),
                              low & G_GUINT64_CONSTANT (0xffffffffffff));
      break;
    }
}

/* Has the JSON say what call @number sends. */
static gboolean
change_text (CliTemplate *self, Varying *varying, guint64 number, GError **error)
{
  const CliPlace place = { .source = self->source, .index = -1 };
  CliJson *json = varying->text;
  gchar *end = NULL;

  g_string_truncate (self->text, 0);
  for (guint i = 0; i < varying->parts->len; i++)
    append_part (self->text, &g_array_index (varying->parts, Part, i), number);
  if (!varying->is_number)
    {
      g_free (json->text);
      json->text = g_strndup (self->text->str, self->text->len);
      json->length = self->text->len;
      return TRUE;
    }
  json->kind = CLI_JSON_INTEGER;
  json->integer = g_ascii_strtoll (self->text->str, &end, 10);
  if (varying->type->kind == TALLY_KIND_BOOL)
    {
      json->kind = CLI_JSON_BOOLEAN;
      json->integer &= 1;
    }
  if (self->text->len > 0 && *end == '\0')
    return TRUE;
  json->kind = CLI_JSON_STRING;
  return cli_fail_value (json, &place, error, "\"%s\" is no number, and the IDL has %s",
                         self->text->str, cli_describe_type (varying->type));
}

static void
clear_value (CliTemplate *self)
{
  if (self->method != NULL)
    cli_args_free (self->method, g_steal_pointer (&self->args));
  else
    tally_value_clear (self->type, self->slot);
}

/* Makes the value anew, of all of the JSON. */
static gboolean
fill_all (CliTemplate *self, GError **error)
{
  const CliPlace place = { .source = self->source, .index = -1 };

  clear_value (self);
  if (self->method == NULL)
    return cli_fill (self->json, self->type, self->slot, &place, error);
  self->args = cli_args_new (self->method, self->json, self->source, error);
  return self->args != NULL;
}

static gboolean
fill_varying (CliTemplate *self, GError **error)
{
  const CliPlace place = { .source = self->source, .index = -1 };

  for (guint i = 0; i < self->varying->len; i++)
    {
      const Varying *varying = &g_array_index (self->varying, Varying, i);

      tally_value_clear (varying->type, varying->slot);
      if (!cli_fill (varying->node, varying->type, varying->slot, &place, error))
        return FALSE;
    }
  return TRUE;
}

gconstpointer
cli_template_get (CliTemplate *self, guint64 number, GError **error)
{
  gboolean is_filled = TRUE;

  for (guint i = 0; i < self->varying->len && is_filled; i++)
    is_filled = change_text (self, &g_array_index (self->varying, Varying, i), number, error);
  if (is_filled && self->varying->len > 0)
    is_filled = self->is_fixed ? fill_varying (self, error) : fill_all (self, error);
  if (!is_filled)
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
  self->varying = g_array_new (FALSE, FALSE, sizeof (Varying));
  g_array_set_clear_func (self->varying, clear_varying);
  if (!find_varying (self, json, self->type, &place, error))
    return NULL;
  for (guint i = 0; i < self->varying->len; i++)
    if (!change_text (self, &g_array_index (self->varying, Varying, i), 0, error))
      return NULL;
  if (!fill_all (self, error))
    return NULL;
  find_slots (self, json, self->type, method != NULL ? self->args : (gpointer) self->slot);
  self->is_fixed = TRUE;
  for (guint i = 0; i < self->varying->len; i++)
    self->is_fixed = self->is_fixed && g_array_index (self->varying, Varying, i).slot != NULL;
  return g_steal_pointer (&self);
}

void
cli_template_free (CliTemplate *self)
{
  clear_value (self);
  g_array_unref (self->varying);
  g_string_free (self->text, TRUE);
  g_free (self);
}

guint
cli_template_count (const CliTemplate *self)
{
  return self->varying->len;
}
