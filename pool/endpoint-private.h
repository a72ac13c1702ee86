/* What an endpoint consists of. Immutable once made. */
#ifndef TALLY_ENDPOINT_PRIVATE_H
#define TALLY_ENDPOINT_PRIVATE_H

#include "tally-endpoint.h"
#include "tls-internal.h"

G_BEGIN_DECLS

struct _TallyEndpoint
{
  gatomicrefcount ref_count;
  TallyScheme scheme;
  TallyProtocolId protocol;
  TallyFraming framing;
  TallyMode mode;
  gint timeout;
  gint is_strict;
  gint takes_any_order; /* order=any; for servers, as is the next one */
  gint is_concurrent;
  guint attempts; /* 0: it does not say */
  gint picker; /* TallyPickerKind; of use to channels over several endpoints, as are the next two */
  guint subset;   /* 0: all */
  gchar *weights; /* nullable; not looked at yet */
  gint transform; /* an index of transform_names */
  gchar *service;
  GSocketConnectable *connectable;
  TallyTlsOptions tls;
  TallyTlsCredentials *credentials; /* of tls; NULL without TLS */
  gchar *bare_uri;                  /* canonical, without its files */
  gchar *uri;                       /* canonical: equal endpoints have equal ones */
  guint hash;                       /* of uri */
};

/* How an error shows @text, a URI or a part of one, which may be anything: cut, and as UTF-8. (transfer full) */
gchar *tally_text_show (const gchar *text);
/* How a URI says @address, behind its scheme's colon: "//127.0.0.1:9090", "///run/echo.sock", "@echo". NULL: in no way.
 * (transfer full) (nullable) */
gchar *tally_endpoint_describe_address (GSocketAddress *address);

G_END_DECLS

#endif /* TALLY_ENDPOINT_PRIVATE_H */
