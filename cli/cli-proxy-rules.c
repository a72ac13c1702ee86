/* Owns what is done wrong on purpose, and when. It knows no connections. */
#include "cli-proxy.h"

#include <string.h>

#include "cli-fill.h"

static const gchar *const injections[] = { "nothing", "delay", "stall", "drop", "lose",
                                           "close",   "half",  "reset", "seqid" };
static const gchar *const places[] = { "before", "request", "reply", "after" };

typedef struct
{
  gchar *method; /* "*": any */
  CliInjected injected;
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

/* -1: @word is none of them. */
static gint
find_name (const gchar *word, const gchar *const *names, guint n_names)
{
  for (guint i = 0; i < n_names; i++)
    if (g_str_equal (word, names[i]))
      return (gint) i;
  return -1;
}

/* "delay=200" or a word. */
static gboolean
read_what (CliInjected *injected, const gchar *word, const gchar *text, GError **error)
{
  const gchar *equals = strchr (word, '=');
  g_autofree gchar *name =
      g_strndup (word, equals != NULL ? (gsize) (equals - word) : strlen (word));
  const gint index = find_name (name, injections, G_N_ELEMENTS (injections));
  const gboolean takes_time = index == CLI_INJECT_DELAY || index == CLI_INJECT_STALL;
  guint64 delay = 0;
  g_autofree gchar *known = NULL;

  if (index <= CLI_INJECT_NOTHING || (equals != NULL && !takes_time))
    {
      known = cli_suggest (word, injections + 1, G_N_ELEMENTS (injections) - 1);
      return fail_rule (text, error, "there is no \"%s\"%s", word, known);
    }
  if (takes_time && equals == NULL)
    return fail_rule (text, error, "a %s is written as %s=MILLISECONDS", name, name);
  if (takes_time && !g_ascii_string_to_unsigned (equals + 1, 10, 0, 86400000, &delay, NULL))
    return fail_rule (text, error, "\"%s\" is no number of milliseconds", equals + 1);
  *injected = (CliInjected){ .what = (CliInjection) index,
                             .delay_ms = (guint) delay,
                             .at = index == CLI_INJECT_HALF ? CLI_AT_REPLY : CLI_AT_BEFORE,
                             .resets_client = index == CLI_INJECT_RESET,
                             .resets_target = index == CLI_INJECT_RESET };
  return TRUE;
}

static gboolean
read_at (CliInjected *injected, const gchar *word, const gchar *text, GError **error)
{
  const gint at = find_name (word, places, G_N_ELEMENTS (places));

  if (injected->what != CLI_INJECT_CLOSE && injected->what != CLI_INJECT_RESET)
    return fail_rule (text, error, "at= says where \"close\" and \"reset\" end connections");
  if (at < 0)
    return fail_rule (text, error, "\"%s\" is none of before, request, reply and after", word);
  injected->at = (CliAt) at;
  return TRUE;
}

static gboolean
read_to (CliInjected *injected, const gchar *word, const gchar *text, GError **error)
{
  static const gchar *const sides[] = { "client", "target", "both" };
  const gint side = find_name (word, sides, G_N_ELEMENTS (sides));

  if (injected->what != CLI_INJECT_RESET)
    return fail_rule (text, error, "to= says which side \"reset\" resets");
  if (side < 0)
    return fail_rule (text, error, "\"%s\" is none of client, target and both", word);
  injected->resets_client = side != 1;
  injected->resets_target = side != 0;
  return TRUE;
}

static gboolean
read_percent (InjectionRule *rule, const gchar *word, const gchar *text, GError **error)
{
  gchar *end;

  rule->percent = g_ascii_strtod (word, &end);
  if (*end != '\0' || end == word || !(rule->percent >= 0 && rule->percent <= 100))
    return fail_rule (text, error, "\"%s\" is no percentage", word);
  return TRUE;
}

/* What stands behind a comma. */
static gboolean
read_more (InjectionRule *rule, const gchar *word, const gchar *text, GError **error)
{
  guint64 every;

  if (g_str_has_prefix (word, "at="))
    return read_at (&rule->injected, word + 3, text, error);
  if (g_str_has_prefix (word, "to="))
    return read_to (&rule->injected, word + 3, text, error);
  if (g_str_has_prefix (word, "percent="))
    return read_percent (rule, word + 8, text, error);
  if (!g_str_has_prefix (word, "every="))
    return fail_rule (text, error, "\"%s\" is none of every=N, percent=P, at=PLACE and to=SIDE",
                      word);
  if (!g_ascii_string_to_unsigned (word + 6, 10, 1, G_MAXUINT, &every, NULL))
    return fail_rule (text, error, "\"%s\" is no number of calls", word + 6);
  rule->every = (guint) every;
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
  if (!read_what (&rule->injected, words[0], text, error))
    return FALSE;
  for (guint i = 1; words[i] != NULL; i++)
    if (!read_more (rule, words[i], text, error))
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

CliInjected
cli_rules_choose (CliRules *self, const gchar *method)
{
  CliInjected chosen = { CLI_INJECT_NOTHING };

  for (guint i = 0; i < self->rules->len; i++)
    {
      InjectionRule *rule = g_ptr_array_index (self->rules, i);

      if (!is_called (rule->method, method))
        continue;
      rule->n_seen++;
      if (chosen.what != CLI_INJECT_NOTHING || rule->n_seen % rule->every != 0
          || (rule->percent < 100 && g_rand_double (self->random) * 100 >= rule->percent))
        continue;
      chosen = rule->injected;
    }
  return chosen;
}
