/* Owns the ids of rules. It does not know what a rule demands. */
#include "rules.h"

#include <string.h>

static const struct
{
  const gchar *id;
  const gchar *about;
} rules[] = {
#define ROW(constant, id, about) { id, about },
  IDL_RULES (ROW)
#undef ROW
};

const gchar *
idl_rule_get_id (IdlRule rule)
{
  g_return_val_if_fail (rule < IDL_N_RULES, NULL);
  return rules[rule].id;
}

const gchar *
idl_rule_get_about (IdlRule rule)
{
  g_return_val_if_fail (rule < IDL_N_RULES, NULL);
  return rules[rule].about;
}

IdlRule
idl_rule_find (const gchar *id)
{
  guint rule = 0;

  while (rule < IDL_N_RULES && strcmp (rules[rule].id, id) != 0)
    rule++;
  return rule;
}
