/* A text with parts that differ from call to call, as ${counter}. */
#ifndef CLI_PATTERN_H
#define CLI_PATTERN_H

#include <tally.h>

G_BEGIN_DECLS

/* What each part comes to is said by the call's number alone. cli-template.h has the forms. */
typedef struct _CliPattern CliPattern;

/* What a pattern is, where it is nothing but one part. */
typedef enum
{
  CLI_PATTERN_TEXT,   /* several parts, or letters */
  CLI_PATTERN_FIXED,  /* no part that varies */
  CLI_PATTERN_NUMBER, /* a counter or random number */
  CLI_PATTERN_UUID,
  CLI_PATTERN_CHOICE
} CliPatternKind;

/* Of the @length bytes @text. (transfer full) (nullable): one of its parts, *@mistake, says nothing. */
CliPattern *cli_pattern_new (const gchar *text, gsize length, gchar **mistake);
void cli_pattern_free (CliPattern *self);
CliPatternKind cli_pattern_get_kind (const CliPattern *self);
/* No text of it has more bytes. */
gsize cli_pattern_get_longest (const CliPattern *self);
/* Writes the text of call @number, with a NUL behind it, for which there is room. Returns its length. */
gsize cli_pattern_write (const CliPattern *self, guint64 number, gchar *text);
/* Does so over the text of another call. */
gsize cli_pattern_write_over (const CliPattern *self, guint64 number, gchar *text);

/* Each of one kind. */
gint64 cli_pattern_get_number (const CliPattern *self, guint64 number);
TallyUuid cli_pattern_get_uuid (const CliPattern *self, guint64 number);
/* Which of the texts that it chooses from. */
guint cli_pattern_choose (const CliPattern *self, guint64 number);
/* (array zero-terminated=1) */
const gchar *const *cli_pattern_get_choices (const CliPattern *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CliPattern, cli_pattern_free)

G_END_DECLS

#endif /* CLI_PATTERN_H */
