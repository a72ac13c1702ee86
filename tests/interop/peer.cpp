/* The C++ peer: a server or a client of interop.thrift over Apache's C++ library.
 *
 *   peer-cpp server|client PROTOCOL TRANSPORT ADDRESS [FLAG…]
 *
 * ADDRESS is tcp:PORT, tls:PORT or unix:PATH. A server prints its own once it listens. Flags: templates
 * (protocols bound to their transport when compiled, without virtual calls), multiplexed, no-nan,
 * no-wide, no-unknown, no-failure; over TLS mutual and tls1.2; with the transport header zlib and brief (headers and one text alone). The client checks everything that it gets
 * back and exits with 1 at the first difference. */
#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <set>
#include <sstream>
#include <string>

#include <thrift/processor/TMultiplexedProcessor.h>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/protocol/TCompactProtocol.h>
#include <thrift/protocol/TMultiplexedProtocol.h>
#include <thrift/server/TThreadedServer.h>
#include <thrift/transport/TBufferTransports.h>

#include "Extended.h"
#include "Stranger.h"
#include "peer-cpp-header.hpp"
#include "peer-cpp-sockets.hpp"
#include "peer-cpp-values.hpp"

using namespace apache::thrift;
using namespace apache::thrift::protocol;
using namespace apache::thrift::server;
using namespace apache::thrift::transport;
using namespace peer;
using std::make_shared;
using std::shared_ptr;
using std::string;
using std::vector;

namespace
{

/* ---- the server ---- */

class Handler : public ExtendedIf
{
public:
  void
  nothing () override
  {
  }
  bool
  echo_bool (const bool value) override
  {
    return value;
  }
  int8_t
  echo_i8 (const int8_t value) override
  {
    return value;
  }
  int16_t
  echo_i16 (const int16_t value) override
  {
    return value;
  }
  int32_t
  echo_i32 (const int32_t value) override
  {
    return value;
  }
  int64_t
  echo_i64 (const int64_t value) override
  {
    return value;
  }
  double
  echo_double (const double value) override
  {
    return value;
  }
  void
  echo_string (string &result, const string &value) override
  {
    result = value;
  }
  void
  echo_binary (string &result, const string &value) override
  {
    result = value;
  }
  Color::type
  echo_color (const Color::type value) override
  {
    return value;
  }
  void
  echo_scalars (Scalars &result, const Scalars &value) override
  {
    result = value;
  }
  void
  echo_nested (Nested &result, const Nested &value) override
  {
    result = value;
  }
  void
  echo_choice (Choice &result, const Choice &value) override
  {
    result = value;
  }
  void
  echo_wide (Wide &result, const Wide &value) override
  {
    result = value;
  }
  void
  echo_flags (vector<bool> &result, const vector<bool> &value) override
  {
    result = value;
  }
  void
  echo_paths (std::map<string, vector<Point> > &result,
              const std::map<string, vector<Point> > &value) override
  {
    result = value;
  }
  void
  echo_words (std::set<string> &result, const std::set<string> &value) override
  {
    result = value;
  }

  void
  join (string &result,
        const bool yes,
        const int32_t number,
        const string &text,
        const vector<string> &parts) override
  {
    std::ostringstream joined;

    joined << (yes ? "yes" : "no") << '|' << number << '|' << text << '|';
    for (size_t i = 0; i < parts.size (); i++)
      joined << (i > 0 ? "," : "") << parts[i];
    result = joined.str ();
  }

  int32_t
  check (const int32_t kind) override
  {
    Refusal refusal;
    Overflow overflow;

    refusal.code = 17;
    refusal.reason = "refused";
    refusal.spot = make_point (1, -2);
    overflow.limit = i64_max;
    if (kind == 1)
      throw refusal;
    if (kind == 2)
      throw overflow;
    if (kind != 0)
      throw std::runtime_error ("an undeclared kind");
    return 1;
  }

  void
  check_nothing (const int32_t kind) override
  {
    check (kind);
  }
  void
  remember (const int64_t token) override
  {
    token_ = token;
  }
  int64_t
  remembered () override
  {
    return token_;
  }
  void
  whoami (string &result) override
  {
    result = "cpp";
  }

private:
  int64_t token_ = 0;
};

class Announcer : public TServerEventHandler
{
public:
  Announcer (const Options &options, shared_ptr<TServerSocket> socket)
      : options_ (options), socket_ (socket)
  {
  }

  void
  preServe () override
  {
    if (options_.is_unix ())
      std::cout << options_.address << std::endl;
    else
      std::cout << (options_.is_tls () ? "tls:" : "tcp:") << socket_->getPort () << std::endl;
  }

private:
  const Options &options_;
  shared_ptr<TServerSocket> socket_;
};

template <class Transport>
shared_ptr<TProtocolFactory>
make_protocol_factory (const Options &options)
{
  if (options.protocol == "compact")
    return make_shared<TCompactProtocolFactoryT<Transport> > ();
  return make_shared<TBinaryProtocolFactoryT<Transport> > ();
}

/* The processor of templated protocols skips the virtual calls when the protocol is of its type. */
template <class Transport>
shared_ptr<TProcessor>
make_templated_processor (const Options &options, shared_ptr<Handler> handler)
{
  if (options.protocol == "compact")
    return make_shared<ExtendedProcessorT<TCompactProtocolT<Transport> > > (handler);
  return make_shared<ExtendedProcessorT<TBinaryProtocolT<Transport> > > (handler);
}

void
serve (const Options &options)
{
  auto handler = make_shared<Handler> ();
  auto socket = make_server_socket (options);
  shared_ptr<TProcessor> processor = make_shared<ExtendedProcessor> (handler);
  shared_ptr<TProtocolFactory> protocols = make_protocol_factory<TTransport> (options);
  shared_ptr<TTransportFactory> transports;

  if (options.transport == "header")
    {
      transports = make_shared<TTransportFactory> ();
      protocols = make_shared<HeaderProtocolFactory> (options);
    }
  else if (options.transport == "framed")
    transports = make_shared<TFramedTransportFactory> ();
  else
    transports = make_shared<TBufferedTransportFactory> ();
  if (options.has ("templates"))
    {
      processor = make_templated_processor<TBufferBase> (options, handler);
      protocols = make_protocol_factory<TBufferBase> (options);
    }
  if (options.has ("multiplexed"))
    {
      auto multiplexed = make_shared<TMultiplexedProcessor> ();

      multiplexed->registerProcessor ("probe", processor);
      processor = multiplexed;
    }

  TThreadedServer server (processor, socket, transports, protocols);

  if (options.transport == "header")
    server.setOutputProtocolFactory (nullptr);
  server.setServerEventHandler (make_shared<Announcer> (options, socket));
  server.serve ();
}

/* ---- the client ---- */

void
expect (const char *what, bool holds)
{
  if (holds)
    return;
  std::cerr << "peer-cpp: " << what << " differs" << std::endl;
  std::exit (1);
}

template <class Exception, class Function>
Exception
raised (const char *what, Function function)
{
  try
    {
      function ();
    }
  catch (const Exception &exception)
    {
      return exception;
    }
  expect (what, false);
  throw 0;
}

template <class Integer, class Function>
void
check_integer (const char *what, Function echo)
{
  for (Integer value :
       { Integer (0), Integer (1), Integer (-1), Integer (63), Integer (64), Integer (-65),
         std::numeric_limits<Integer>::min (), std::numeric_limits<Integer>::max () })
    expect (what, echo (value) == value);
}

template <class Client>
void
check_base_types (Client &client, const Options &options)
{
  const double infinity = std::numeric_limits<double>::infinity ();
  string text;

  client.nothing ();
  expect ("bool", client.echo_bool (true) && !client.echo_bool (false));
  check_integer<int8_t> ("i8", [&] (int8_t value) { return client.echo_i8 (value); });
  check_integer<int16_t> ("i16", [&] (int16_t value) { return client.echo_i16 (value); });
  check_integer<int32_t> ("i32", [&] (int32_t value) { return client.echo_i32 (value); });
  check_integer<int64_t> ("i64", [&] (int64_t value) { return client.echo_i64 (value); });
  for (double value : { 0.0, -1.5, 1e-310, 1.7976931348623157e308, infinity, -infinity })
    expect ("double", client.echo_double (value) == value);
  expect ("negative zero", std::signbit (client.echo_double (-0.0)));
  if (!options.has ("no-nan"))
    expect ("nan", std::isnan (client.echo_double (std::nan (""))));
  for (const string &value :
       { string (), string ("plain"), string ("grüße 日本 🌿"), string (100000, 'l') })
    {
      client.echo_string (text, value);
      expect ("string", text == value);
    }
  for (const string &value : { string (), string ("\0", 1), all_bytes (300) })
    {
      client.echo_binary (text, value);
      expect ("binary", text == value);
    }
  for (Color::type value : { Color::RED, Color::GREEN, Color::DARK, Color::FAR })
    expect ("enum", client.echo_color (value) == value);
}

template <class Client>
void
check_choice (Client &client, const Choice &value)
{
  Choice choice;

  client.echo_choice (choice, value);
  expect ("union", choice == value && choice.__isset.number == value.__isset.number
                       && choice.__isset.text == value.__isset.text
                       && choice.__isset.point == value.__isset.point
                       && choice.__isset.numbers == value.__isset.numbers);
}

template <class Client>
void
check_structs (Client &client, const Options &options)
{
  Scalars scalars;
  Nested nested;
  Choice choice;
  Wide wide;

  client.echo_scalars (scalars, make_scalars ());
  expect ("scalars", scalars == make_scalars ());
  client.echo_scalars (scalars, Scalars ());
  expect ("zero scalars", scalars == Scalars ());
  client.echo_nested (nested, make_nested ());
  expect ("nested", nested == make_nested () && !nested.__isset.never);
  choice.__set_number (-7);
  check_choice (client, choice);
  choice = Choice ();
  choice.__set_point (make_point (1, 2));
  check_choice (client, choice);
  choice = Choice ();
  choice.__set_numbers ({});
  check_choice (client, choice);
  if (options.has ("no-wide"))
    return;
  client.echo_wide (wide, make_wide ());
  expect ("wide", wide == make_wide ());
}

template <class Client>
void
check_containers (Client &client)
{
  const std::map<string, vector<Point> > all_paths = {
    { "", {} },
    { "a", { make_point (1, 2), make_point (3, 4, "z") } },
    { "b", vector<Point> (100, make_point (-1, -1)) }
  };
  std::map<string, vector<Point> > paths;
  std::set<string> words, many_words;
  vector<bool> flags;
  string joined;

  for (const vector<bool> &value :
       { vector<bool> (), vector<bool> (1, true), vector<bool> (10000, false) })
    {
      client.echo_flags (flags, value);
      expect ("list of bool", flags == value);
    }
  client.echo_paths (paths, all_paths);
  expect ("map of lists", paths == all_paths);
  client.echo_paths (paths, {});
  expect ("empty map", paths.empty ());
  for (int i = 0; i < 500; i++)
    many_words.insert ("w" + std::to_string (i));
  client.echo_words (words, many_words);
  expect ("set", words == many_words);
  client.echo_words (words, {});
  expect ("empty set", words.empty ());
  client.join (joined, true, -7, "hello", { "a", "b" });
  expect ("arguments", joined == "yes|-7|hello|a,b");
}

template <class Client>
void
check_outcomes (Client &client)
{
  Refusal refusal;
  string name;

  expect ("no exception", client.check (0) == 1);
  refusal = raised<Refusal> ("refusal", [&] { client.check (1); });
  expect ("refusal's fields",
          refusal.code == 17 && refusal.reason == "refused" && refusal.spot == make_point (1, -2));
  expect ("overflow", raised<Overflow> ("overflow", [&] { client.check (2); }).limit == i64_max);
  client.check_nothing (0);
  expect ("refusal of void",
          raised<Refusal> ("refusal of void", [&] { client.check_nothing (1); }).code == 17);
  client.remember ((INT64_C (1) << 62) + 1);
  expect ("oneway", client.remembered () == (INT64_C (1) << 62) + 1);
  client.whoami (name);
  expect ("inherited", !name.empty ());
}

template <class Client>
void
check_all (Client &client, StrangerClient &stranger, const Options &options)
{
  check_base_types (client, options);
  check_structs (client, options);
  check_containers (client);
  check_outcomes (client);
  if (options.has ("no-failure"))
    return;
  if (!options.has ("no-unknown"))
    {
      auto unknown =
          raised<TApplicationException> ("unknown method", [&] { stranger.unheard_of ("x"); });

      expect ("unknown method's type", unknown.getType () == TApplicationException::UNKNOWN_METHOD);
      client.nothing ();
    }
  raised<TApplicationException> ("undeclared", [&] { client.check (3); });
}

template <class Protocol>
void
check_templated (shared_ptr<Protocol> protocol, const Options &options)
{
  ExtendedClientT<Protocol> client (protocol);
  StrangerClient stranger (protocol);

  check_all (client, stranger, options);
}

/* Headers go with a call, and come back. */
void
check_header (const Options &options)
{
  auto wire = make_socket (options);
  auto protocol = make_shared<HeaderProtocol> (wire, options);
  ExtendedClient client (protocol);
  string name;

  wire->setRecvTimeout (120000);
  wire->open ();
  for (const string &value : { string ("first"), string ("grüße"), string (200, 'v'), string () })
    {
      protocol->setHeader ("trace", value);
      client.whoami (name);
      expect ("header", protocol->getHeaders ().at ("trace") == value);
    }
  client.whoami (name);
  expect ("no header", protocol->getHeaders ().empty ());
  client.echo_string (name, string (400, 'l'));
  expect ("text", name == string (400, 'l'));
  if (options.has ("brief"))
    return;

  StrangerClient stranger (protocol);

  check_all (client, stranger, options);
}

void
run_client (const Options &options)
{
  if (options.transport == "header")
    return check_header (options);

  auto wire = make_socket (options);
  shared_ptr<TBufferBase> transport;
  shared_ptr<TProtocol> protocol;

  wire->setRecvTimeout (120000);
  if (options.transport == "framed")
    transport = make_shared<TFramedTransport> (wire);
  else
    transport = make_shared<TBufferedTransport> (wire);
  transport->open ();
  if (options.has ("templates"))
    {
      if (options.protocol == "compact")
        check_templated (make_shared<TCompactProtocolT<TBufferBase> > (transport), options);
      else
        check_templated (make_shared<TBinaryProtocolT<TBufferBase> > (transport), options);
      return;
    }
  if (options.protocol == "compact")
    protocol = make_shared<TCompactProtocol> (transport);
  else
    protocol = make_shared<TBinaryProtocol> (transport);
  if (options.has ("multiplexed"))
    protocol = make_shared<TMultiplexedProtocol> (protocol, "probe");

  ExtendedClient client (protocol);
  StrangerClient stranger (protocol);

  check_all (client, stranger, options);
}

} // namespace

int
main (int argc, char **argv)
{
  if (argc < 5)
    {
      std::cerr << "usage: peer-cpp server|client PROTOCOL TRANSPORT ADDRESS [FLAG...]"
                << std::endl;
      return 2;
    }

  Options options = { argv[1], argv[2], argv[3], argv[4],
                      std::set<string> (argv + 5, argv + argc) };

  std::signal (SIGPIPE, SIG_IGN); /* as Apache asks of programs that use its sockets over TLS */
  GlobalOutput.setOutputFunction ([] (const char *) {});
  try
    {
      if (options.role == "server")
        serve (options);
      else
        run_client (options);
    }
  catch (const std::exception &exception)
    {
      std::cerr << "peer-cpp: " << exception.what () << std::endl;
      return 1;
    }
  return 0;
}
