/* Whether the kernel has handshakes of peers under way. Such a peer may take its connection for made: the segment that makes
 * it so for the listener, and a request right behind it, are still in the network or wait for a core. */
#include "server-listener-private.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* Linux's number of the state SYN-RECEIVED. */
#define SYN_RECEIVED 3

typedef struct
{
  struct nlmsghdr header;
  struct inet_diag_req_v2 body;
} Query;

static gboolean
ask (gint fd, guint8 family, guint16 port)
{
  const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
  const Query query = { .header = { .nlmsg_len = sizeof query,
                                    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
                        .body = { .sdiag_family = family,
                                  .sdiag_protocol = IPPROTO_TCP,
                                  .idiag_states = 1 << SYN_RECEIVED,
                                  .id.idiag_sport = g_htons (port) } };

  return sendto (fd, &query, sizeof query, 0, (const struct sockaddr *) &kernel, sizeof kernel)
         == sizeof query;
}

/* The kernel's first answer is there when the question has been asked; it names a socket, or says that there is none. */
static gboolean
is_told_of_one (gint fd)
{
  union
  {
    struct nlmsghdr header;
    gchar bytes[8192];
  } answer;
  gssize length = recv (fd, &answer, sizeof answer, MSG_DONTWAIT);

  return length >= (gssize) sizeof answer.header && answer.header.nlmsg_type == SOCK_DIAG_BY_FAMILY;
}

static gboolean
has_handshakes (guint8 family, guint16 port)
{
  gint fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  gboolean found;

  if (fd < 0)
    return FALSE;
  found = ask (fd, family, port) && is_told_of_one (fd);
  close (fd);
  return found;
}

/* A listener of one family may have peers of the other one. */
gboolean
server_listener_has_handshakes (const ServerListener *self)
{
  if (self->is_adopted || self->is_local || self->pid != getpid ())
    return FALSE;
  return has_handshakes (AF_INET, self->port) || has_handshakes (AF_INET6, self->port);
}
