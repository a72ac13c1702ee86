/* Owns what is answered to which request: paths, and the headers of answers. libsoup reads the requests' heads and writes the
 * answers; admin-listener.c gives it the streams. */
#include <libsoup/soup.h>

#include "admin-private.h"

typedef struct
{
  AdminWatched *watched;
  gboolean is_local; /* its peers come over a Unix socket */
  GBytes *page;
  gchar *page_policy;
} AdminAnswers;

typedef struct
{
  const gchar *path;
  const gchar *type;
  gchar *(*make) (AdminWatched *watched, guint *status);
} Path;

#define JSON "application/json; charset=utf-8"

static const Path paths[] = {
  { "/metrics", "application/openmetrics-text; version=1.0.0; charset=utf-8", admin_make_metrics },
  { "/healthz", JSON, admin_make_health },
  { "/servers", JSON, admin_make_servers },
  { "/pools", JSON, admin_make_pools },
  { "/connections", JSON, admin_make_connections },
  { "/methods", JSON, admin_make_methods },
};

/* ---- the page ---- */

/* (transfer full): the hash by which a policy admits what stands between @begin and @end. */
static gchar *
hash_between (const gchar *page, const gchar *begin, const gchar *end)
{
  const gchar *first = strstr (page, begin) + strlen (begin);
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 digest[32];
  gsize length = sizeof digest;

  g_checksum_update (checksum, (const guchar *) first, strstr (first, end) - first);
  g_checksum_get_digest (checksum, digest, &length);
  return g_base64_encode (digest, length);
}

/* Nothing but the page's own script, style and answers: whatever a peer's text makes of it cannot run. */
static gchar *
make_policy (const gchar *page)
{
  g_autofree gchar *script = hash_between (page, "<script>", "</script>");
  g_autofree gchar *style = hash_between (page, "<style>", "</style>");

  return g_strdup_printf ("default-src 'none'; script-src 'sha256-%s'; style-src 'sha256-%s'; "
                          "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
                          "frame-ancestors 'none'",
                          script, style);
}

/* ---- requests ---- */

/* A page of somebody else's reaches a loopback address under a name that it has made up for it (DNS rebinding); then that
 * name is the host. */
static gboolean
is_own_host (const gchar *host)
{
  g_autoptr (GUri) uri = NULL;
  g_autofree gchar *text = g_strconcat ("http://", host, NULL);
  const gchar *name;

  uri = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);
  name = uri != NULL ? g_uri_get_host (uri) : NULL;
  return name != NULL
         && (g_hostname_is_ip_address (name) || g_ascii_strcasecmp (name, "localhost") == 0
             || g_ascii_strcasecmp (name, g_get_host_name ()) == 0);
}

static void
answer (SoupServerMessage *message, guint status, const gchar *type, GBytes *body)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);

  soup_server_message_set_status (message, status, NULL);
  soup_message_headers_replace (headers, "Content-Type", type);
  soup_message_headers_replace (headers, "Cache-Control", "no-store");
  soup_message_headers_replace (headers, "X-Content-Type-Options", "nosniff");
  soup_message_headers_replace (headers, "Cross-Origin-Resource-Policy", "same-origin");
  soup_message_headers_replace (headers, "Referrer-Policy", "no-referrer");
  soup_message_headers_replace (headers, "Connection", "close");
  soup_message_body_append_bytes (soup_server_message_get_response_body (message), body);
}

static void
answer_text (SoupServerMessage *message, guint status, const gchar *text)
{
  g_autoptr (GBytes) body = g_bytes_new_static (text, strlen (text));

  answer (message, status, "text/plain; charset=utf-8", body);
}

static void
answer_page (const AdminAnswers *self, SoupServerMessage *message)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);

  answer (message, SOUP_STATUS_OK, "text/html; charset=utf-8", self->page);
  soup_message_headers_replace (headers, "Content-Security-Policy", self->page_policy);
}

static void
answer_path (const AdminAnswers *self, SoupServerMessage *message, const Path *path)
{
  guint status = SOUP_STATUS_OK;
  gchar *text = path->make (self->watched, &status);
  g_autoptr (GBytes) body = g_bytes_new_take (text, strlen (text));

  answer (message, status, path->type, body);
}

static void
on_request (SoupServer *server,
            SoupServerMessage *message,
            const gchar *path,
            GHashTable *query,
            gpointer user_data)
{
  const AdminAnswers *self = user_data;
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  const gchar *host = soup_message_headers_get_one (headers, "Host");

  /* libsoup would make parts of an answer, as many as the request says. */
  soup_message_headers_remove (headers, "Range");
  if (!self->is_local && (host == NULL || !is_own_host (host)))
    {
      answer_text (message, SOUP_STATUS_FORBIDDEN,
                   "The request's host is neither an IP address nor localhost.\n");
      return;
    }
  if (strcmp (path, "/") == 0)
    {
      answer_page (self, message);
      return;
    }
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    if (strcmp (path, paths[i].path) == 0)
      {
        answer_path (self, message, &paths[i]);
        return;
      }
  answer_text (message, SOUP_STATUS_NOT_FOUND,
               "There are /, /metrics, /healthz, /servers, /pools, /connections and /methods.\n");
}

static void
answers_free (gpointer data)
{
  AdminAnswers *self = data;

  g_bytes_unref (self->page);
  g_free (self->page_policy);
  g_free (self);
}

SoupServer *
admin_answer_new (AdminWatched *watched, gboolean is_local)
{
  SoupServer *server = soup_server_new (NULL, NULL);
  AdminAnswers *self = g_new (AdminAnswers, 1);
  GBytes *page =
      g_resources_lookup_data ("/tally/admin/admin-page.html", G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);

  /* a resource's data has a zero behind its end */
  *self = (AdminAnswers){ watched, is_local, page, make_policy (g_bytes_get_data (page, NULL)) };
  soup_server_add_handler (server, NULL, on_request, self, answers_free);
  return server;
}
