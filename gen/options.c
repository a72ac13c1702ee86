/* Owns the command line. Options are spelled as thrift's compiler spells them, with one dash or two,
 * the value in the next word; tallyc also takes it in the same word, after `=`, or right behind -I
 * and -o. So `thrift` in a build can be replaced by `tallyc`. What an option does is not known here.
 */
#include "options.h"

#include "rules.h"
#include "similar.h"

#include <string.h>

typedef enum
{
  FLAG,           /* gboolean */
  VALUE,          /* const gchar * */
  VALUES,         /* GPtrArray of const gchar * */
  OPTIONAL_VALUES /* the same, only behind `=`; without one the gboolean after the array */
} Kind;

typedef struct
{
  const gchar *name;
  Kind kind;
  gsize offset;
  const gchar *value; /* what --help calls it */
  const gchar
      *about; /* (nullable): what --help says; NULL for another spelling of the one before */
} Option;

#define AT(member) G_STRUCT_OFFSET (Options, member)

static const Option options_table[] = {
  { "I", VALUES, AT (include_dirs), "DIR", "Look for included files in DIR too" },
  { "include", VALUES, AT (include_dirs), "DIR", NULL },
  { "out", VALUE, AT (out), "DIR", "Write to DIR; default: here" },
  { "o", VALUE, AT (out), "DIR", "The same; after --gen, write to DIR/gen-c_glib" },
  { "r", FLAG, AT (recurse), NULL, "Generate for included files too" },
  { "recurse", FLAG, AT (recurse), NULL, NULL },
  { "depfile", VALUE, AT (depfile), "FILE", "Write a make rule with all files that were read" },
  { "check", FLAG, AT (check), NULL, "Look for mistakes only; FILE may be -" },
  { "format", FLAG, AT (format), NULL, "Print the IDL in one style; FILE may be -" },
  { "in-place", FLAG, AT (in_place), NULL, "With --format: change the files" },
  { "diff", FLAG, AT (diff), NULL, "With --format: show what would change" },
  { "audit", FLAG, AT (audit), NULL,
    "Tell what in NEW breaks programs that use OLD; FILE... is OLD NEW, each a file or REV:FILE of "
    "git" },
  { "Iold", VALUES, AT (old_dirs), "DIR", "With --audit: look for what OLD includes in DIR too" },
  { "Inew", VALUES, AT (new_dirs), "DIR", "With --audit: look for what NEW includes in DIR too" },
  { "audit-nofatal", FLAG, AT (audit_nofatal), NULL,
    "With --audit: exit with 0 whatever is found" },
  { "dump", VALUE, AT (dump), "FORM", "Print what the IDL means; FORM is json" },
  { "lsp", FLAG, AT (lsp), NULL,
    "Serve an editor: the Language Server Protocol on standard input and output" },
  { "docs", VALUE, AT (docs), "FORM",
    "Write a reference for people; FORM is html or markdown; FILE... is OUT FILE..., OUT a "
    "directory" },
  { "diagnostics", VALUE, AT (diagnostics), "FORM", "Show mistakes as text (default) or json" },
  { "no-warnings", FLAG, AT (quiet), NULL, "Show no warnings" },
  { "nowarn", FLAG, AT (quiet), NULL, NULL },
  { "warn-as-error", OPTIONAL_VALUES, AT (fatal_rules), "ID",
    "Take the warnings of rule ID, or all, for errors" },
  { "strict", FLAG, AT (strict), NULL, "Take fields without an id of their own for errors" },
  { "list-rules", FLAG, AT (list_rules), NULL, "Show the ids of all rules" },
  { "gen", VALUES, AT (generators), "c_glib", "Write to gen-c_glib, as thrift does" },
  { "v", FLAG, AT (verbose), NULL, "Tell what is read and written" },
  { "verbose", FLAG, AT (verbose), NULL, NULL },
  { "allow-neg-keys", FLAG, AT (negative_ids), NULL, "Keep field ids that are not above 0" },
  { "allow-64bit-consts", FLAG, AT (ignored), NULL, "Changes nothing" },
  { "debug", FLAG, AT (ignored), NULL, "Changes nothing" },
  { "version", FLAG, AT (version), NULL, "Show the version" },
  { "h", FLAG, AT (help), NULL, "Show this" },
  { "help", FLAG, AT (help), NULL, NULL },
};

void
options_clear (Options *options)
{
  g_clear_pointer (&options->files, g_ptr_array_unref);
  g_clear_pointer (&options->include_dirs, g_ptr_array_unref);
  g_clear_pointer (&options->old_dirs, g_ptr_array_unref);
  g_clear_pointer (&options->new_dirs, g_ptr_array_unref);
  g_clear_pointer (&options->generators, g_ptr_array_unref);
  g_clear_pointer (&options->fatal_rules, g_ptr_array_unref);
}

static gboolean fail (GError **error, const gchar *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
fail (GError **error, const gchar *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  if (error != NULL)
    *error = g_error_new_valist (G_OPTION_ERROR, G_OPTION_ERROR_FAILED, format, arguments);
  va_end (arguments);
  return FALSE;
}

/* The word without its dashes, one or two. */
static const gchar *
skip_dashes (const gchar *word)
{
  return word + (word[1] == '-' ? 2 : 1);
}

static const Option *
find_option (const gchar *name, gsize length)
{
  for (guint i = 0; i < G_N_ELEMENTS (options_table); i++)
    if (strlen (options_table[i].name) == length
        && memcmp (options_table[i].name, name, length) == 0)
      return &options_table[i];
  return NULL;
}

/* `-IDIR`, `-oDIR`; but `-output` is a mistake. */
static const Option *
find_glued (const gchar *word)
{
  if (g_str_has_prefix (word, "-I") || (g_str_has_prefix (word, "-o") && word[2] != 'u'))
    return find_option (word + 1, 1);
  return NULL;
}

static gboolean
fail_unknown (const gchar *word, GError **error)
{
  gint64 effort = 10000;
  IdlSimilar similar;

  idl_similar_init (&similar, skip_dashes (word), &effort);
  for (guint i = 0; i < G_N_ELEMENTS (options_table); i++)
    if (strlen (options_table[i].name) > 2)
      idl_similar_offer (&similar, options_table[i].name);
  fail (error, "unknown option %s%s%s%s", word, similar.best == NULL ? "" : "; did you mean --",
        similar.best == NULL ? "" : similar.best, similar.best == NULL ? "" : "?");
  idl_similar_clear (&similar);
  return FALSE;
}

static void
set_value (Options *options, const Option *option, const gchar *value)
{
  gpointer member = G_STRUCT_MEMBER_P (options, option->offset);

  if (option->kind == VALUE)
    *(const gchar **) member = value;
  else
    g_ptr_array_add (*(GPtrArray **) member, (gpointer) value);
  if (option->offset == AT (out))
    options->out_is_base = option->name[1] == '\0';
}

static void
set_flag (Options *options, const Option *option, const gchar *word)
{
  if (option->kind == OPTIONAL_VALUES)
    options->all_rules_fatal = TRUE;
  else
    G_STRUCT_MEMBER (gboolean, options, option->offset) = TRUE;
  if (option->offset == AT (version))
    options->thrift_version = word[1] != '-';
}

static gboolean
takes_next_word (const Option *option)
{
  return option->kind == VALUE || option->kind == VALUES;
}

/* `-r -strict` in one word, as a build's variable may come: thrift divides it, and so do we if all of
 * it are flags. */
static gboolean
parse_flags (Options *options, const gchar *word, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (word, " ", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    {
      const gchar *name = *parts[i] == '-' ? skip_dashes (parts[i]) : "";
      const Option *option = find_option (name, strlen (name));

      if (*parts[i] == '\0')
        continue;
      if (option == NULL || takes_next_word (option))
        return fail_unknown (word, error);
      set_flag (options, option, parts[i]);
    }
  return TRUE;
}

/* Takes the option at *@words, and moves there to its last word. */
static gboolean
parse_option (Options *options, gchar ***words, GError **error)
{
  const gchar *word = **words;
  const gchar *name = skip_dashes (word);
  const gchar *equals = strchr (name, '=');
  const Option *option = find_option (name, strlen (name));

  /* Outside of an audit these are the directories `old` and `new`. */
  if (option != NULL && (option->offset == AT (old_dirs) || option->offset == AT (new_dirs))
      && !options->audit)
    option = NULL;
  if (option != NULL && !takes_next_word (option))
    {
      set_flag (options, option, word);
      return TRUE;
    }
  if (option != NULL)
    {
      if ((*words)[1] == NULL)
        return fail (error, "%s needs a value: %s", word, option->value);
      set_value (options, option, *++*words);
      return TRUE;
    }
  option = equals == NULL ? NULL : find_option (name, (gsize) (equals - name));
  if (option != NULL && option->kind == FLAG)
    return fail (error, "%.*s takes no value", (int) (equals - word), word);
  if (option != NULL && option->name[1] != '\0')
    {
      set_value (options, option, equals + 1);
      return TRUE;
    }
  option = find_glued (word);
  if (option != NULL)
    {
      set_value (options, option, word + 2);
      return TRUE;
    }
  return strchr (word, ' ') != NULL ? parse_flags (options, word, error)
                                    : fail_unknown (word, error);
}

/* Only one generator is there; another is refused by its name. */
static gboolean
check_generator (const gchar *generator, GError **error)
{
  gsize length = strcspn (generator, ":");

  if (length != strlen ("c_glib") || strncmp (generator, "c_glib", length) != 0)
    return fail (error, "--gen %s: tallyc generates c_glib only", generator);
  if (generator[length] == ':' && generator[length + 1] != '\0')
    return fail (error, "--gen %s: c_glib has no option '%s'", generator, generator + length + 1);
  return TRUE;
}

static gboolean
check_values (const Options *options, GError **error)
{
  for (guint i = 0; i < options->generators->len; i++)
    if (!check_generator (g_ptr_array_index (options->generators, i), error))
      return FALSE;
  for (guint i = 0; i < options->fatal_rules->len; i++)
    if (idl_rule_find (g_ptr_array_index (options->fatal_rules, i)) == IDL_N_RULES)
      return fail (error, "--warn-as-error=%s: no rule has that id; see --list-rules",
                   (const gchar *) g_ptr_array_index (options->fatal_rules, i));
  if (options->dump != NULL && !g_str_equal (options->dump, "json"))
    return fail (error, "--dump: only json is known");
  if (options->docs != NULL && !g_str_equal (options->docs, "html")
      && !g_str_equal (options->docs, "markdown"))
    return fail (error, "--docs: must be html or markdown");
  if (options->diagnostics != NULL && !g_str_equal (options->diagnostics, "json")
      && !g_str_equal (options->diagnostics, "text"))
    return fail (error, "--diagnostics: must be text or json");
  return TRUE;
}

static gboolean
has_standard_input (const Options *options)
{
  for (guint i = 0; i < options->files->len; i++)
    if (g_str_equal (g_ptr_array_index (options->files, i), "-"))
      return TRUE;
  return FALSE;
}

static const gchar *
find_docs_misuse (const Options *options)
{
  const gchar *first = g_ptr_array_index (options->files, 0);

  if (options->out != NULL || options->generators->len > 0)
    return "--docs takes no --out and no --gen; the directory stands before the files: OUT FILE...";
  if (options->files->len < 2 || g_file_test (first, G_FILE_TEST_IS_REGULAR))
    return "--docs takes a directory, and files behind it: OUT FILE...";
  return has_standard_input (options) ? "--docs reads files, not standard input (-)" : NULL;
}

/* What is asked for but makes no sense. */
static const gchar *
find_misuse (const Options *options)
{
  gint modes = options->check + options->format + options->audit + (options->dump != NULL)
               + (options->docs != NULL);

  if (options->lsp && (modes > 0 || options->files->len > 0))
    return "--lsp takes no files, and no other mode";
  if (options->lsp)
    return NULL;
  if (options->files->len == 0)
    return "no file given";
  if (modes > 1)
    return "--check, --format, --audit, --dump and --docs exclude each other";
  if (options->docs != NULL)
    return find_docs_misuse (options);
  if ((options->in_place || options->diff) && !options->format)
    return "--in-place and --diff go with --format";
  if (options->in_place && options->diff)
    return "--in-place and --diff exclude each other";
  if (options->audit && options->files->len != 2)
    return "--audit takes two files, OLD and NEW";
  if (has_standard_input (options)
      && (options->in_place || !(options->check || options->format || options->dump != NULL)))
    return "standard input (-) can be checked, formatted and dumped only";
  return NULL;
}

static gboolean
has_audit (gchar **argv)
{
  for (; *argv != NULL; argv++)
    if (g_str_equal (*argv, "-audit") || g_str_equal (*argv, "--audit"))
      return TRUE;
  return FALSE;
}

static gboolean
parse_words (Options *options, gchar **words, GError **error)
{
  gboolean only_files = FALSE;

  for (; *words != NULL; words++)
    if (only_files || **words != '-' || (*words)[1] == '\0')
      g_ptr_array_add (options->files, *words);
    else if (g_str_equal (*words, "--"))
      only_files = TRUE;
    else if (!parse_option (options, &words, error))
      return FALSE;
  return TRUE;
}

gboolean
options_ask_for_text (const Options *options)
{
  return options->help || options->version || options->list_rules;
}

static GPtrArray *
new_values (void)
{
  return g_ptr_array_new_null_terminated (1, NULL, TRUE);
}

gboolean
options_parse (Options *options, gchar **argv, GError **error)
{
  const gchar *misuse;

  *options = (Options){ .files = new_values (),
                        .include_dirs = new_values (),
                        .old_dirs = new_values (),
                        .new_dirs = new_values (),
                        .generators = new_values (),
                        .fatal_rules = new_values (),
                        .audit = has_audit (argv) };
  if (!parse_words (options, *argv == NULL ? argv : argv + 1, error))
    return FALSE;
  if (options_ask_for_text (options))
    return TRUE;
  if (!check_values (options, error))
    return FALSE;
  if (options->strict) /* as thrift has it */
    {
      g_ptr_array_add (options->fatal_rules, (gpointer) "implicit-id");
      g_ptr_array_add (options->fatal_rules, (gpointer) "nonpositive-id");
    }
  misuse = find_misuse (options);
  if (misuse != NULL)
    return fail (error, "%s", misuse);
  if (options->docs != NULL)
    options->out = g_ptr_array_steal_index (options->files, 0);
  return TRUE;
}

gchar *
options_get_directory (const Options *options)
{
  const gchar *out = options->out == NULL ? "." : options->out;

  /* Without --gen there is no thrift to do as: -o is --out. */
  if (options->generators->len == 0 || (options->out != NULL && !options->out_is_base))
    return g_strdup (out);
  return g_str_equal (out, ".") ? g_strdup ("gen-c_glib")
                                : g_build_filename (out, "gen-c_glib", NULL);
}

/* Two dashes before a long name, one before a letter, and where thrift's own help has one. */
static void
append_spelling (GString *text, const Option *option)
{
  g_string_append_printf (text, "%s%s",
                          option->name[1] == '\0' || option->name[0] == 'I' ? "-" : "--",
                          option->name);
}

gchar *
options_describe (void)
{
  GString *text = g_string_new ("Usage:\n  tallyc [OPTION...] FILE...\n\n"
                                "Compiles Thrift IDL to C for GLib.\n\nOptions:\n");

  for (guint i = 0; i < G_N_ELEMENTS (options_table); i++)
    {
      const Option *option = &options_table[i];
      g_autoptr (GString) spelling = g_string_new ("  ");

      append_spelling (spelling, option);
      for (; i + 1 < G_N_ELEMENTS (options_table) && options_table[i + 1].about == NULL; i++)
        {
          g_string_append (spelling, ", ");
          append_spelling (spelling, &options_table[i + 1]);
        }
      if (option->kind == OPTIONAL_VALUES)
        g_string_append_printf (spelling, "[=%s]", option->value);
      else if (option->value != NULL)
        g_string_append_printf (spelling, " %s", option->value);
      g_string_append_printf (text, "%-28s %s\n", spelling->str, option->about);
    }
  g_string_append (text,
                   "\nOne dash does for two, and --OPTION=VALUE is --OPTION VALUE. The manual page "
                   "tallyc(1) says more.\n"
                   "Exit status: 0, 1 after errors, 2 after bad usage.\n");
  return g_string_free (text, FALSE);
}
