/* Owns the bytes of one IDL file and the index of its lines. It knows nothing of tokens: whether
 * the bytes are text is the lexer's question. Reading refuses whatever is not a regular file,
 * because an include may name a directory, a FIFO or /dev/zero. */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct _IdlSource
{
  gchar *path;
  gchar *text;
  gsize length;
  GArray *lines; /* of guint32, the offset of each line; NULL until needed */
};

IdlSource *
idl_source_new (const gchar *path, gchar *text, gsize length)
{
  IdlSource *source = g_new0 (IdlSource, 1);

  source->path = g_strdup (path);
  source->text = text;
  source->length = length;
  return source;
}

void
idl_source_free (IdlSource *source)
{
  if (source == NULL)
    return;
  g_clear_pointer (&source->lines, g_array_unref);
  g_free (source->text);
  g_free (source->path);
  g_free (source);
}

static void
set_error_from_errno (GError **error, const gchar *path, int code)
{
  g_set_error (error, G_FILE_ERROR, (gint) g_file_error_from_errno (code), "cannot read '%s': %s",
               path, g_strerror (code));
}

static gboolean
check_is_readable_file (int fd, const gchar *path, GError **error)
{
  struct stat info;

  if (fstat (fd, &info) != 0)
    {
      set_error_from_errno (error, path, errno);
      return FALSE;
    }
  if (S_ISDIR (info.st_mode))
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_ISDIR, "'%s' is a directory", path);
      return FALSE;
    }
  if (!S_ISREG (info.st_mode))
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "'%s' is not a regular file", path);
      return FALSE;
    }
  return TRUE;
}

static GString *
read_to_end (int fd, const gchar *path, GError **error)
{
  g_autoptr (GString) text = g_string_sized_new (64 * 1024);
  gchar buffer[64 * 1024];

  for (;;)
    {
      gssize got = read (fd, buffer, sizeof buffer);

      if (got == 0)
        return g_steal_pointer (&text);
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        {
          set_error_from_errno (error, path, errno);
          return NULL;
        }
      if (text->len + (gsize) got > IDL_SOURCE_MAX_SIZE)
        {
          g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOSPC, "'%s' is larger than %u bytes",
                       path, IDL_SOURCE_MAX_SIZE);
          return NULL;
        }
      g_string_append_len (text, buffer, got);
    }
}

/* Takes @text. */
static IdlSource *
new_from_string (const gchar *path, GString *text)
{
  gsize length = text->len;

  return idl_source_new (path, g_string_free (text, FALSE), length);
}

IdlSource *
idl_source_read (const gchar *path, GError **error)
{
  /* O_NONBLOCK: opening a FIFO must not wait for its writer. */
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  GString *text = NULL;

  if (fd < 0)
    {
      set_error_from_errno (error, path, errno);
      return NULL;
    }
  if (check_is_readable_file (fd, path, error))
    text = read_to_end (fd, path, error);
  close (fd);
  return text == NULL ? NULL : new_from_string (path, text);
}

IdlSource *
idl_source_read_named (const gchar *word, GError **error)
{
  GString *text;

  if (strcmp (word, "-") != 0)
    return idl_source_read (word, error);
  text = read_to_end (STDIN_FILENO, "standard input", error);
  return text == NULL ? NULL : new_from_string ("<stdin>", text);
}

const gchar *
idl_source_get_path (const IdlSource *source)
{
  return source->path;
}

const gchar *
idl_source_get_text (const IdlSource *source, gsize *length)
{
  *length = source->length;
  return source->text;
}

static const GArray *
get_lines (const IdlSource *source)
{
  GArray *lines;
  guint32 start = 0;

  if (source->lines != NULL)
    return source->lines;
  lines = g_array_new (FALSE, FALSE, sizeof (guint32));
  g_array_append_val (lines, start);
  for (gsize i = 0; i < source->length; i++)
    {
      gboolean ends =
          source->text[i] == '\n' || (source->text[i] == '\r' && source->text[i + 1] != '\n');

      if (!ends)
        continue;
      start = (guint32) i + 1;
      g_array_append_val (lines, start);
    }
  /* A cache: what the caller sees of the source does not change. */
  ((IdlSource *) source)->lines = lines;
  return lines;
}

const gchar *
idl_source_get_line (const IdlSource *source, guint line, gsize *length, guint32 *offset)
{
  const GArray *lines = get_lines (source);
  gsize start, end;

  g_return_val_if_fail (line >= 1 && line <= lines->len, NULL);
  start = g_array_index (lines, guint32, line - 1);
  end = line < lines->len ? g_array_index (lines, guint32, line) : source->length;
  while (end > start && (source->text[end - 1] == '\n' || source->text[end - 1] == '\r'))
    end--;
  *length = end - start;
  *offset = (guint32) start;
  return source->text + start;
}

void
idl_location_get_line (const IdlLocation *location, guint *line, guint *column)
{
  const GArray *lines = get_lines (location->source);
  guint low = 0, high = lines->len;

  while (high - low > 1)
    {
      guint middle = low + (high - low) / 2;

      if (g_array_index (lines, guint32, middle) <= location->offset)
        low = middle;
      else
        high = middle;
    }
  *line = low + 1;
  *column = location->offset - g_array_index (lines, guint32, low) + 1;
}
