/* Owns the reading of `tallyc: allow` comments. A file is searched for them once, so that one full
 * of warnings on one long line takes no quadratic time. */
#include "allow.h"

#include <string.h>

#define MARK "tallyc: allow "
/* Farther to the right the mark is not looked for: the line is looked at for each. */
#define MAX_COLUMN 1000

struct _IdlAllow
{
  GHashTable *rules; /* set of line and rule, as get_key() makes it */
};

static gpointer
get_key (guint line, IdlRule rule)
{
  return GSIZE_TO_POINTER ((gsize) line * IDL_N_RULES + rule);
}

/* Whether the line's bytes before @length open a comment, and sets *@alone when nothing else stands
 * before it. */
static gboolean
opens_comment (const gchar *line, gsize length, gboolean *alone)
{
  const gchar *end = line + length;
  const gchar *at = line;

  while (at < end && g_ascii_isspace (*at))
    at++;
  *alone = at < end && (*at == '#' || *at == '/');
  for (; at < end; at++)
    if (*at == '#' || (*at == '/' && at + 1 < end && (at[1] == '/' || at[1] == '*')))
      return TRUE;
  return FALSE;
}

/* Enters the ids at @at, divided by commas and blanks. */
static void
enter_ids (IdlAllow *allow, guint line, gboolean alone, const gchar *at)
{
  while (g_ascii_islower (*at))
    {
      gsize length = strspn (at, "abcdefghijklmnopqrstuvwxyz0123456789-");
      g_autofree gchar *id = g_strndup (at, length);
      IdlRule rule = idl_rule_find (id);

      if (rule != IDL_N_RULES)
        g_hash_table_add (allow->rules, get_key (alone ? line + 1 : line, rule));
      at += length;
      at += strspn (at, ", \t");
    }
}

IdlAllow *
idl_allow_new (const IdlSource *source)
{
  IdlAllow *allow = g_new0 (IdlAllow, 1);
  gsize length;
  const gchar *text = idl_source_get_text (source, &length);
  const gchar *end = text + length;
  const gchar *mark;

  allow->rules = g_hash_table_new (NULL, NULL);
  for (const gchar *at = text;
       (mark = memmem (at, (gsize) (end - at), MARK, strlen (MARK))) != NULL;
       at = mark + strlen (MARK))
    {
      IdlLocation location = { source, (guint32) (mark - text), 1 };
      gboolean alone;
      guint line, column;

      idl_location_get_line (&location, &line, &column);
      if (column <= MAX_COLUMN && opens_comment (mark - (column - 1), column - 1, &alone))
        enter_ids (allow, line, alone, mark + strlen (MARK));
    }
  return allow;
}

void
idl_allow_free (IdlAllow *allow)
{
  g_hash_table_unref (allow->rules);
  g_free (allow);
}

gboolean
idl_allow_has (const IdlAllow *allow, guint line, IdlRule rule)
{
  return g_hash_table_size (allow->rules) > 0
         && g_hash_table_contains (allow->rules, get_key (line, rule));
}
