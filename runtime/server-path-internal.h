/* Which server has the path of a Unix socket; the admin listener is one, too. */
#ifndef TALLY_SERVER_PATH_INTERNAL_H
#define TALLY_SERVER_PATH_INTERNAL_H

#include <glib.h>

G_BEGIN_DECLS

/* Makes the new Unix socket @fd listen at @path, replacing a file whose socket is gone. %FALSE with
 * errno, and nothing changed: EADDRINUSE when a socket is bound there, by whomever, or the file is
 * no socket's; EWOULDBLOCK when another server has had the lock for seconds, ENOLCK when something
 * of another user is in the lock's place. @device and @inode: the socket's
 * file. The process may be killed at any time: then a stale file is left, and nothing that would
 * hinder the next server. */
gboolean
server_path_listen (gint fd, const gchar *path, gint backlog, guint64 *device, guint64 *inode);

/* What server_path_listen () failed at with errno @number, in words. (nullable): errno's own say it. */
const gchar *server_path_describe (gint number);

/* Removes @path if it is still that file; before the socket is closed, so that its number is not
 * given to another one. */
void server_path_remove (const gchar *path, guint64 device, guint64 inode);

G_END_DECLS

#endif /* TALLY_SERVER_PATH_INTERNAL_H */
