/* send () and recv () without the libc's cancellation point. In a program with threads the libc
 * surrounds each with two atomic exchanges for the sake of pthread_cancel (): a tenth of the
 * instructions of a call. GLib's threads are never cancelled that way, and one that was would take
 * its lease along. */
#ifndef TALLY_SYSCALL_INTERNAL_H
#define TALLY_SYSCALL_INTERNAL_H

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <glib.h>

G_BEGIN_DECLS

/* ThreadSanitizer learns from the libc's functions what one thread hands to another. */
#if defined(SYS_recvfrom) && defined(SYS_sendto) && !defined(__SANITIZE_THREAD__)
#define TALLY_DIRECT_SYSCALLS 1
#else
#define TALLY_DIRECT_SYSCALLS 0
#endif

static inline gssize
tally_recv (gint fd, gpointer bytes, gsize length, gint flags)
{
#if TALLY_DIRECT_SYSCALLS
  return syscall (SYS_recvfrom, fd, bytes, length, flags, NULL, NULL);
#else
  return recv (fd, bytes, length, flags);
#endif
}

static inline gssize
tally_send (gint fd, gconstpointer bytes, gsize length, gint flags)
{
#if TALLY_DIRECT_SYSCALLS
  return syscall (SYS_sendto, fd, bytes, length, flags, NULL, 0);
#else
  return send (fd, bytes, length, flags);
#endif
}

G_END_DECLS

#endif /* TALLY_SYSCALL_INTERNAL_H */
