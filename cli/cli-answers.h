/* What a stand-in server answers: a file of JSON, held against the IDL when it is read. */
#ifndef CLI_ANSWERS_H
#define CLI_ANSWERS_H

#include "cli-idl.h"
#include "cli-json.h"

G_BEGIN_DECLS

/* What is done wrong on purpose. */
typedef enum
{
  CLI_FAULT_NONE,
  CLI_FAULT_CLOSE,   /* the connection ends without an answer */
  CLI_FAULT_HALF,    /* it ends in the middle of one */
  CLI_FAULT_SILENCE, /* no answer comes */
  CLI_FAULT_SEQID,   /* the answer has another sequence id, */
  CLI_FAULT_NAME,    /* another method's name, */
  CLI_FAULT_TYPE     /* or is no reply */
} CliFault;

typedef struct
{
  GObject
      *result; /* nullable: of the class of the method's result; its value or an exception is set */
  const TallyField *echo; /* nullable: the argument that is the value instead */
  gchar *refusal;         /* nullable: the text of a TApplicationException instead, of the type: */
  gint refusal_type;
  CliFault fault;
  guint delay_ms;
  guint line; /* of the file; 0: it is the default */
} CliAnswer;

typedef struct _CliAnswers CliAnswers;

/* @path (nullable): a file, or "-". All methods of all services of @idl are looked up. (nullable) (transfer full) */
CliAnswers *cli_answers_new (CliIdl *idl, const gchar *path, gboolean is_strict, GError **error);
void cli_answers_free (CliAnswers *self);
/* The answer to a call of @method with @args, an object. The first in the file counts that matches and is not used up.
 * Any thread may ask. */
const CliAnswer *cli_answers_take (CliAnswers *self, const TallyMethod *method, GObject *args);
/* The method that a message calls @name, which may be "Service:method"; @service: its service's name. (nullable) */
const TallyMethod *
cli_answers_find_method (const CliAnswers *self, const gchar *name, const gchar **service);
/* The class of its arguments. */
const TallyLoadedInfo *cli_answers_get_args (const CliAnswers *self, const TallyMethod *method);
/* "close" */
const gchar *cli_fault_get_name (CliFault fault);

/* The classes of a method's arguments and result. */
typedef struct
{
  const TallyLoadedInfo *args;
  const TallyLoadedInfo *result; /* nullable: oneway */
} CliClasses;

/* cli-answer.c: what the members "result", "echo", "exception", "error", "fault" and "delay" of @json say, of which the text
 * @source has others. (nullable) (transfer full) */
CliAnswer *cli_answer_new (const CliJson *json,
                           const CliClasses *classes,
                           const gchar *source,
                           GError **error);
/* The IDL's defaults, else zero, an empty string, an enum's first value, one element. (transfer full) */
CliAnswer *cli_answer_new_default (const TallyLoadedInfo *info);
void cli_answer_free (CliAnswer *self);
/* The result for a call with @args. (nullable) (transfer full) */
GObject *cli_answer_dup_result (const CliAnswer *self, GObject *args);
/* Whether @name is one of those members. */
gboolean cli_answer_has_member (const gchar *name);
/* FALSE, with an error that names text, line and column. */
gboolean
cli_answer_fail (const CliJson *json, const gchar *source, GError **error, const gchar *format, ...)
    G_GNUC_PRINTF (4, 5);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CliAnswers, cli_answers_free)

G_END_DECLS

#endif /* CLI_ANSWERS_H */
