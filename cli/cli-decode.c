/* Owns `tally decode`: messages as bytes to JSON. */
#include <stdio.h>
#include <string.h>

#include "cli-base.h"
#include "cli-commands.h"
#include "cli-idl.h"
#include "cli-json.h"
#include "cli-message.h"
#include "cli-pcap.h"

typedef struct
{
  gchar **include_dirs;
  gchar *idl_path;
  gchar *protocol;
  gint port; /* of a capture; 0: none */
  gboolean hex;
  gboolean base64;
  gboolean verbose;
} DecodeOptions;

typedef struct
{
  DecodeOptions options;
  CliIdl *idl; /* nullable */
  CliForm form;
  GByteArray *bytes;
} Decode;

static const TallyStructInfo *
find_decoded_body (const gchar *name, ThriftMessageType type, gpointer user_data)
{
  const TallyMethod *method = cli_idl_find_any_method (user_data, name);

  if (method == NULL)
    return NULL;
  return type == T_REPLY ? method->result : method->args;
}

/* Prints one message, which begins at @start of @flow (nullable: of all that was given); FALSE when it is damaged. */
static gboolean
print_decoded (const Decode *self, const CliMessage *message, const gchar *flow, gsize start)
{
  const gchar *damage = cli_message_get_damage (message);
  g_autofree gchar *text = NULL;
  IdlJson json;

  if (self->options.verbose)
    {
      g_autoptr (GString) annotated = g_string_new (NULL);

      cli_message_annotate (message, annotated);
      printf ("%s", annotated->str);
    }
  idl_json_init (&json);
  cli_message_show (&json, message, flow);
  text = idl_json_finish (&json);
  fputs (text, stdout);
  fflush (stdout);
  if (damage != NULL)
    g_printerr ("tally: %s%sthe message that begins at byte %" G_GSIZE_FORMAT " is damaged: %s\n",
                flow != NULL ? flow : "", flow != NULL ? ": " : "", start, damage);
  return damage == NULL;
}

/* One message after the other; behind a damaged one only where its frame says where that ends. */
static CliStatus
decode_messages (const Decode *self, const GByteArray *bytes, const gchar *flow)
{
  CliStatus status = CLI_OK;

  for (gsize start = 0; start < bytes->len;)
    {
      gsize size;
      g_autoptr (CliMessage) message =
          cli_message_read (bytes->data + start, bytes->len - start, self->form,
                            self->idl != NULL ? find_decoded_body : NULL, self->idl, &size);

      if (!print_decoded (self, message, flow, start))
        status = CLI_DAMAGED;
      start += size;
    }
  return status;
}

static CliStatus
decode_flow (const Decode *self, const CliFlow *flow)
{
  const CliStatus status = decode_messages (self, flow->bytes, flow->name);

  if (flow->early->len == 0)
    return status;
  g_printerr ("tally: %s: the capture lacks what follows byte %u\n", flow->name, flow->bytes->len);
  return CLI_DAMAGED;
}

/* Each side of each connection by itself. */
static CliStatus
decode_capture (const Decode *self)
{
  g_autoptr (GError) error = NULL;
  gsize n_torn;
  g_autoptr (GPtrArray) flows = cli_pcap_read (self->bytes->data, self->bytes->len,
                                               (guint16) self->options.port, &n_torn, &error);
  CliStatus status = CLI_OK;
  gsize n_bytes = 0;

  if (flows == NULL)
    return cli_complain (error);
  for (guint i = 0; i < flows->len; i++)
    {
      const CliFlow *flow = g_ptr_array_index (flows, i);

      n_bytes += flow->bytes->len + flow->early->len;
      if (decode_flow (self, flow) != CLI_OK)
        status = CLI_DAMAGED;
    }
  if (n_torn > 0)
    {
      g_printerr ("tally: the capture ends within a packet: its last %" G_GSIZE_FORMAT
                  " bytes are left out\n",
                  n_torn);
      status = CLI_DAMAGED;
    }
  if (n_bytes > 0 || n_torn > 0)
    return status;
  g_set_error (&error, CLI_INPUT_ERROR, 0,
               "the capture has nothing that went over TCP to or from port %d", self->options.port);
  return cli_complain (error);
}

static CliStatus
decode_all (const Decode *self)
{
  const gboolean is_capture = cli_pcap_begins (self->bytes->data, self->bytes->len);
  g_autoptr (GError) error = NULL;

  if (is_capture && self->options.port > 0)
    return decode_capture (self);
  if (!is_capture && self->options.port == 0)
    return decode_messages (self, self->bytes, NULL);
  g_set_error (&error, CLI_INPUT_ERROR, 0,
               is_capture ? "this is a capture of packets: --port says which connections count"
                          : "--port: this is no capture of packets");
  return cli_complain (error);
}

/* ---- the command line ---- */

static gboolean
read_input (Decode *self, const gchar *word, GError **error)
{
  const gboolean is_given = *word != '@' && !g_str_equal (word, "-");
  const gchar *form = self->options.base64            ? "$base64"
                      : self->options.hex || is_given ? "$hex"
                                                      : NULL;
  gsize length = strlen (word);
  g_autofree gchar *text =
      is_given ? g_strdup (word) : cli_read_file (*word == '@' ? word + 1 : word, &length, error);

  if (text == NULL)
    return FALSE;
  if (form == NULL)
    self->bytes = g_byte_array_new_take ((guint8 *) g_steal_pointer (&text), length);
  else
    self->bytes = cli_bytes_parse (form, text, length, error);
  if (self->bytes == NULL)
    {
      g_prefix_error (error, "%s: ", is_given ? "the bytes" : word);
      return FALSE;
    }
  if (self->bytes->len > 0)
    return TRUE;
  g_set_error (error, CLI_INPUT_ERROR, 0, "%s: there are no bytes", is_given ? "the word" : word);
  return FALSE;
}

static gboolean
read_protocol (Decode *self, GError **error)
{
  static const gchar *const names[] = { "auto", "binary", "compact" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (self->options.protocol != NULL ? self->options.protocol : "auto", names[i]))
      {
        self->form = (CliForm) i;
        return TRUE;
      }
  g_set_error (error, CLI_INPUT_ERROR, 0, "--protocol: \"%s\" is none of auto, binary and compact",
               self->options.protocol);
  return FALSE;
}

static gboolean
prepare_decode (Decode *self, gchar ***words, GError **error)
{
  const GOptionEntry entries[] = {
    { "idl", 'f', 0, G_OPTION_ARG_FILENAME, &self->options.idl_path,
      "Name what comes by the IDL FILE.thrift", "FILE.thrift" },
    { "include", 'I', 0, G_OPTION_ARG_FILENAME_ARRAY, &self->options.include_dirs,
      "Look for included files in DIR too", "DIR" },
    { "protocol", 'p', 0, G_OPTION_ARG_STRING, &self->options.protocol,
      "auto (default), binary or compact", "NAME" },
    { "port", 'P', 0, G_OPTION_ARG_INT, &self->options.port,
      "Of a capture (pcap): the server's port", "PORT" },
    { "hex", 'x', 0, G_OPTION_ARG_NONE, &self->options.hex, "The file or input is hexadecimal text",
      NULL },
    { "base64", 'b', 0, G_OPTION_ARG_NONE, &self->options.base64,
      "The word, file or input is base64", NULL },
    { "verbose", 'v', 0, G_OPTION_ARG_NONE, &self->options.verbose,
      "Show each byte, and what it says", NULL },
    { NULL },
  };

  if (!cli_parse_options (words, "HEX|-|@FILE",
                          "Tells what messages say that were captured, framed or not, several "
                          "after each other too.",
                          entries, error))
    return FALSE;
  if (g_strv_length (*words) != 2)
    {
      g_set_error (error, CLI_INPUT_ERROR, 0, "there is one word: HEX|-|@FILE");
      return FALSE;
    }
  if (self->options.port < 0 || self->options.port > G_MAXUINT16)
    {
      g_set_error (error, CLI_INPUT_ERROR, 0, "--port: %d is no port", self->options.port);
      return FALSE;
    }
  if (!read_protocol (self, error) || !read_input (self, (*words)[1], error))
    return FALSE;
  if (self->options.idl_path == NULL)
    return TRUE;
  self->idl = cli_idl_load (self->options.idl_path,
                            (const gchar *const *) self->options.include_dirs, error);
  return self->idl != NULL;
}

CliStatus
cli_decode (gchar **words)
{
  Decode self = { { NULL } };
  g_auto (GStrv) rest = g_strdupv (words);
  g_autoptr (GError) error = NULL;
  CliStatus status =
      prepare_decode (&self, &rest, &error) ? decode_all (&self) : cli_complain (error);

  g_clear_pointer (&self.bytes, g_byte_array_unref);
  g_clear_pointer (&self.idl, cli_idl_free);
  g_strfreev (self.options.include_dirs);
  g_free (self.options.idl_path);
  g_free (self.options.protocol);
  return status;
}
