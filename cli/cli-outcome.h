/* What a call came to: its result or exception, or why there is neither. */
#ifndef CLI_OUTCOME_H
#define CLI_OUTCOME_H

#include "cli-commands.h"
#include "cli-idl.h"

G_BEGIN_DECLS

/* Room for one value of any type. */
typedef struct
{
  guint64 words[2];
} CliSlot;

typedef struct
{
  const CliMethod *method;
  CliSlot *slots;    /* one for each field of the method's result */
  gpointer *results; /* where they are */
  GError *error;     /* nullable: as the call set it */
  CliStatus status;
} CliOutcome;

void cli_outcome_init (CliOutcome *self, const CliMethod *method);
void cli_outcome_clear (CliOutcome *self);
/* Finds the status; @known is what an interceptor was told. */
void cli_outcome_judge (CliOutcome *self, TallyCallOutcome known);
/* The result as JSON, "null" where there is none; a declared exception as {"Name": {…}}. (nullable) (transfer full): NULL
 * where there is neither. */
gchar *cli_outcome_to_json (const CliOutcome *self);
/* All of it in one line: {"method": …, "result": …}, or "exception", or "error". (transfer full) */
gchar *cli_outcome_to_line (const CliOutcome *self, const gchar *method);
/* Says on standard error what went wrong, and what may be the cause. */
void cli_outcome_explain (const CliOutcome *self, const gchar *method);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CliOutcome, cli_outcome_clear)

G_END_DECLS

#endif /* CLI_OUTCOME_H */
