/* Owns the credentials of one side of TLS: they are read from files once, and anew when these have
 * changed. It knows no connection. */
#include "tls-credentials-private.h"

#include <sys/stat.h>

#include "tally-error.h"

static gboolean
refuse_file (GError **error, const gchar *what, const gchar *path, const GError *reason)
{
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, "TLS: the %s in %s: %s", what,
               path, reason->message);
  return FALSE;
}

struct _TallyTlsCredentials
{
  TallyTlsOptions options;
  TallyTlsTrustee trustee;
  gint starts_anew; /* atomic: the peer has not resumed a session, and failed */

  GMutex lock; /* protects what follows */
  TallyTlsFiles files;
  gchar *stamp;  /* of files; NULL: they have not been read yet */
  gchar *broken; /* the stamp of those that could not be read */
};

/* ---- reading ---- */

static gboolean
read_certificate (const TallyTlsOptions *options, GTlsCertificate **certificate, GError **error)
{
  const gchar *key = options->key != NULL ? options->key : options->certificate;
  g_autoptr (GError) reason = NULL;

  if (options->certificate == NULL)
    return TRUE;
  *certificate = g_tls_certificate_new_from_files (options->certificate, key, &reason);
  if (*certificate == NULL)
    return refuse_file (error,
                        options->key != NULL ? "certificate or its key" : "certificate and its key",
                        key, reason);
  if (tally_tls_has_own_key (*certificate))
    return TRUE;
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT,
               "TLS: the key in %s is not that of the certificate in %s", key,
               options->certificate);
  return FALSE;
}

/* The system's authorities are read once in the process, by GIO. */
static gboolean
read_trust (const TallyTlsOptions *options,
            TallyTlsTrustee trustee,
            GTlsDatabase **trust,
            GError **error)
{
  g_autoptr (GTlsDatabase) database = NULL;
  g_autoptr (GError) reason = NULL;

  if (options->ca != NULL)
    {
      g_autofree gchar *path = g_canonicalize_filename (options->ca, NULL);

      database = g_tls_file_database_new (path, &reason);
      if (database == NULL)
        return refuse_file (error, "authorities", options->ca, reason);
    }
  else if (trustee == TALLY_TLS_TRUST_SOMEBODY)
    database = g_tls_backend_get_default_database (g_tls_backend_get_default ());
  *trust = tally_tls_trust_new (database);
  return TRUE;
}

/* @files is as it was when this fails. */
static gboolean
read_files (const TallyTlsOptions *options,
            TallyTlsTrustee trustee,
            TallyTlsFiles *files,
            GError **error)
{
  TallyTlsFiles read = { NULL, NULL };

  if (read_certificate (options, &read.certificate, error)
      && read_trust (options, trustee, &read.trust, error))
    {
      *files = read;
      return TRUE;
    }
  tally_tls_files_clear (&read);
  return FALSE;
}

void
tally_tls_files_clear (TallyTlsFiles *files)
{
  g_clear_object (&files->trust);
  g_clear_object (&files->certificate);
}

/* ---- changes ---- */

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

/* What tells that one of the files is another one, or was written to, since. (transfer full) */
static gchar *
get_stamp (const TallyTlsOptions *options)
{
  GString *text = g_string_new (NULL);

  append_stamp (text, options->ca);
  append_stamp (text, options->certificate);
  append_stamp (text, options->key);
  return g_string_free (text, FALSE);
}

/* Gives references to what was read before. FALSE: nothing was. */
static gboolean
take_files_locked (TallyTlsCredentials *self, TallyTlsFiles *files)
{
  if (self->stamp == NULL)
    return FALSE;
  files->trust = g_object_ref (self->files.trust);
  files->certificate =
      self->files.certificate != NULL ? g_object_ref (self->files.certificate) : NULL;
  return TRUE;
}

static gboolean
take_current_files (TallyTlsCredentials *self, const gchar *stamp, TallyTlsFiles *files)
{
  gboolean current;

  g_mutex_lock (&self->lock);
  current = g_strcmp0 (self->stamp, stamp) == 0 && take_files_locked (self, files);
  g_mutex_unlock (&self->lock);
  return current;
}

static void
keep_files (TallyTlsCredentials *self, const gchar *stamp, const TallyTlsFiles *files)
{
  TallyTlsFiles old;

  g_mutex_lock (&self->lock);
  old = self->files;
  self->files.trust = g_object_ref (files->trust);
  self->files.certificate = files->certificate != NULL ? g_object_ref (files->certificate) : NULL;
  g_free (self->stamp);
  self->stamp = g_strdup (stamp);
  g_clear_pointer (&self->broken, g_free);
  g_mutex_unlock (&self->lock);
  tally_tls_files_clear (&old);
}

/* FALSE: it is known that the files of this @stamp cannot be read. */
static gboolean
note_broken_locked (TallyTlsCredentials *self, const gchar *stamp)
{
  if (g_strcmp0 (self->broken, stamp) == 0)
    return FALSE;
  g_free (self->broken);
  self->broken = g_strdup (stamp);
  return TRUE;
}

/* Another program may be writing them: what cannot be read is tried again the next time. */
static gboolean
take_older_files (TallyTlsCredentials *self,
                  const gchar *stamp,
                  TallyTlsFiles *files,
                  const GError *reason)
{
  gboolean found;
  gboolean is_new;

  g_mutex_lock (&self->lock);
  found = take_files_locked (self, files);
  is_new = note_broken_locked (self, stamp);
  g_mutex_unlock (&self->lock);
  if (found && is_new)
    g_message ("%s; what was read before stays in use", reason->message);
  return found;
}

gboolean
tally_tls_credentials_get (TallyTlsCredentials *self, TallyTlsFiles *files, GError **error)
{
  g_autofree gchar *stamp = get_stamp (&self->options);
  g_autoptr (GError) reason = NULL;

  if (take_current_files (self, stamp, files))
    return TRUE;
  if (read_files (&self->options, self->trustee, files, &reason))
    {
      keep_files (self, stamp, files);
      return TRUE;
    }
  if (take_older_files (self, stamp, files, reason))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

gboolean
tally_tls_credentials_reload (TallyTlsCredentials *self, GError **error)
{
  g_autofree gchar *stamp = get_stamp (&self->options);
  TallyTlsFiles files = { NULL, NULL };

  if (read_files (&self->options, self->trustee, &files, error))
    {
      keep_files (self, stamp, &files);
      tally_tls_files_clear (&files);
      return TRUE;
    }
  g_mutex_lock (&self->lock);
  note_broken_locked (self, stamp);
  g_mutex_unlock (&self->lock);
  return FALSE;
}

/* ---- life ---- */

TallyTlsCredentials *
tally_tls_credentials_new (const TallyTlsOptions *options, TallyTlsTrustee trustee)
{
  TallyTlsCredentials *self = g_new0 (TallyTlsCredentials, 1);

  self->options.ca = g_strdup (options->ca);
  self->options.certificate = g_strdup (options->certificate);
  self->options.key = g_strdup (options->key);
  self->trustee = trustee;
  g_mutex_init (&self->lock);
  return self;
}

gboolean
tally_tls_credentials_get_resumes (const TallyTlsCredentials *self)
{
  return !g_atomic_int_get (&self->starts_anew);
}

void
tally_tls_credentials_set_resumes (TallyTlsCredentials *self, gboolean resumes)
{
  g_atomic_int_set (&self->starts_anew, !resumes);
}

void
tally_tls_credentials_free (TallyTlsCredentials *self)
{
  tally_tls_files_clear (&self->files);
  g_free (self->options.ca);
  g_free (self->options.certificate);
  g_free (self->options.key);
  g_free (self->stamp);
  g_free (self->broken);
  g_mutex_clear (&self->lock);
  g_free (self);
}

gboolean
tally_tls_check_files (const TallyTlsOptions *options, GError **error)
{
  TallyTlsFiles files = { NULL, NULL };
  gboolean can_be_read = read_files (options, TALLY_TLS_TRUST_NOBODY, &files, error);

  tally_tls_files_clear (&files);
  return can_be_read;
}
