/* Certificates, a server over TLS, calls to it. Knows no test. */
#ifndef TESTS_RUNTIME_TLS_FIXTURE_H
#define TESTS_RUNTIME_TLS_FIXTURE_H

#include "service-fixture.h"
#include "tally-channel.h"

G_BEGIN_DECLS

/* Makes the certificates, once. FALSE: there is no TLS or no openssl here, and the test was skipped. */
gboolean tls_begin (void);
/* Before any test: what GLib keeps for good, once something has used TLS, is no test's leak. */
void tls_warm_up (void);
/* Waits until no more than @descriptors are open: GIO's threads give back what a handshake took a moment after
 * its end. */
void tls_settle (guint descriptors);
/* Removes them again; once, at the end. */
void tls_end (void);
/* The file of certificate @name, with its key. (transfer full) */
gchar *tls_file (const gchar *name);
/* Puts @text, or what file @from holds, into the place of file @name, by a rename. */
void tls_write (const gchar *name, const gchar *text);
void tls_copy (const gchar *from, const gchar *name);

/* What is logged in the domain "tally" between these two; how many lines have @part. Thread-safe. */
void tls_log_begin (void);
void tls_log_end (void);
guint tls_count_logged (const gchar *part);

/* Defines test_NAME (), which is NAME () and settles. */
#define TLS_TEST(name)                                                                             \
  static void test_##name (void)                                                                   \
  {                                                                                                \
    guint descriptors = test_count_descriptors ();                                                 \
                                                                                                   \
    name ();                                                                                       \
    tls_settle (descriptors);                                                                      \
  }

typedef struct
{
  TallyServer *server;
  TestHandler *handler;
  ThriftProcessor *processor;
  gchar *uri; /* without anything of TLS */
  pthread_t thread;
  gboolean served;
} TlsServer;

/* @certificate: its name; @options (nullable): more of the URI, "clients=required", where "ca=NAME" stands
 * for that file; @timeout_ms: of handshakes, 0: as long as they may take on a busy machine. */
TlsServer *tls_server_start (const gchar *certificate, const gchar *options, guint timeout_ms);
/* One that tells systemd, by the environment of now, and serves for @leave_delay milliseconds after it was told to stop, or until
 * it is told again. */
TlsServer *tls_server_start_as_service (const gchar *certificate, guint leave_delay);
/* One that tells clients apart (%TALLY_ADMISSION_CLIENT). */
TlsServer *tls_server_start_for_clients (const gchar *certificate, const gchar *options);
/* One with so few threads; any number of requests may wait for them. */
TlsServer *tls_server_start_with_workers (const gchar *certificate, guint max_workers);
void tls_server_stop (TlsServer *self);
/* Connects to the server without TLS. */
gint tls_connect_plainly (TlsServer *server);

/* A channel to @uri with @options as above on @pool (nullable: one of its own). Some minutes must do for its calls, and
 * for connecting. (transfer full) */
TallyChannel *tls_connect (const gchar *uri, const gchar *options, TallyPool *pool);
/* What method @name of Base gives for @text. (transfer full) (nullable): NULL with @error. */
gchar *tls_call (
    TallyChannel *channel, const gchar *name, const gchar *text, gint timeout, GError **error);
/* Calls a method without result. */
gboolean tls_tell (TallyChannel *channel, const gchar *name, const gchar *text, GError **error);
/* Whether echo gives back what it is given. */
gboolean tls_echoes (TallyChannel *channel, const gchar *text);
/* The name in the certificate that @server shows to a new client, which does not trust it. (transfer full)
 * (nullable) */
gchar *tls_ask_for_subject (TlsServer *server);
const TallyMethod *tls_find_method (const gchar *name);

G_END_DECLS

#endif /* TESTS_RUNTIME_TLS_FIXTURE_H */
