/* Owns what is done wrong on purpose, and when. It knows no connections. */
#include "cli-proxy.h"

#include <string.h>

#include "cli-fill.h"

static const gchar *const injections[] = { "nothing", "delay", "drop", "lose",
                                           "close",   "half",  "seqid" };

typedef struct
{
  gchar *method; /* "*": any */
  CliInjection what;
  guint delay_ms;
  guint every;
  gdouble percent;
  guint n_seen;
} InjectionRule;

struct _CliRules
{
  GPtrArray *rules; /* of InjectionRule */
  GRand *random;
};

const gchar *
cli_injection_get_name (CliInjection injection)
{
  return injections[injection];
}

static void
injection_rule_free (gpointer data)
{
  InjectionRule *rule = data;

  g_free (rule->method);
  g_free (rule);
}

CliRules *
cli_rules_new (guint32 seed)
{
  CliRules *self = g_new0 (CliRules, 1);

  self->rules = g_ptr_array_new_with_free_func (injection_rule_free);
  self->random = g_rand_new_with_seed (seed);
  return self;
}

void
cli_rules_free (CliRules *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->rules);
  g_rand_free (self->random);
  g_free (self);
}

static gboolean fail_rule (const gchar *text, GError **error, const gchar *format, ...)
    G_GNUC_PRINTF (3, 4);

static gboolean
fail_rule (const gchar *text, GError **error, const gchar *format, ...)
{
  g_autofree gchar *message = NULL;
  va_list arguments;

  va_start (arguments, format);
  message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, CLI_INPUT_ERROR, 0, "--inject \"%s\": %s", text, message);
  return FALSE;
}

/* "delay=200" or a word. */
static gboolean
read_what (InjectionRule *rule, const gchar *word, const gchar *text, GError **error)
{
  guint64 delay;
  g_autofree gchar *known = NULL;

  if (g_str_has_prefix (word, "delay="))
    {
      if (!g_ascii_string_to_unsigned (word + 6, 10, 0, 86400000, &delay, NULL))
        return fail_rule (text, error, "\"%s\" is no number of milliseconds", word + 6);
      rule->what = CLI_INJECT_DELAY;
      rule->delay_ms = (guint) delay;
      return TRUE;
    }
  for (guint i = CLI_INJECT_DROP; i < G_N_ELEMENTS (injections); i++)
    if (g_str_equal (word, injections[i]))
      {
        rule->what = (CliInjection) i;
        return TRUE;
      }
  if (g_str_equal (word, "delay"))
    return fail_rule (text, error, "a delay is written as delay=MILLISECONDS");
  known = cli_suggest (word, injections + 1, G_N_ELEMENTS (injections) - 1);
  return fail_rule (text, error, "there is no \"%s\"%s", word, known);
}

static gboolean
read_when (InjectionRule *rule, const gchar *word, const gchar *text, GError **error)
{
  guint64 every;
  gchar *end;

  if (g_str_has_prefix (word, "every="))
    {
      if (!g_ascii_string_to_unsigned (word + 6, 10, 1, G_MAXUINT, &every, NULL))
        return fail_rule (text, error, "\"%s\" is no number of calls", word + 6);
      rule->every = (guint) every;
      return TRUE;
    }
  if (!g_str_has_prefix (word, "percent="))
    return fail_rule (text, error, "\"%s\" is neither every=N nor percent=P", word);
  rule->percent = g_ascii_strtod (word + 8, &end);
  if (*end != '\0' || end == word + 8 || !(rule->percent >= 0 && rule->percent <= 100))
    return fail_rule (text, error, "\"%s\" is no percentage", word + 8);
  return TRUE;
}

gboolean
cli_rules_add (CliRules *self, const gchar *text, GError **error)
{
  const gchar *colon = strrchr (text, ':');
  g_auto (GStrv) words = colon != NULL ? g_strsplit (colon + 1, ",", -1) : NULL;
  InjectionRule *rule;

  if (colon == NULL || colon == text || *words == NULL)
    return fail_rule (text, error,
                      "a rule is written as METHOD:WHAT, as in \"*:delay=200,every=10\"");
  rule = g_new0 (InjectionRule, 1);
  g_ptr_array_add (self->rules, rule);
  rule->method = g_strndup (text, (gsize) (colon - text));
  rule->every = 1;
  rule->percent = 100;
  if (!read_what (rule, words[0], text, error))
    return FALSE;
  for (guint i = 1; words[i] != NULL; i++)
    if (!read_when (rule, words[i], text, error))
      return FALSE;
  return TRUE;
}

gboolean
cli_rules_are_random (const CliRules *self)
{
  for (guint i = 0; i < self->rules->len; i++)
    if (((const InjectionRule *) g_ptr_array_index (self->rules, i))->percent < 100)
      return TRUE;
  return FALSE;
}

/* "Service.method", "Service:method" and "method" are names of one that a message calls "Service:method". */
static gboolean
is_called (const gchar *rule, const gchar *method)
{
  const gchar *colon = strrchr (method, ':');
  const gchar *dot = strrchr (rule, '.');

  if (g_str_equal (rule, "*") || g_str_equal (rule, method))
    return TRUE;
  if (colon != NULL && g_str_equal (rule, colon + 1))
    return TRUE;
  return dot != NULL && g_str_equal (dot + 1, colon != NULL ? colon + 1 : method);
}

CliInjection
cli_rules_choose (CliRules *self, const gchar *method, guint *delay_ms)
{
  CliInjection chosen = CLI_INJECT_NOTHING;

  *delay_ms = 0;
  for (guint i = 0; i < self->rules->len; i++)
    {
      InjectionRule *rule = g_ptr_array_index (self->rules, i);

      if (!is_called (rule->method, method))
        continue;
      rule->n_seen++;
      if (chosen != CLI_INJECT_NOTHING || rule->n_seen % rule->every != 0
          || (rule->percent < 100 && g_rand_double (self->random) * 100 >= rule->percent))
        continue;
      chosen = rule->what;
      *delay_ms = rule->delay_ms;
    }
  return chosen;
}
