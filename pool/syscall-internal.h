/* send () and recv () without the libc's cancellation point, and where that is known without the libc. In a program with threads
 * the libc surrounds each with two atomic exchanges for the sake of pthread_cancel (): a tenth of the
 * instructions of a call. GLib's threads are never cancelled that way, and one that was would take
 * its lease along.
 *
 * Neither returns from a function: a system call leaves the processor without its predictions of where functions that were entered
 * before it return to, and the first return that it cannot predict costs some hundred nanoseconds where the kernel has to guard its
 * own returns (Linux, "Speculative Return Stack Overflow"). */
#ifndef TALLY_SYSCALL_INTERNAL_H
#define TALLY_SYSCALL_INTERNAL_H

#include <errno.h>
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

/* Whether these are made without any function. */
#if TALLY_DIRECT_SYSCALLS && defined(__linux__) && defined(__x86_64__) && !defined(__ILP32__)
#define TALLY_INLINE_SYSCALLS 1
#else
#define TALLY_INLINE_SYSCALLS 0
#endif

#if TALLY_INLINE_SYSCALLS
/* System V ABI, AMD64 supplement, "Linux conventions". The last two arguments, an address, are none. */
static inline __attribute__ ((always_inline)) gssize
tally_transfer (glong number, gint fd, gconstpointer bytes, gsize length, gint flags)
{
  register glong flags_register __asm__("r10") = flags;
  register gconstpointer address __asm__("r8") = NULL;
  register glong address_length __asm__("r9") = 0;
  gssize result = number;

  __asm__ volatile("syscall"
                   : "+a"(result)
                   : "D"((glong) fd), "S"(bytes), "d"(length), "r"(flags_register), "r"(address),
                     "r"(address_length)
                   : "rcx", "r11", "memory");
  if (G_LIKELY (result >= 0))
    return result;
  errno = (gint) -result;
  return -1;
}
#elif TALLY_DIRECT_SYSCALLS
#define tally_transfer(number, fd, bytes, length, flags)                                           \
  syscall (number, fd, bytes, length, flags, NULL, 0)
#endif

static inline __attribute__ ((always_inline)) gssize
tally_recv (gint fd, gpointer bytes, gsize length, gint flags)
{
#if TALLY_DIRECT_SYSCALLS
  return tally_transfer (SYS_recvfrom, fd, bytes, length, flags);
#else
  return recv (fd, bytes, length, flags);
#endif
}

static inline __attribute__ ((always_inline)) gssize
tally_send (gint fd, gconstpointer bytes, gsize length, gint flags)
{
#if TALLY_DIRECT_SYSCALLS
  return tally_transfer (SYS_sendto, fd, bytes, length, flags);
#else
  return send (fd, bytes, length, flags);
#endif
}

G_END_DECLS

#endif /* TALLY_SYSCALL_INTERNAL_H */
