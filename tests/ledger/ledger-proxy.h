/* A proxy between calls and their server, which does wrong on purpose. One thread of its own. */
#ifndef TESTS_LEDGER_PROXY_H
#define TESTS_LEDGER_PROXY_H

#include "ledger-fault.h"
#include "ledger-trail.h"

typedef struct _LedgerProxy LedgerProxy;

/* @under_fault: each connection has a fault, which @seed and its number decide. */
LedgerProxy *ledger_proxy_new (guint64 seed, gboolean under_fault, LedgerTrail *trail);
/* Before it starts: the loopback port on which it passes connections on to the server's socket at
 * @path. @most_before: as of ledger_faults_init (). */
guint16 ledger_proxy_add_port (LedgerProxy *proxy,
                               const gchar *path,
                               LedgerLayout layout,
                               guint most_before);
void ledger_proxy_start (LedgerProxy *proxy);
/* Prints how often it did what. */
void ledger_proxy_stop (LedgerProxy *proxy);

#endif /* TESTS_LEDGER_PROXY_H */
