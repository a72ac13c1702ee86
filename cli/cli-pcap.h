/* A capture of packets, as tcpdump writes it: the bytes that each side of a TCP connection sent. */
#ifndef CLI_PCAP_H
#define CLI_PCAP_H

#include <glib.h>

G_BEGIN_DECLS

/* What one side of a connection sent to the other. */
typedef struct
{
  gchar *name; /* "10.0.0.1:51234 > 10.0.0.2:9090" */
  GByteArray *bytes;
  gboolean is_begun; /* the sequence number of the next byte is known: */
  guint32 next;
  GPtrArray *early; /* segments that come behind bytes which are missing */
} CliFlow;

/* Whether that is a capture, of any kind. */
gboolean cli_pcap_begins (const guint8 *bytes, gsize length);
/* What went to and from @port, in the order in which it began. Bytes that the capture lacks end a flow; its early is not
 * empty then. *@n_torn: how many bytes at the end are no whole packet. (element-type CliFlow) (transfer full) (nullable) */
GPtrArray *
cli_pcap_read (const guint8 *bytes, gsize length, guint16 port, gsize *n_torn, GError **error);

G_END_DECLS

#endif /* CLI_PCAP_H */
