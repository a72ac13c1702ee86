/* Fuzz target: bytes as a captured message, by no IDL, as a capture of packets, and as JSON. Every byte of a message must be
 * in one piece. */
#include <string.h>

#include "cli-json.h"
#include "cli-message.h"
#include "cli-pcap.h"
#include "fuzz.h"

static void
check_pieces (const CliWireReader *reader)
{
  gsize at = 0;

  for (guint i = 0; i < reader->pieces->len; i++)
    {
      const CliPiece *piece = g_ptr_array_index (reader->pieces, i);

      g_assert (piece->start == at && piece->length > 0);
      at += piece->length;
    }
  g_assert (at == reader->length);
}

static void
decode (const guint8 *data, gsize size, CliForm form)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree gchar *shown = NULL;
  g_autoptr (CliMessage) message = NULL;
  gsize taken;
  IdlJson json;

  message = cli_message_read (data, size, form, NULL, NULL, &taken);
  g_assert (taken <= size && (taken > 0 || size == 0));
  check_pieces (&message->reader);
  if (message->inflated != NULL)
    check_pieces (&message->inner);
  cli_message_annotate (message, text);
  idl_json_init (&json);
  cli_message_show (&json, message, NULL);
  shown = idl_json_finish (&json);
  /* What tally writes it can read, as deep as it reads at all. */
  if (strlen (shown) < 100000)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CliJson) again = cli_json_parse ("shown", shown, strlen (shown), &error);

      g_assert (again != NULL || strstr (error->message, "nest deeper") != NULL
                || strstr (error->message, "two members") != NULL);
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (CliJson) json = cli_json_parse ("data", (const gchar *) data, size, NULL);

  if (cli_pcap_begins (data, size))
    {
      gsize n_torn = 0;
      g_autoptr (GPtrArray) flows = cli_pcap_read (data, size, 9090, &n_torn, NULL);

      g_assert (n_torn < size);
    }
  for (CliForm form = CLI_FORM_AUTO; form <= CLI_FORM_COMPACT; form++)
    decode (data, size, form);
  return 0;
}
