/* A value that differs from call to call: JSON whose texts have parts as ${counter}. */
#ifndef CLI_TEMPLATE_H
#define CLI_TEMPLATE_H

#include <tally.h>

#include "cli-json.h"

G_BEGIN_DECLS

/* Of one thread. What varies is, in any text that is a value:
 *   ${counter}           the call's number, from 0
 *   ${counter:FROM}      from FROM
 *   ${random:LEAST-MOST} a number; in one call the same where the limits are
 *   ${choice:A|B|C}      one of these texts; in one call the same where they are
 *   ${letters:N}         N random letters
 *   ${uuid}              a random UUID
 *   $${                  "${" itself
 * Where the IDL has a number the text is made of it, and a choice may be of an enum's names. A text in a text's place stays
 * one. */
typedef struct _CliTemplate CliTemplate;

/* Of the arguments of @method, or of one value of @type (one of them is NULL); @source is what errors call @json, which must
 * live as long. It is filled in for call 0. (nullable) (transfer full) */
CliTemplate *cli_template_new (const TallyMethod *method,
                               const TallyType *type,
                               CliJson *json,
                               const gchar *source,
                               GError **error);
void cli_template_free (CliTemplate *self);
/* The arguments, or the slot of the value, for call @number; valid until the next one. (nullable) (transfer none) */
gconstpointer cli_template_get (CliTemplate *self, guint64 number, GError **error);
/* How many texts differ from call to call. */
guint cli_template_count (const CliTemplate *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CliTemplate, cli_template_free)

G_END_DECLS

#endif /* CLI_TEMPLATE_H */
