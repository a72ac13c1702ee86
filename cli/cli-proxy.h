/* What the files of `tally proxy` share: rules, the record of calls, and connections that are passed on. */
#ifndef CLI_PROXY_H
#define CLI_PROXY_H

#include <gio/gio.h>
#include <stdio.h>

#include "cli-bounds.h"
#include "cli-idl.h"
#include "cli-json.h"

G_BEGIN_DECLS

/* ---- rules: what is done wrong on purpose (cli-proxy-rules.c) ---- */

typedef enum
{
  CLI_INJECT_NOTHING,
  CLI_INJECT_DELAY, /* the reply comes later */
  CLI_INJECT_STALL, /* and so does all that is behind it */
  CLI_INJECT_DROP,  /* the reply does not come */
  CLI_INJECT_LOSE,  /* the request does not go */
  CLI_INJECT_CLOSE, /* both connections end */
  CLI_INJECT_HALF,  /* they end in the middle of the reply */
  CLI_INJECT_RESET, /* they end as if a peer had crashed: by TCP's RST */
  CLI_INJECT_SEQID  /* the reply gets another sequence id */
} CliInjection;

/* Where connections end. */
typedef enum
{
  CLI_AT_BEFORE,  /* instead of the request */
  CLI_AT_REQUEST, /* in the middle of it */
  CLI_AT_REPLY,   /* in the middle of the reply */
  CLI_AT_AFTER    /* behind the reply */
} CliAt;

/* What is done to a call. */
typedef struct
{
  CliInjection what;
  guint delay_ms;
  CliAt at;
  gboolean resets_client; /* of a RESET; an end that is not reset is closed */
  gboolean resets_target;
} CliInjected;

typedef struct _CliRules CliRules;

CliRules *cli_rules_new (guint32 seed);
void cli_rules_free (CliRules *self);
/* "METHOD:WHAT", with ",every=N" or ",percent=P" behind it; METHOD may be "*", WHAT is "delay=MS", "stall=MS" or a word. Behind
 * "close" and "reset" there may be ",at=before", request, reply or after; behind "reset" ",to=client", target or both. */
gboolean cli_rules_add (CliRules *self, const gchar *text, GError **error);
/* Whether the seed has a say. */
gboolean cli_rules_are_random (const CliRules *self);
/* What is done to a call of @method, which is counted; of several rules the first that says anything. */
CliInjected cli_rules_choose (CliRules *self, const gchar *method);
const gchar *cli_injection_get_name (CliInjection injection);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CliRules, cli_rules_free)

/* ---- the record: which reply belongs to which call (cli-proxy-calls.c) ---- */

typedef struct
{
  FILE *output;
  CliIdl *idl; /* nullable */
  gboolean is_json;
  guint64 n_calls;
  guint64 n_wrong; /* replies that do not match, calls without one, what could not be read */
  gsize kept;      /* bytes that calls have as arguments until they are printed */
} CliRecord;

/* A call that has gone and is not answered yet. */
typedef struct
{
  CliRecord *record;
  gchar *name;
  gint32 seqid;
  gint64 began; /* g_get_monotonic_time () */
  gsize sent;   /* bytes */
  gchar *args;  /* nullable: JSON */
  CliInjected injected;
} CliCall;

/* What a call without its arguments is taken to hold, at most. */
#define CLI_CALL_SIZE 1024u

void cli_call_free (CliCall *call);
/* A whole request of @bytes. (transfer full) */
CliCall *
cli_record_begin (CliRecord *self, const CliHeader *header, const guint8 *bytes, gsize length);
/* Of those that are pending (element-type CliCall) the one that @header's reply is for, or would be; -1: none. */
gint cli_record_find (const GPtrArray *pending, const CliHeader *header);
/* Prints @call (nullable: there was none) with its reply. */
void cli_record_end (CliRecord *self,
                     guint connection,
                     const CliCall *call,
                     const CliHeader *header,
                     const guint8 *bytes,
                     gsize length);
/* Prints a @call that gets no reply; @outcome: "oneway", "stopped" (the relay was), or what is wrong unless it was injected:
 * "unanswered", "lost", "dropped", "closed". */
void cli_record_drop (CliRecord *self, guint connection, const CliCall *call, const gchar *outcome);
/* Prints what is wrong with a connection. */
void cli_record_complain (CliRecord *self, guint connection, const gchar *text);
/* Prints what was done with it that is not wrong. */
void cli_record_note (CliRecord *self, guint connection, const gchar *text);

/* ---- connections (cli-proxy-link.c) ---- */

/* As the library's server has them. */
#define CLI_MAX_LINKS 8192

typedef struct
{
  CliRules *rules;
  CliRecord *record;
  GSocketConnectable *target;
  guint max_links;
  gint64 idle_timeout_us; /* 0: none */
  GPtrArray *links;       /* of CliLink */
  guint n_accepted;
  gsize held;    /* bytes of all of them */
  GSource *look; /* nullable: for connections that are idle */
  gboolean is_stopping;
} CliRelay;

/* @target is borrowed, as the others are. @max_links and @idle_timeout_us may be changed before the first connection. */
void
cli_relay_init (CliRelay *self, CliRules *rules, CliRecord *record, GSocketConnectable *target);
/* Passes on what each connection that comes to @service brings, until it ends. */
void cli_relay_serve (CliRelay *self, GSocketService *service);
/* Ends connections on which nothing has come or gone since @time, g_get_monotonic_time (), and nothing is held back. */
void cli_relay_end_silent (CliRelay *self, gint64 time);
/* Ends all. Connects that are under way still need a turn of the main loop. */
void cli_relay_stop (CliRelay *self);
void cli_relay_clear (CliRelay *self);

G_END_DECLS

#endif /* CLI_PROXY_H */
