/* The subcommands: each a whole run, from its words to its exit status. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include <gio/gio.h>

G_BEGIN_DECLS

/* Exit statuses. */
typedef enum
{
  CLI_OK = 0,
  CLI_DAMAGED = 1,    /* what was to be decoded breaks off */
  CLI_PAST_LIMIT = 1, /* what was measured is beyond a limit that was given */
  CLI_MISTAKE = 2,    /* in the command line, IDL, JSON or bytes; nothing was sent */
  CLI_DECLARED = 3,   /* one of the method's exceptions */
  CLI_REFUSED = 4,    /* a TApplicationException */
  CLI_UNSENT = 5,     /* it failed, and the server executed nothing */
  CLI_FAILED = 6      /* it failed, and the server may have executed it */
} CliStatus;

/* @words: the program's name and what follows the subcommand's, ended by NULL; options are taken out of them. */
CliStatus cli_bench (gchar **words);
CliStatus cli_call (gchar **words);
CliStatus cli_decode (gchar **words);
CliStatus cli_describe (gchar **words);
CliStatus cli_proxy (gchar **words);
CliStatus cli_report (gchar **words);
CliStatus cli_serve (gchar **words);
CliStatus cli_simulate (gchar **words);

/* Prints "tally: " and @error's message to standard error. CLI_MISTAKE */
CliStatus cli_complain (const GError *error);
/* Writes out what was printed. Returns: @status, unless the output is lost */
CliStatus cli_end_output (CliStatus status);
/* Takes the options of @entries out of @words; --help prints @usage and what they are, and ends the program. */
gboolean cli_parse_options (gchar ***words,
                            const gchar *usage,
                            const gchar *about,
                            const GOptionEntry *entries,
                            GError **error);

/* Whether @option's @value, which may be no number, is within its range. */
gboolean
cli_check_number (const gchar *option, gdouble value, gdouble least, gdouble most, GError **error);

/* A text that a word of the command line gives. */
typedef struct
{
  gchar *source; /* what errors call it */
  gchar *text;   /* nullable: nothing was given */
  gsize length;
} CliGiven;

/* @word as it stands, which is called @name, or what it stands for: "-" for standard input, "@FILE" for a file. */
gboolean cli_given_read (CliGiven *given, const gchar *name, const gchar *word, GError **error);
void cli_given_clear (CliGiven *given);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CliGiven, cli_given_clear)

/* @uri with the @service (nullable) of a multiplexed server. (transfer full) */
gchar *cli_make_uri (const gchar *uri, const gchar *service);

G_END_DECLS

#endif /* CLI_COMMANDS_H */
