/* Owns how packets are read (pcap; Ethernet, Linux's cooked form, loopback and raw IP) and how TCP's segments are put in order. What their
 * bytes mean it does not know. Packets are hostile: whatever does not hold is passed over. */
#include "cli-pcap.h"

#include <arpa/inet.h>
#include <string.h>

#include "cli-json.h"

#define FILE_HEADER 24
#define RECORD_HEADER 16
#define PCAPNG_MAGIC 0x0a0d0d0a

/* Of TCP's flags. */
#define FLAG_SYN 0x02

/* Segments that a flow keeps of those that came early. */
#define MAX_EARLY 10000

typedef struct
{
  const guint8 *data;
  gsize length;
} Span;

typedef struct
{
  guint32 start;
  GBytes *bytes;
} Segment;

typedef struct
{
  gboolean is_swapped; /* the file's numbers are in the other order than the machine's */
  guint32 link;
  guint16 port;
  GPtrArray *flows;
  GHashTable *current; /* name to CliFlow */
} Capture;

static void
segment_free (gpointer data)
{
  Segment *segment = data;

  g_bytes_unref (segment->bytes);
  g_free (segment);
}

static void
flow_free (gpointer data)
{
  CliFlow *flow = data;

  g_free (flow->name);
  g_byte_array_unref (flow->bytes);
  g_ptr_array_unref (flow->early);
  g_free (flow);
}

static guint32
read_own_number (const Capture *self, const guint8 *bytes)
{
  guint32 number;

  memcpy (&number, bytes, sizeof number);
  return self->is_swapped ? GUINT32_SWAP_LE_BE (number) : number;
}

static guint
get_short (const guint8 *bytes)
{
  return (guint) bytes[0] << 8 | bytes[1];
}

static guint32
get_long (const guint8 *bytes)
{
  return (guint32) get_short (bytes) << 16 | get_short (bytes + 2);
}

/* FALSE: there are not so many bytes. */
static gboolean
skip (Span *span, gsize count)
{
  if (count > span->length)
    return FALSE;
  span->data += count;
  span->length -= count;
  return TRUE;
}

/* ---- segments ---- */

static CliFlow *
flow_new (Capture *self, const gchar *name)
{
  CliFlow *flow = g_new0 (CliFlow, 1);

  flow->name = g_strdup (name);
  flow->bytes = g_byte_array_new ();
  flow->early = g_ptr_array_new_with_free_func (segment_free);
  g_ptr_array_add (self->flows, flow);
  g_hash_table_insert (self->current, flow->name, flow);
  return flow;
}

/* Appends what is new of a segment; FALSE when bytes before it are missing. */
static gboolean
append_segment (CliFlow *flow, guint32 start, const guint8 *data, gsize length)
{
  const gint32 ahead = (gint32) (start - flow->next);
  const gsize known = ahead < 0 ? (gsize) - (gint64) ahead : 0;

  if (ahead > 0)
    return FALSE;
  if (known < length)
    {
      g_byte_array_append (flow->bytes, data + known, (guint) (length - known));
      flow->next += (guint32) (length - known);
    }
  return TRUE;
}

/* Appends those that came early and are due now. */
static void
append_early (CliFlow *flow)
{
  for (guint i = 0; i < flow->early->len;)
    {
      const Segment *segment = g_ptr_array_index (flow->early, i);
      gsize length;
      const guint8 *data = g_bytes_get_data (segment->bytes, &length);

      if (append_segment (flow, segment->start, data, length))
        {
          g_ptr_array_remove_index_fast (flow->early, i);
          i = 0;
        }
      else
        i++;
    }
}

static void
add_segment (CliFlow *flow, guint32 start, Span payload)
{
  Segment *segment;

  if (!flow->is_begun)
    {
      flow->is_begun = TRUE;
      flow->next = start;
    }
  if (append_segment (flow, start, payload.data, payload.length))
    {
      append_early (flow);
      return;
    }
  if (flow->early->len == MAX_EARLY)
    return;
  segment = g_new (Segment, 1);
  segment->start = start;
  segment->bytes = g_bytes_new (payload.data, payload.length);
  g_ptr_array_add (flow->early, segment);
}

/* ---- layers ---- */

static void
read_tcp (Capture *self, Span packet, gint family, gconstpointer from, gconstpointer to)
{
  gchar source[INET6_ADDRSTRLEN], target[INET6_ADDRSTRLEN];
  g_autofree gchar *name = NULL;
  const guint8 *header = packet.data;
  CliFlow *flow;

  if (packet.length < 20
      || (get_short (header) != self->port && get_short (header + 2) != self->port)
      || header[12] >> 4 < 5 || !skip (&packet, (gsize) (header[12] >> 4) * 4))
    return;
  inet_ntop (family, from, source, sizeof source);
  inet_ntop (family, to, target, sizeof target);
  name = g_strdup_printf (family == AF_INET6 ? "[%s]:%u > [%s]:%u" : "%s:%u > %s:%u", source,
                          get_short (header), target, get_short (header + 2));
  flow = g_hash_table_lookup (self->current, name);
  if ((header[13] & FLAG_SYN) != 0)
    {
      if (flow == NULL || flow->bytes->len > 0)
        flow = flow_new (self, name);
      flow->is_begun = TRUE;
      flow->next = get_long (header + 4) + 1;
      return;
    }
  if (packet.length == 0)
    return;
  add_segment (flow != NULL ? flow : flow_new (self, name), get_long (header + 4), packet);
}

static void
read_ip (Capture *self, Span packet)
{
  const guint8 *header = packet.data;
  gsize size;

  if (packet.length >= 20 && header[0] >> 4 == 4)
    {
      size = get_short (header + 2);
      if (size < packet.length && size >= 20)
        packet.length = size; /* Ethernet pads */
      if (header[9] == IPPROTO_TCP && (get_short (header + 6) & 0x3fff) == 0
          && (header[0] & 15) >= 5 && skip (&packet, (gsize) (header[0] & 15) * 4))
        read_tcp (self, packet, AF_INET, header + 12, header + 16);
    }
  else if (packet.length >= 40 && header[0] >> 4 == 6)
    {
      size = 40 + (gsize) get_short (header + 4);
      if (size < packet.length && size > 40)
        packet.length = size;
      if (header[6] == IPPROTO_TCP && skip (&packet, 40))
        read_tcp (self, packet, AF_INET6, header + 8, header + 24);
    }
}

static gboolean
skip_ethernet (Span *packet)
{
  gsize size = 14;

  while (packet->length >= size + 4 && get_short (packet->data + size - 2) == 0x8100)
    size += 4;
  return skip (packet, size);
}

/* What is before IP, by the kind of link. */
static gboolean
skip_link (const Capture *self, Span *packet)
{
  switch (self->link)
    {
    case 0: /* loopback */
    case 108:
      return skip (packet, 4);
    case 1:
      return skip_ethernet (packet);
    case 113: /* Linux's cooked form */
      return skip (packet, 16);
    case 276:
      return skip (packet, 20);
    default: /* raw */
      return TRUE;
    }
}

static gboolean
check_link (const Capture *self, GError **error)
{
  static const guint32 known[] = { 0, 1, 12, 14, 101, 108, 113, 228, 229, 276 };

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (self->link == known[i])
      return TRUE;
  g_set_error (error, CLI_INPUT_ERROR, 0, "the capture is of a link of type %u, which is not known",
               self->link);
  return FALSE;
}

/* ---- the file ---- */

static gboolean
is_magic (guint32 magic)
{
  return magic == 0xa1b2c3d4 || magic == 0xa1b23c4d;
}

gboolean
cli_pcap_begins (const guint8 *bytes, gsize length)
{
  guint32 magic;

  if (length < FILE_HEADER)
    return FALSE;
  memcpy (&magic, bytes, sizeof magic);
  return is_magic (magic) || is_magic (GUINT32_SWAP_LE_BE (magic)) || magic == PCAPNG_MAGIC;
}

/* Returns: how many bytes are left that are no whole packet */
static gsize
read_records (Capture *self, Span file)
{
  while (file.length >= RECORD_HEADER)
    {
      const gsize size = read_own_number (self, file.data + 8);
      const gsize left = file.length;
      Span packet;

      skip (&file, RECORD_HEADER);
      packet = file;
      if (!skip (&file, size))
        return left; /* the capture was cut off */
      packet.length = size;
      if (skip_link (self, &packet))
        read_ip (self, packet);
    }
  return file.length;
}

GPtrArray *
cli_pcap_read (const guint8 *bytes, gsize length, guint16 port, gsize *n_torn, GError **error)
{
  Capture self = { .port = port };
  Span file = { bytes, length };
  guint32 magic;

  g_return_val_if_fail (cli_pcap_begins (bytes, length), NULL);

  memcpy (&magic, bytes, sizeof magic);
  if (magic == PCAPNG_MAGIC)
    {
      g_set_error (error, CLI_INPUT_ERROR, 0,
                   "the capture is of the form pcapng; tcpdump writes, and editcap -F pcap makes, "
                   "the older one");
      return NULL;
    }
  self.is_swapped = !is_magic (magic);
  self.link = read_own_number (&self, bytes + 20) & 0xffff;
  if (!check_link (&self, error))
    return NULL;
  self.flows = g_ptr_array_new_with_free_func (flow_free);
  self.current = g_hash_table_new (g_str_hash, g_str_equal);
  skip (&file, FILE_HEADER);
  *n_torn = read_records (&self, file);
  g_hash_table_unref (self.current);
  return self.flows;
}
