/* A language server for Thrift IDL: what `tallyc --lsp` runs. */
#ifndef LSP_H
#define LSP_H

#include "idl.h"
#include "tools.h"

G_BEGIN_DECLS

typedef struct
{
  const gchar *version;      /* of the program, for the client */
  const IdlToolOptions *idl; /* where includes are, and which warnings count */
  /* (nullable): adds to the unit's diagnostics what generating C for @program, which is without
   * errors, would report. */
  void (*check) (IdlUnit *unit, const IdlProgram *program);
} LspOptions;

/* Bytes in, bytes out; it reads and writes no descriptor. */
typedef struct _LspServer LspServer;

LspServer *lsp_server_new (const LspOptions *options);
void lsp_server_free (LspServer *server);
/* What the client sent, divided in any way. */
void lsp_server_feed (LspServer *server, const gchar *bytes, gsize length);
/* Answers one message; FALSE: none is complete. */
gboolean lsp_server_step (LspServer *server);
/* Publishes the diagnostics that have changed: when no message waits. */
void lsp_server_settle (LspServer *server);
/* What is to be sent, which the caller empties. (transfer none) */
GString *lsp_server_get_output (LspServer *server);
/* Whether the client said `exit`. */
gboolean lsp_server_has_ended (const LspServer *server);
/* 0 after `shutdown`, else 1. */
int lsp_server_get_status (const LspServer *server);

/* Serves the client on two descriptors until it says `exit` or the input ends. Returns the exit
 * status: 0 when the client said `shutdown` before, else 1. */
int lsp_run (const LspOptions *options, gint input, gint output);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LspServer, lsp_server_free)

G_END_DECLS

#endif /* LSP_H */
