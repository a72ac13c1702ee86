/* Owns the C++ peer's sockets: plain ones, and over TLS where OpenSSL's headers are. */
#include "peer-cpp-sockets.hpp"

#include <cstdlib>

#ifdef PEER_SSL
#include <thrift/transport/TSSLServerSocket.h>
#include <thrift/transport/TSSLSocket.h>
#endif

using namespace apache::thrift::transport;
using std::make_shared;
using std::shared_ptr;
using std::string;

#ifdef PEER_SSL
namespace
{

string
certificate (const string &name)
{
  return string (std::getenv ("PEER_CERTIFICATES")) + "/" + name + ".pem";
}

/* It lives on: OpenSSL's end is its. */
shared_ptr<TSSLSocketFactory>
make_factory (const Options &options, const string &name)
{
  static shared_ptr<TSSLSocketFactory> factory;

  factory = make_shared<TSSLSocketFactory> (options.has ("tls1.2") ? TLSv1_2 : SSLTLS);
  factory->loadTrustedCertificates (certificate ("ca").c_str ());
  factory->authenticate (name != "server" || options.has ("mutual"));
  if (name == "server" || options.has ("mutual"))
    {
      factory->loadCertificate (certificate (name).c_str ());
      factory->loadPrivateKey (certificate (name).c_str ());
    }
  return factory;
}

} // namespace
#endif

shared_ptr<TServerSocket>
make_server_socket (const Options &options)
{
  if (options.is_unix ())
    return make_shared<TServerSocket> (options.place ());
#ifdef PEER_SSL
  if (options.is_tls ())
    return make_shared<TSSLServerSocket> ("127.0.0.1", std::stoi (options.place ()),
                                          make_factory (options, "server"));
#endif
  return make_shared<TServerSocket> ("127.0.0.1", std::stoi (options.place ()));
}

shared_ptr<TSocket>
make_socket (const Options &options)
{
  if (options.is_unix ())
    return make_shared<TSocket> (options.place ());
#ifdef PEER_SSL
  if (options.is_tls ())
    return make_factory (options, "alice")
        ->createSocket ("127.0.0.1", std::stoi (options.place ()));
#endif
  return make_shared<TSocket> ("127.0.0.1", std::stoi (options.place ()));
}
