/* tallyc's command line: its own options, and those of Apache's compiler, thrift. */
#ifndef GEN_OPTIONS_H
#define GEN_OPTIONS_H

#include <glib.h>

G_BEGIN_DECLS

/* What a command line says. The arrays are of const gchar * and NULL-terminated. */
typedef struct
{
  GPtrArray *files;
  GPtrArray *include_dirs;  /* -I */
  GPtrArray *old_dirs;      /* -Iold */
  GPtrArray *new_dirs;      /* -Inew */
  GPtrArray *generators;    /* --gen: each is "c_glib" */
  GPtrArray *fatal_rules;   /* --warn-as-error=: ids */
  gboolean all_rules_fatal; /* --warn-as-error */
  const gchar *out;         /* (nullable): of -o, or --out */
  gboolean out_is_base;     /* it was -o: thrift puts gen-c_glib in it */
  const gchar *depfile;     /* (nullable) */
  const gchar *diagnostics; /* (nullable): "json" or "text" */
  const gchar *dump;        /* (nullable): "json" */
  const gchar *docs;        /* (nullable): "html" or "markdown"; `out` is its directory */
  gboolean recurse;
  gboolean quiet;
  gboolean strict;
  gboolean verbose;
  gboolean negative_ids;
  gboolean check;
  gboolean format;
  gboolean in_place;
  gboolean diff;
  gboolean audit;
  gboolean audit_nofatal;
  gboolean lsp;
  gboolean help;
  gboolean version;
  gboolean thrift_version; /* -version, spelled as thrift's users spell it */
  gboolean list_rules;
  gboolean ignored; /* an option that changes nothing */
} Options;

/* FALSE with @error (%G_OPTION_ERROR) when an option is not known or makes no sense. @options is to
 * be cleared in either case; @argv, which is NULL-terminated, must live as long. */
gboolean options_parse (Options *options, gchar **argv, GError **error);
void options_clear (Options *options);
/* Whether it asks for nothing but a text about tallyc. */
gboolean options_ask_for_text (const Options *options);
/* Where files go. (transfer full) */
gchar *options_get_directory (const Options *options);
/* The text of --help. (transfer full) */
gchar *options_describe (void);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

G_END_DECLS

#endif /* GEN_OPTIONS_H */
