/* What the C++ peer is told on its command line, and the sockets that it then uses. */
#ifndef PEER_CPP_SOCKETS_HPP
#define PEER_CPP_SOCKETS_HPP

#include <memory>
#include <set>
#include <string>

#include <thrift/transport/TServerSocket.h>
#include <thrift/transport/TSocket.h>

struct Options
{
  std::string role, protocol, transport, address;
  std::set<std::string> flags;

  bool
  has (const std::string &flag) const
  {
    return flags.count (flag) > 0;
  }
  bool
  is_unix () const
  {
    return address.compare (0, 5, "unix:") == 0;
  }
  bool
  is_tls () const
  {
    return address.compare (0, 4, "tls:") == 0;
  }
  std::string
  place () const
  {
    return address.substr (address.find (':') + 1);
  }
};

std::shared_ptr<apache::thrift::transport::TServerSocket>
make_server_socket (const Options &options);
std::shared_ptr<apache::thrift::transport::TSocket> make_socket (const Options &options);

#endif /* PEER_CPP_SOCKETS_HPP */
