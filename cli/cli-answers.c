/* Owns the file of answers: which request gets which one. What an answer is cli-answer.c knows, what matches cli-match.c. */
#include "cli-answers.h"

#include <pthread.h>
#include <string.h>

#include "cli-base.h"
#include "cli-fill.h"
#include "cli-match.h"

/* Answers to calls with such arguments. */
typedef struct
{
  CliJson *json;
  const CliJson *args; /* nullable: any */
  GPtrArray *turns;    /* of CliAnswer: given in turn */
  guint64 times;       /* how often in all; 0: without end */
  guint64 n_given;     /* lock */
} Rule;

typedef struct
{
  const TallyMethod *table;
  CliClasses classes;
  CliAnswer *usual; /* nullable: there is none, in a strict file */
  GPtrArray *rules; /* of Rule */
} Method;

/* By what name a method is called. */
typedef struct
{
  const Method *method;
  const gchar *service;
} Named;

struct _CliAnswers
{
  CliIdl *idl;
  GHashTable *methods; /* TallyMethod to Method */
  GHashTable *names;   /* "method" and "Service:method" to Named */
  pthread_mutex_t lock;
};

static void
rule_free (gpointer data)
{
  Rule *self = data;

  cli_json_free (self->json);
  g_clear_pointer (&self->turns, g_ptr_array_unref);
  g_free (self);
}

static void
method_free (gpointer data)
{
  Method *self = data;

  cli_answer_free (self->usual);
  g_ptr_array_unref (self->rules);
  g_free (self);
}

void
cli_answers_free (CliAnswers *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->names);
  g_hash_table_unref (self->methods);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

/* ---- the IDL's methods ---- */

static const Method *
add_method (CliAnswers *self, const IdlFunction *function, gboolean is_strict, GError **error)
{
  const TallyMethod *table = cli_tables_get_method (self->idl->tables, function, error);
  Method *method = table != NULL ? g_hash_table_lookup (self->methods, table) : NULL;
  const TallyLoadedInfo *args;
  const TallyLoadedInfo *result = NULL;

  if (table == NULL || method != NULL)
    return method;
  args = cli_tables_get_object (self->idl->tables, table->args, error);
  if (args == NULL)
    return NULL;
  if (table->result != NULL)
    {
      result = cli_tables_get_object (self->idl->tables, table->result, error);
      if (result == NULL)
        return NULL;
    }
  method = g_new0 (Method, 1);
  method->table = table;
  method->classes = (CliClasses){ args, result };
  method->usual = is_strict ? NULL : cli_answer_new_default (result);
  method->rules = g_ptr_array_new_with_free_func (rule_free);
  g_hash_table_insert (self->methods, (gpointer) table, method);
  return method;
}

/* The first that has a name keeps it. */
static void
add_name (CliAnswers *self, gchar *name, const Named *entry)
{
  if (!g_hash_table_contains (self->names, name))
    g_hash_table_insert (self->names, name, g_memdup2 (entry, sizeof *entry));
  else
    g_free (name);
}

static gboolean
add_service (CliAnswers *self, const IdlDefinition *service, gboolean is_strict, GError **error)
{
  for (const IdlDefinition *base = service; base != NULL; base = base->extends)
    for (guint i = 0; i < base->members->len; i++)
      {
        const IdlFunction *function = g_ptr_array_index (base->members, i);
        const Named entry = { add_method (self, function, is_strict, error), service->node.name };

        if (entry.method == NULL)
          return FALSE;
        add_name (self, g_strdup (function->node.name), &entry);
        add_name (self, g_strconcat (service->node.name, ":", function->node.name, NULL), &entry);
      }
  return TRUE;
}

static gboolean
add_services (CliAnswers *self, gboolean is_strict, GError **error)
{
  const GPtrArray *programs = idl_unit_get_programs (self->idl->unit);

  for (guint i = programs->len; i > 0; i--) /* the given file is the last */
    {
      const IdlProgram *program = g_ptr_array_index (programs, i - 1);

      for (guint j = 0; j < program->definitions->len; j++)
        {
          const IdlDefinition *definition = g_ptr_array_index (program->definitions, j);

          if (definition->kind == IDL_DEFINITION_SERVICE
              && !add_service (self, definition, is_strict, error))
            return FALSE;
        }
    }
  if (g_hash_table_size (self->names) > 0)
    return TRUE;
  g_set_error (error, CLI_INPUT_ERROR, 0, "%s has no service with a method",
               idl_source_get_path (self->idl->program->source));
  return FALSE;
}

/* ---- the file ---- */

/* What the lines of `tally serve` and `tally proxy` have besides, so that they can be answers. */
static gboolean
is_recorded (const gchar *name)
{
  static const gchar *const names[] = { "connection",   "seqid",   "sent",     "received",
                                        "milliseconds", "outcome", "injected", "mismatch",
                                        "line",         NULL };

  return g_strv_contains (names, name);
}

static gboolean
check_names (const CliJson *json, gboolean is_rule, const gchar *source, GError **error)
{
  static const gchar *const known[] = { "method", "args",      "times", "turns", "result",
                                        "echo",   "exception", "error", "fault", "delay" };

  if (json->kind != CLI_JSON_OBJECT)
    return cli_answer_fail (json, source, error, "an answer is written as an object, not as %s",
                            cli_json_describe (json));
  for (guint i = 0; i < json->names->len; i++)
    {
      const gchar *name = g_ptr_array_index (json->names, i);
      g_autofree gchar *suggestion = NULL;

      if (cli_answer_has_member (name) || is_recorded (name)
          || (is_rule
              && g_strv_contains (
                  (const gchar *const[]){ known[0], known[1], known[2], known[3], NULL }, name)))
        continue;
      suggestion = is_rule ? cli_suggest (name, known, G_N_ELEMENTS (known))
                           : cli_suggest (name, known + 4, G_N_ELEMENTS (known) - 4);
      return cli_answer_fail (g_ptr_array_index (json->items, i), source, error,
                              "an answer has no \"%s\"%s", name, suggestion);
    }
  return TRUE;
}

static Method *
find_rule_method (CliAnswers *self, const CliJson *json, const gchar *source, GError **error)
{
  const CliJson *name = cli_json_get (json, "method");
  const Named *entry = NULL;
  CliMethod found;

  if (name == NULL || name->kind != CLI_JSON_STRING)
    {
      cli_answer_fail (json, source, error,
                       "an answer is written as {\"method\": \"Service.method\", \"result\": ...}");
      return NULL;
    }
  if (strchr (name->text, '.') == NULL)
    entry = g_hash_table_lookup (self->names, name->text);
  if (entry != NULL)
    return g_hash_table_lookup (self->methods, entry->method->table);
  if (cli_idl_find_method (self->idl, name->text, &found, error))
    return g_hash_table_lookup (self->methods, found.table);
  g_prefix_error (error, "%s:%u:%u: ", source, name->line, name->column);
  return NULL;
}

static gboolean
add_turn (
    Rule *rule, const Method *method, const CliJson *json, const gchar *source, GError **error)
{
  CliAnswer *answer = cli_answer_new (json, &method->classes, source, error);

  if (answer != NULL)
    g_ptr_array_add (rule->turns, answer);
  return answer != NULL;
}

static gboolean
add_turns (Rule *rule, const Method *method, const gchar *source, GError **error)
{
  const CliJson *turns = cli_json_get (rule->json, "turns");

  if (turns == NULL)
    return add_turn (rule, method, rule->json, source, error);
  if (turns->kind != CLI_JSON_ARRAY || turns->items->len == 0)
    return cli_answer_fail (turns, source, error, "turns are an array of answers");
  for (guint i = 0; i < rule->json->names->len; i++)
    if (cli_answer_has_member (g_ptr_array_index (rule->json->names, i)))
      return cli_answer_fail (g_ptr_array_index (rule->json->items, i), source, error,
                              "beside \"turns\" there is no \"%s\": it belongs into a turn",
                              (const gchar *) g_ptr_array_index (rule->json->names, i));
  for (guint i = 0; i < turns->items->len; i++)
    {
      const CliJson *turn = g_ptr_array_index (turns->items, i);

      if (!check_names (turn, FALSE, source, error)
          || !add_turn (rule, method, turn, source, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
read_rule (Rule *rule, const Method *method, const gchar *source, GError **error)
{
  const CliPlace place = { .source = source, .name = "args", .index = -1 };
  const CliJson *times = cli_json_get (rule->json, "times");

  rule->args = cli_json_get (rule->json, "args");
  if (rule->args != NULL && rule->args->kind != CLI_JSON_OBJECT)
    return cli_answer_fail (rule->args, source, error,
                            "arguments are written as an object, not as %s",
                            cli_json_describe (rule->args));
  if (rule->args != NULL
      && !cli_match_check (rule->args, &method->table->args->type, &place, error))
    return FALSE;
  if (times != NULL && (times->kind != CLI_JSON_INTEGER || times->integer < 1))
    return cli_answer_fail (times, source, error, "times is a number, 1 or more");
  rule->times = times != NULL ? (guint64) times->integer : 0;
  return add_turns (rule, method, source, error);
}

/* A CliUseJson. */
static gboolean
add_rule (gpointer data, CliJson *json, const gchar *source, GError **error)
{
  CliAnswers *self = data;
  Rule *rule = g_new0 (Rule, 1);
  Method *method = NULL;

  rule->json = json;
  rule->turns = g_ptr_array_new_with_free_func ((GDestroyNotify) cli_answer_free);
  if (check_names (json, TRUE, source, error))
    method = find_rule_method (self, json, source, error);
  if (method != NULL && read_rule (rule, method, source, error))
    {
      g_ptr_array_add (method->rules, rule);
      return TRUE;
    }
  rule_free (rule);
  return FALSE;
}

CliAnswers *
cli_answers_new (CliIdl *idl, const gchar *path, gboolean is_strict, GError **error)
{
  g_autoptr (CliAnswers) self = g_new0 (CliAnswers, 1);

  self->idl = idl;
  self->methods = g_hash_table_new_full (NULL, NULL, NULL, method_free);
  self->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  pthread_mutex_init (&self->lock, NULL);
  if (!add_services (self, is_strict, error)
      || (path != NULL && !cli_read_each (path, add_rule, self, error)))
    return NULL;
  return g_steal_pointer (&self);
}

/* ---- requests ---- */

const TallyMethod *
cli_answers_find_method (const CliAnswers *self, const gchar *name, const gchar **service)
{
  const Named *entry = g_hash_table_lookup (self->names, name);

  *service = entry != NULL ? entry->service : NULL;
  return entry != NULL ? entry->method->table : NULL;
}

const TallyLoadedInfo *
cli_answers_get_args (const CliAnswers *self, const TallyMethod *method)
{
  return ((const Method *) g_hash_table_lookup (self->methods, method))->classes.args;
}

/* The rule's next answer. (nullable): it is used up. */
static const CliAnswer *
take_turn_locked (Rule *rule)
{
  if (rule->times > 0 && rule->n_given == rule->times)
    return NULL;
  return g_ptr_array_index (rule->turns, rule->n_given++ % rule->turns->len);
}

const CliAnswer *
cli_answers_take (CliAnswers *self, const TallyMethod *table, GObject *args)
{
  const Method *method = g_hash_table_lookup (self->methods, table);
  const CliAnswer *answer = NULL;

  for (guint i = 0; answer == NULL && i < method->rules->len; i++)
    {
      Rule *rule = g_ptr_array_index (method->rules, i);

      if (rule->args != NULL && !cli_match (rule->args, &method->classes.args->info.type, &args))
        continue;
      pthread_mutex_lock (&self->lock);
      answer = take_turn_locked (rule);
      pthread_mutex_unlock (&self->lock);
    }
  return answer != NULL ? answer : method->usual;
}
