/* Owns reading the files of one side of TLS. It knows no connection. */
#include "tls-files-private.h"

#include <sys/stat.h>

#include "tally-error.h"

static gboolean
refuse_file (GError **error, const gchar *what, const gchar *path, const GError *reason)
{
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, "TLS: the %s in %s: %s", what,
               path, reason->message);
  return FALSE;
}

gboolean
tally_tls_files_load (TallyTlsFiles *files, const TallyTlsOptions *options, GError **error)
{
  g_autoptr (GTlsCertificate) certificate = NULL;
  g_autoptr (GTlsDatabase) database = NULL;
  g_autoptr (GError) reason = NULL;

  if (options->certificate != NULL)
    {
      const gchar *key = options->key != NULL ? options->key : options->certificate;

      certificate = g_tls_certificate_new_from_files (options->certificate, key, &reason);
      if (certificate == NULL && options->key != NULL)
        return refuse_file (error, "certificate or its key", key, reason);
      if (certificate == NULL)
        return refuse_file (error, "certificate and its key", key, reason);
    }
  if (options->ca != NULL)
    {
      g_autofree gchar *path = g_canonicalize_filename (options->ca, NULL);

      database = g_tls_file_database_new (path, &reason);
      if (database == NULL)
        return refuse_file (error, "authorities", options->ca, reason);
    }
  files->certificate = g_steal_pointer (&certificate);
  files->database = g_steal_pointer (&database);
  return TRUE;
}

gboolean
tally_tls_check_files (const TallyTlsOptions *options, GError **error)
{
  TallyTlsFiles files = { NULL, NULL };
  gboolean can_be_read = tally_tls_files_load (&files, options, error);

  tally_tls_files_clear (&files);
  return can_be_read;
}

void
tally_tls_files_clear (TallyTlsFiles *files)
{
  g_clear_object (&files->database);
  g_clear_object (&files->certificate);
}

static void
append_stamp (GString *text, const gchar *path)
{
  struct stat info;

  if (path != NULL && stat (path, &info) == 0)
    g_string_append_printf (text,
                            "%" G_GUINT64_FORMAT ".%" G_GINT64_FORMAT ".%ld.%" G_GINT64_FORMAT,
                            (guint64) info.st_ino, (gint64) info.st_mtim.tv_sec,
                            info.st_mtim.tv_nsec, (gint64) info.st_size);
  g_string_append_c (text, ';');
}

gchar *
tally_tls_files_get_stamp (const TallyTlsOptions *options)
{
  GString *text = g_string_new (NULL);

  append_stamp (text, options->ca);
  append_stamp (text, options->certificate);
  append_stamp (text, options->key);
  return g_string_free (text, FALSE);
}
