/* Where a value is that comes from JSON, and errors that say so; values that are no containers. */
#ifndef CLI_PLACE_H
#define CLI_PLACE_H

#include <tally.h>

#include "cli-json.h"

G_BEGIN_DECLS

/* The members and elements that lead to a value. */
typedef struct _CliPlace CliPlace;

struct _CliPlace
{
  const CliPlace *outer; /* nullable */
  const gchar *source;   /* of the outermost: what errors call the text */
  const gchar *name;     /* nullable: of a field */
  gint index;            /* of an element; -1: none */
};

/* FALSE, with an error that names the text, line, column and field of @json. */
gboolean cli_fail_value (const CliJson *json,
                         const CliPlace *place,
                         GError **error,
                         const gchar *format,
                         ...) G_GNUC_PRINTF (4, 5);
/* FALSE: values of @type are written as @wanted. */
gboolean cli_fail_kind (const CliJson *json,
                        const TallyType *type,
                        const CliPlace *place,
                        const gchar *wanted,
                        GError **error);
/* What a value of @type is called: "i32", or a struct's or enum's name. */
const gchar *cli_describe_type (const TallyType *type);

/* cli-scalars.c: fill a slot that is zeroed; of a plain type, of a string or binary. */
gboolean cli_fill_plain (const CliJson *json,
                         const TallyType *type,
                         gpointer slot,
                         const CliPlace *place,
                         GError **error);
gboolean cli_fill_bytes (const CliJson *json,
                         const TallyType *type,
                         gpointer slot,
                         const CliPlace *place,
                         GError **error);

G_END_DECLS

#endif /* CLI_PLACE_H */
