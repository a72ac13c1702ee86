/* Owns which reply belongs to which call, whether it is what it should be, and what is said of both. It knows no
 * connections. */
#include "cli-proxy.h"

#include <string.h>

#include "cli-message.h"
#include "cli-show.h"

/* Longer messages are not shown. */
#define MAX_SHOWN 65536
/* Nor are arguments, where those of all calls that wait for a reply would be longer. */
#define MAX_KEPT (64u << 20)

void
cli_call_free (CliCall *call)
{
  if (call == NULL)
    return;
  if (call->args != NULL)
    call->record->kept -= strlen (call->args);
  g_free (call->name);
  g_free (call->args);
  g_free (call);
}

/* ---- bodies ---- */

static const TallyStructInfo *
find_shown_body (const gchar *name, ThriftMessageType type, gpointer user_data)
{
  const TallyMethod *method = cli_idl_find_any_method (user_data, name);

  if (method == NULL)
    return NULL;
  return type == T_REPLY ? method->result : method->args;
}

static gchar *
to_flat (const CliWire *wire, const TallyType *type, const guint8 *bytes)
{
  IdlJson json;

  cli_flat_begin (&json);
  cli_wire_show (&json, NULL, wire, type, bytes);
  return cli_flat_end (&json);
}

static const TallyField *
find_replied_field (const TallyStructInfo *info, gint16 id, const CliWire *value)
{
  for (guint i = 0; info != NULL && i < info->n_fields; i++)
    if (info->fields[i].id == id && info->fields[i].type->wire == value->wire)
      return &info->fields[i];
  return NULL;
}

/* {"Name": …} */
static gchar *
show_declared (const TallyField *field, const CliWire *value, const guint8 *bytes)
{
  IdlJson json;
  gchar *text;

  idl_json_init (&json);
  idl_json_begin (&json, NULL, '{', TRUE);
  cli_wire_show (&json, ((const TallyStructInfo *) field->type)->name, value, field->type, bytes);
  idl_json_end (&json, '{');
  text = idl_json_finish (&json);
  return g_strchomp (text);
}

/* @key: what it is. */
static gchar *
show_reply_body (const CliMessage *message, const gchar **key)
{
  const CliWire *body = message->body;
  const gint16 id = body->ids->len == 1 ? g_array_index (body->ids, gint16, 0) : -1;
  const CliWire *value = id >= 0 ? g_ptr_array_index (body->items, 0) : NULL;
  const TallyField *field = message->type == T_REPLY && value != NULL
                                ? find_replied_field (message->info, id, value)
                                : NULL;

  *key = message->type == T_EXCEPTION ? "error" : "result";
  if (body->items->len == 0)
    return g_strdup ("null");
  if (field != NULL && id == 0)
    return to_flat (value, field->type, message->of_body->bytes);
  if (field == NULL || field->type->kind != TALLY_KIND_STRUCT)
    return to_flat (body, message->info != NULL ? &message->info->type : NULL,
                    message->of_body->bytes);
  *key = "exception";
  return show_declared (field, value, message->of_body->bytes);
}

/* What the message says, by the IDL. (nullable) (transfer full): NULL without one. */
static gchar *
show_body (const CliRecord *self, const guint8 *bytes, gsize length, const gchar **key)
{
  g_autoptr (CliMessage) message = NULL;
  gsize size;

  if (self->idl == NULL || length > MAX_SHOWN)
    return NULL;
  message = cli_message_read (bytes, length, CLI_FORM_AUTO, find_shown_body, self->idl, &size);
  if (message->body == NULL)
    return NULL;
  if (message->type == T_REPLY || message->type == T_EXCEPTION)
    return show_reply_body (message, key);
  return to_flat (message->body, message->info != NULL ? &message->info->type : NULL,
                  message->of_body->bytes);
}

/* ---- matching ---- */

/* @args (nullable), or NULL where there is too much of it. */
static gchar *
keep_args (CliRecord *self, gchar *args)
{
  const gsize length = args != NULL ? strlen (args) : 0;

  if (self->kept + length > MAX_KEPT)
    {
      g_free (args);
      return NULL;
    }
  self->kept += length;
  return args;
}

CliCall *
cli_record_begin (CliRecord *self, const CliHeader *header, const guint8 *bytes, gsize length)
{
  CliCall *call = g_new0 (CliCall, 1);
  const gchar *key;

  self->n_calls++;
  call->record = self;
  call->name = g_strdup (header->name);
  call->seqid = header->seqid;
  call->began = g_get_monotonic_time ();
  call->sent = length;
  call->args = keep_args (self, show_body (self, bytes, length, &key));
  return call;
}

/* Servers of several services answer "method" to "Service:method". */
static gboolean
is_same_name (const gchar *called, const gchar *replied)
{
  const gchar *colon = strrchr (called, ':');

  return g_str_equal (called, replied) || (colon != NULL && g_str_equal (colon + 1, replied));
}

gint
cli_record_find (const GPtrArray *pending, const CliHeader *header)
{
  gint named = -1;

  for (guint i = 0; i < pending->len; i++)
    {
      const CliCall *call = g_ptr_array_index (pending, i);

      if (call->seqid == header->seqid)
        return (gint) i;
      if (named < 0 && is_same_name (call->name, header->name))
        named = (gint) i;
    }
  /* The reply is wrong: it is taken for the oldest call's of its name, else for the oldest. */
  return named >= 0 || pending->len == 0 ? named : 0;
}

/* What is wrong with a reply. (nullable) (transfer full) */
static gchar *
find_mismatch (const CliCall *call, const CliHeader *header)
{
  if (call == NULL)
    return g_strdup ("no call is waiting for it");
  if (call->seqid != header->seqid)
    return g_strdup_printf ("sequence id %d instead of %d", header->seqid, call->seqid);
  if (!is_same_name (call->name, header->name))
    return g_strdup_printf ("it is called \"%s\"", header->name);
  if (header->type != T_REPLY && header->type != T_EXCEPTION)
    return g_strdup_printf ("its type is %d, neither reply nor exception", header->type);
  return NULL;
}

/* ---- lines ---- */

/* What is told of a call. */
typedef struct
{
  const gchar *name;
  gint32 seqid;
  const CliCall *call; /* nullable */
  gsize received;
  const gchar *outcome;
  const gchar *key;      /* "result", "exception" or "error" */
  const gchar *result;   /* nullable: JSON */
  const gchar *mismatch; /* nullable */
} Line;

static void
print_text (FILE *output, const Line *line, guint connection, gdouble milliseconds)
{
  g_autofree gchar *name = g_strescape (line->name, NULL);
  g_autofree gchar *mismatch = line->mismatch != NULL ? g_strescape (line->mismatch, "\"") : NULL;
  const CliCall *call = line->call;

  fprintf (output,
           "%u %s seqid %d: %" G_GSIZE_FORMAT " bytes, %" G_GSIZE_FORMAT " back, %.3f ms, %s",
           connection, name, line->seqid, call != NULL ? call->sent : 0, line->received,
           milliseconds, line->outcome);
  if (call != NULL && call->injected.what != CLI_INJECT_NOTHING)
    fprintf (output, ", injected: %s", cli_injection_get_name (call->injected.what));
  if (mismatch != NULL)
    fprintf (output, ", MISMATCH: %s", mismatch);
  if (call != NULL && call->args != NULL)
    fprintf (output, " %s", call->args);
  if (line->result != NULL)
    fprintf (output, " %s %s", g_str_equal (line->key, "result") ? "=" : line->key, line->result);
  fprintf (output, "\n");
}

static void
print_json (FILE *output, const Line *line, guint connection, gdouble milliseconds)
{
  const CliCall *call = line->call;
  g_autofree gchar *text = NULL;
  gchar time[G_ASCII_DTOSTR_BUF_SIZE];
  IdlJson json;

  idl_json_init (&json);
  idl_json_begin (&json, NULL, '{', TRUE);
  idl_json_string (&json, "method", line->name);
  if (call != NULL && call->args != NULL)
    idl_json_raw (&json, "args", call->args);
  if (line->result != NULL)
    idl_json_raw (&json, line->key, line->result);
  idl_json_integer (&json, "connection", connection);
  idl_json_integer (&json, "seqid", line->seqid);
  idl_json_integer (&json, "sent", call != NULL ? (gint64) call->sent : 0);
  idl_json_integer (&json, "received", (gint64) line->received);
  idl_json_raw (&json, "milliseconds", g_ascii_formatd (time, sizeof time, "%.3f", milliseconds));
  idl_json_string (&json, "outcome", line->outcome);
  if (call != NULL && call->injected.what != CLI_INJECT_NOTHING)
    idl_json_string (&json, "injected", cli_injection_get_name (call->injected.what));
  idl_json_string (&json, "mismatch", line->mismatch);
  idl_json_end (&json, '{');
  text = idl_json_finish (&json);
  fputs (text, output);
}

static void
print_line (const CliRecord *self, guint connection, const Line *line)
{
  const gint64 time = line->call != NULL ? g_get_monotonic_time () - line->call->began : 0;

  if (self->is_json)
    print_json (self->output, line, connection, (gdouble) time / 1000);
  else
    print_text (self->output, line, connection, (gdouble) time / 1000);
  fflush (self->output);
}

void
cli_record_end (CliRecord *self,
                guint connection,
                const CliCall *call,
                const CliHeader *header,
                const guint8 *bytes,
                gsize length)
{
  g_autofree gchar *mismatch = find_mismatch (call, header);
  const gchar *key = "result";
  g_autofree gchar *result = show_body (self, bytes, length, &key);
  const Line line = { .name = call != NULL ? call->name : header->name,
                      .seqid = call != NULL ? call->seqid : header->seqid,
                      .call = call,
                      .received = length,
                      .outcome = header->type == T_EXCEPTION      ? "refused"
                                 : g_str_equal (key, "exception") ? "declared"
                                                                  : "reply",
                      .key = key,
                      .result = result,
                      .mismatch = mismatch };

  if (mismatch != NULL)
    self->n_wrong++;
  print_line (self, connection, &line);
}

void
cli_record_drop (CliRecord *self, guint connection, const CliCall *call, const gchar *outcome)
{
  const Line line = { .name = call->name, .seqid = call->seqid, .call = call, .outcome = outcome };

  if (!g_str_equal (outcome, "oneway") && !g_str_equal (outcome, "stopped")
      && call->injected.what == CLI_INJECT_NOTHING)
    self->n_wrong++;
  print_line (self, connection, &line);
}

static void
print_text_of (const CliRecord *self, guint connection, const gchar *key, const gchar *text)
{
  IdlJson json;
  g_autofree gchar *line = NULL;

  if (!self->is_json)
    fprintf (self->output, "%u: %s\n", connection, text);
  else
    {
      idl_json_init (&json);
      idl_json_begin (&json, NULL, '{', TRUE);
      idl_json_integer (&json, "connection", connection);
      idl_json_string (&json, key, text);
      idl_json_end (&json, '{');
      line = idl_json_finish (&json);
      fputs (line, self->output);
    }
  fflush (self->output);
}

void
cli_record_complain (CliRecord *self, guint connection, const gchar *text)
{
  self->n_wrong++;
  print_text_of (self, connection, "error", text);
}

void
cli_record_note (CliRecord *self, guint connection, const gchar *text)
{
  print_text_of (self, connection, "note", text);
}
