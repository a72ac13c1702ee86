/* The C peers: one source, compiled with the code that Apache's compiler generates (peer-glib) and
 * with the code that tallyc generates (peer-tally). Only where calls travel differs. */
#ifndef INTEROP_PEER_H
#define INTEROP_PEER_H

#include <thrift/c_glib/thrift_application_exception.h>
#include <thrift/c_glib/transport/thrift_transport.h>

#include "peer_extended.h"
#include "peer_stranger.h"

typedef struct
{
  const gchar *role;      /* server, client; or what a stack adds */
  const gchar *protocol;  /* binary, compact */
  const gchar *transport; /* framed, buffered; Tally also: header */
  const gchar *address;   /* tcp:PORT, tls:PORT, unix:PATH */
  const gchar *const *flags;
} PeerOptions;

gboolean peer_has_flag (const PeerOptions *options, const gchar *flag);
gboolean peer_is_unix (const PeerOptions *options);
gboolean peer_is_tls (const PeerOptions *options);
/* The file of certificate @name, with its key. (transfer full) */
gchar *peer_certificate (const gchar *name);
/* What follows the colon of the address. */
const gchar *peer_place (const PeerOptions *options);

/* Prints the message and exits with 1. */
void peer_fail (const gchar *format, ...) G_GNUC_PRINTF (1, 2) G_GNUC_NORETURN;
/* Fails naming @what where @holds is not. */
void peer_expect (gboolean holds, const gchar *what);
void peer_expect_no_error (const GError *error, const gchar *what);

/* ---- values (peer-values.c); all (transfer full) ---- */

PeerPoint *peer_make_point (gint32 x, gint32 y, const gchar *label);
PeerScalars *peer_make_scalars (void);
PeerNested *peer_make_nested (void);
GByteArray *peer_make_bytes (guint times);
gint32 *peer_box_i32 (gint32 value);

gboolean peer_points_equal (const PeerPoint *a, const PeerPoint *b);
gboolean peer_scalars_equal (const PeerScalars *a, const PeerScalars *b);
/* Fails naming the field that differs. */
void peer_check_nested (const PeerNested *actual, const PeerNested *expected);
gboolean peer_arrays_equal (const GArray *a, const GArray *b);
gboolean peer_bytes_equal (const GByteArray *a, const GByteArray *b);

/* ---- the two sides ---- */

/* (transfer full): the service (peer-handler.c). */
PeerExtendedHandler *peer_handler_new (void);
/* (transfer full): its processor, as the flags plain-service and multiplexed ask for. */
ThriftProcessor *peer_processor_new (const PeerOptions *options, PeerExtendedHandler *handler);

/* Calls everything and checks what comes back (peer-checks.c). */
void peer_check_all (PeerExtendedIf *client, PeerStrangerIf *stranger, const PeerOptions *options);

/* ---- where calls travel ---- */

/* Apache's own servers, protocols and transports (peer-apache.c). */
void peer_apache_serve (const PeerOptions *options);
void peer_apache_check (const PeerOptions *options);
/* Apache's socket over TLS to where the options say (peer-ssl.c; where libssl-dev is). (transfer full) */
ThriftTransport *peer_ssl_socket_new (const PeerOptions *options);

/* What the program does (peer-glib.c or peer-tally.c). */
void peer_run (const PeerOptions *options);

#endif /* INTEROP_PEER_H */
