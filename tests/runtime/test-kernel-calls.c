/* Owns the tests of how many system calls a short connection costs, at the client and at the server. The linker puts the
 * counters below in place of the libc's functions (meson.build, --wrap); what is sent and received without these the kernel
 * traps. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo-service.h"
#include "server-fixture.h"
#include "syscall-internal.h"
#include "tally-error.h"

#if TALLY_INLINE_SYSCALLS
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <ucontext.h>
#endif

/* ---- counting ---- */

static __thread guint n_mine;    /* system calls of this thread */
static guint n_all;              /* atomic: of all threads, but waits in epoll_wait () */
static guint n_waits;            /* atomic: these */
static __thread guint n_nodelay; /* TCP_NODELAY set on a socket by this thread */
static gboolean is_counting;     /* all that is to be counted; a sandbox may forbid it */
static gboolean meets_itself;    /* the next connection does */

static void
count (void)
{
  n_mine++;
  __atomic_add_fetch (&n_all, 1, __ATOMIC_RELAXED);
}

#define COUNTED(result, name, parameters, arguments)                                               \
  result __real_##name parameters;                                                                 \
  result __wrap_##name parameters;                                                                 \
  result __wrap_##name parameters                                                                  \
  {                                                                                                \
    count ();                                                                                      \
    return __real_##name arguments;                                                                \
  }

/* clang-format off */
COUNTED (int, socket, (int domain, int type, int protocol), (domain, type, protocol))
COUNTED (int, getsockopt, (int fd, int level, int name, void *value, socklen_t *length), (fd, level, name, value, length))
COUNTED (int, getsockname, (int fd, struct sockaddr *address, socklen_t *length), (fd, address, length))
COUNTED (int, getpeername, (int fd, struct sockaddr *address, socklen_t *length), (fd, address, length))
COUNTED (int, ppoll, (struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask), (fds, n, timeout, mask))
#if !TALLY_INLINE_SYSCALLS
COUNTED (ssize_t, send, (int fd, const void *bytes, size_t length, int flags), (fd, bytes, length, flags))
COUNTED (ssize_t, recv, (int fd, void *bytes, size_t length, int flags), (fd, bytes, length, flags))
#endif
COUNTED (int, shutdown, (int fd, int how), (fd, how))
COUNTED (int, close, (int fd), (fd))
COUNTED (int, accept4, (int fd, struct sockaddr *address, socklen_t *length, int flags), (fd, address, length, flags))
COUNTED (int, epoll_ctl, (int epoll, int operation, int fd, struct epoll_event *event), (epoll, operation, fd, event))
/* clang-format on */

int __real_setsockopt (int fd, int level, int name, const void *value, socklen_t length);
int __wrap_setsockopt (int fd, int level, int name, const void *value, socklen_t length);
int
__wrap_setsockopt (int fd, int level, int name, const void *value, socklen_t length)
{
  count ();
  if (level == IPPROTO_TCP && name == TCP_NODELAY)
    n_nodelay++;
  return __real_setsockopt (fd, level, name, value, length);
}

int __real_ioctl (int fd, unsigned long request, ...);
int __wrap_ioctl (int fd, unsigned long request, ...);
int
__wrap_ioctl (int fd, unsigned long request, ...)
{
  va_list rest;
  void *value;

  va_start (rest, request);
  value = va_arg (rest, void *);
  va_end (rest);
  count ();
  return __real_ioctl (fd, request, value);
}

long __real_syscall (long number, ...);
long __wrap_syscall (long number, ...);
long
__wrap_syscall (long number, ...)
{
  va_list rest;
  long values[6];

  va_start (rest, number);
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    values[i] = va_arg (rest, long);
  va_end (rest);
  count ();
  return __real_syscall (number, values[0], values[1], values[2], values[3], values[4], values[5]);
}

int __real_epoll_wait (int epoll, struct epoll_event *events, int n, int timeout);
int __wrap_epoll_wait (int epoll, struct epoll_event *events, int n, int timeout);
int
__wrap_epoll_wait (int epoll, struct epoll_event *events, int n, int timeout)
{
  int result = __real_epoll_wait (epoll, events, n, timeout);

  __atomic_add_fetch (&n_waits, 1, __ATOMIC_RELAXED);
  return result;
}

int __real_connect (int fd, const struct sockaddr *address, socklen_t length);
int __wrap_connect (int fd, const struct sockaddr *address, socklen_t length);
int
__wrap_connect (int fd, const struct sockaddr *address, socklen_t length)
{
  count ();
  if (meets_itself)
    assert_int (bind (fd, address, length), 0);
  return __real_connect (fd, address, length);
}

/* ---- trapping ---- */

#if TALLY_INLINE_SYSCALLS
ssize_t __real_send (int fd, const void *bytes, size_t length, int flags);
ssize_t __wrap_send (int fd, const void *bytes, size_t length, int flags);
ssize_t
__wrap_send (int fd, const void *bytes, size_t length, int flags)
{
  return __real_send (fd, bytes, length, flags);
}

ssize_t __real_recv (int fd, void *bytes, size_t length, int flags);
ssize_t __wrap_recv (int fd, void *bytes, size_t length, int flags);
ssize_t
__wrap_recv (int fd, void *bytes, size_t length, int flags)
{
  return __real_recv (fd, bytes, length, flags);
}

extern const guint8 passed_on[]; /* behind the one instruction that is not trapped */

static G_GNUC_NO_INLINE __attribute__ ((noclone)) greg_t
pass_on (const greg_t *registers)
{
  const greg_t first = registers[REG_RDI];
  const greg_t second = registers[REG_RSI];
  const greg_t third = registers[REG_RDX];
  greg_t result = registers[REG_RAX];
  register greg_t flags __asm__("r10") = registers[REG_R10];
  register greg_t address __asm__("r8") = registers[REG_R8];
  register greg_t length __asm__("r9") = registers[REG_R9];

  __asm__ volatile("syscall\n"
                   ".globl passed_on\n"
                   "passed_on:"
                   : "+a"(result)
                   : "D"(first), "S"(second), "d"(third), "r"(flags), "r"(address), "r"(length)
                   : "rcx", "r11", "memory");
  return result;
}

static void
on_trap (gint number, siginfo_t *info, gpointer context)
{
  greg_t *registers = ((ucontext_t *) context)->uc_mcontext.gregs;

  count ();
  registers[REG_RAX] = pass_on (registers);
}

#define FIELD(name) BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, name))
#define HALF(name, half)                                                                           \
  BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, name) + 4 * (half))
#define UNLESS(value, n_skipped)                                                                   \
  BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, (guint32) (value), 0, n_skipped)

/* From now on the kernel tells of each send and receive. */
static gboolean
trap_transfers (void)
{
  const guint64 end = (gsize) passed_on;
  struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_NODEFER };
  struct sock_filter filter[] = {
    FIELD (arch),
    UNLESS (AUDIT_ARCH_X86_64, 8),
    FIELD (nr),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_sendto, 1, 0),
    UNLESS (SYS_recvfrom, 5),
    HALF (instruction_pointer, 0),
    UNLESS (end, 2),
    HALF (instruction_pointer, 1),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, (guint32) (end >> 32), 1, 0),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_TRAP),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = { G_N_ELEMENTS (filter), filter };

  return sigaction (SIGSYS, &action, NULL) == 0 && prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
         && prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}
#else
static gboolean
trap_transfers (void)
{
  return TRUE; /* none is made without the libc */
}
#endif

static gboolean
skip_uncounted (void)
{
  if (!is_counting)
    test_skip ("system calls cannot be trapped here");
  return !is_counting;
}

/* ---- the client ---- */

#define N_CALLS 50

static void
assert_calls (TallyChannel *channel, guint method, guint at_most)
{
  guint before = n_mine;

  for (guint i = 0; i < N_CALLS; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree gchar *reply = NULL;

      CU_ASSERT_TRUE (echo_call (channel, method, "sixteen bytes ..", &reply, &error));
      assert_no_error (error);
    }
  before = n_mine - before;
  if (before > at_most * N_CALLS)
    g_printerr ("%u system calls for %u calls\n", before, N_CALLS);
  CU_ASSERT_TRUE (before <= at_most * N_CALLS);
  CU_ASSERT_TRUE (before >= at_most * N_CALLS / 2); /* they are seen */
}

/* socket, connect, ppoll, send, ppoll, receive, close. */
static void
a_call_on_a_connection_of_its_own_takes_seven (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;

  if (skip_uncounted ())
    return;
  echo_server_start (&server, echo_honest, "?mode=unpooled", NULL);
  channel = echo_server_connect (&server, pool);
  assert_calls (channel, ECHO_ECHO, 7);
  /* In place of the wait and the receive: the look whether it met itself. */
  assert_calls (channel, ECHO_NOTE, 7);
  tally_pool_close (pool);
}

/* A look at the connection, send, receive. */
static void
a_pooled_call_takes_three (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autofree gchar *reply = NULL;

  if (skip_uncounted ())
    return;
  echo_server_start (&server, echo_honest, "?", NULL);
  channel = echo_server_connect (&server, pool);
  for (guint i = 0; i < 2; i++) /* from the second one on its deadline is watched */
    {
      g_clear_pointer (&reply, g_free);
      CU_ASSERT_TRUE (echo_call (channel, ECHO_ECHO, "first", &reply, NULL));
    }
  assert_calls (channel, ECHO_ECHO, 3);
  tally_pool_close (pool);
}

/* A request that does not go at once: the end of it does not wait for the acknowledgement of what is before it. */
static void
a_large_request_sets_nodelay_and_a_small_one_does_not (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autofree gchar *large = g_strnfill (12 * 1024 * 1024, 'L');
  g_autofree gchar *reply = NULL;
  g_autoptr (GError) error = NULL;
  guint before;

  echo_server_start (&server, echo_honest, "?mode=unpooled", NULL);
  channel = echo_server_connect (&server, pool);
  before = n_nodelay;
  for (guint i = 0; i < N_CALLS; i++)
    {
      CU_ASSERT_TRUE (echo_call (channel, ECHO_ECHO, "small", &reply, NULL));
      g_clear_pointer (&reply, g_free);
    }
  assert_int (n_nodelay, before);
  CU_ASSERT_TRUE (echo_call (channel, ECHO_ECHO, large, &reply, &error));
  assert_no_error (error);
  CU_ASSERT_STRING_EQUAL (reply, large);
  CU_ASSERT_TRUE (n_nodelay > before);
  tally_pool_close (pool);
}

/* A call to a port at which nobody listens, on a connection that gets that port: it returns all that is sent. */
static void
call_oneself (guint method)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;
  gint fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_autofree gchar *uri = NULL;
  g_autofree gchar *reply = NULL;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;

  assert_int (bind (fd, (struct sockaddr *) &address, length), 0);
  assert_int (getsockname (fd, (struct sockaddr *) &address, &length), 0);
  close (fd);
  uri = g_strdup_printf ("tcp://127.0.0.1:%u?mode=unpooled", ntohs (address.sin_port));
  channel = tally_channel_new_with_pool (uri, pool, NULL);
  meets_itself = TRUE;
  CU_ASSERT_FALSE (echo_call (channel, method, "hello", &reply, &error));
  meets_itself = FALSE;
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "nobody listens there");
  CU_ASSERT_PTR_NOT_NULL (strstr (error->message, "nothing was sent"));
  echo_assert_says_once (error);
  tally_pool_close (pool);
}

static void
a_connection_to_itself_is_none (void)
{
  call_oneself (ECHO_ECHO);
  call_oneself (ECHO_NOTE);
}

/* ---- the server ---- */

#define N_CONNECTIONS 100

/* What the server's threads make of @N_CONNECTIONS connections that follow each other. */
static void
count_connections (Running *running, guint *calls, guint *waits)
{
  guint calls_before = __atomic_load_n (&n_all, __ATOMIC_RELAXED) - n_mine;
  guint waits_before = __atomic_load_n (&n_waits, __ATOMIC_RELAXED);

  for (guint i = 0; i < N_CONNECTIONS; i++)
    {
      gint fd = peer_connect (running);

      CU_ASSERT_TRUE (peer_echoes (fd, &framed_binary, i + 1, "sixteen bytes .."));
      __real_shutdown (fd, SHUT_WR);
      CU_ASSERT_TRUE (peer_sees_end (fd));
      __real_close (fd);
    }
  *calls = __atomic_load_n (&n_all, __ATOMIC_RELAXED) - n_mine - calls_before;
  *waits = __atomic_load_n (&n_waits, __ATOMIC_RELAXED) - waits_before;
}

/* Of each connection the server makes: accept, receive, send, an entry in epoll, receive of the end, the entry's end, close;
 * and waits twice where no other connection comes together with the end of this one, as they do when clients follow each
 * other. A peer of which nothing is there yet when it is accepted costs one receive and one wait more: the
 * listener has the kernel tell of peers when their requests come. A server that its machine holds up for a
 * while takes its handlers for slow ones, and more calls, so the least of several rounds counts. */
static void
a_short_connection_takes_the_server_seven_and_its_waits (void)
{
  Running *running;
  guint calls, waits;
  gboolean is_met = FALSE;

  if (skip_uncounted ())
    return;
  running = running_start (&framed_binary, NULL, "max-workers=1");
  check_alive (running);
  for (guint round = 0; round < 100 && !is_met; round++)
    {
      count_connections (running, &calls, &waits);
      is_met = calls <= 7 * N_CONNECTIONS + N_CONNECTIONS / 10 && waits <= 2 * N_CONNECTIONS + 4
               && calls > 5 * N_CONNECTIONS; /* they are seen */
    }
  if (!is_met)
    g_printerr ("%u system calls and %u waits for %u connections\n", calls, waits, N_CONNECTIONS);
  CU_ASSERT_TRUE (is_met);
  running_stop (running);
}

int __real_listen (int fd, int backlog);
int __wrap_listen (int fd, int backlog);
int
__wrap_listen (int fd, int backlog)
{
  int seconds = 100;

  __real_setsockopt (fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
  return __real_listen (fd, backlog);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_call_on_a_connection_of_its_own_takes_seven),
    TEST (a_pooled_call_takes_three),
    TEST (a_large_request_sets_nodelay_and_a_small_one_does_not),
    TEST (a_connection_to_itself_is_none),
    TEST (a_short_connection_takes_the_server_seven_and_its_waits),
    { NULL },
  };

  is_counting = trap_transfers ();
  return test_main ("kernel-calls", cases, argc, argv);
}
