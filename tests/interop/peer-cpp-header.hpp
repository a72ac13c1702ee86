/* The C++ peer's protocol over the header transport. */
#ifndef PEER_CPP_HEADER_HPP
#define PEER_CPP_HEADER_HPP

#include <memory>
#include <string>

#include <thrift/protocol/THeaderProtocol.h>

#include "peer-cpp-sockets.hpp"

/* A server's answers each request with the request's headers. */
class HeaderProtocol : public apache::thrift::protocol::THeaderProtocol
{
public:
  HeaderProtocol (std::shared_ptr<apache::thrift::transport::TTransport> transport,
                  const Options &options)
      : THeaderProtocol (transport,
                         options.protocol == "compact"
                             ? apache::thrift::protocol::T_COMPACT_PROTOCOL
                             : apache::thrift::protocol::T_BINARY_PROTOCOL),
        echoes_ (options.role == "server")
  {
    if (options.has ("zlib"))
      trans_->setTransform (apache::thrift::transport::THeaderTransport::ZLIB_TRANSFORM);
  }

  uint32_t
  readMessageBegin_virt (std::string &name,
                         apache::thrift::protocol::TMessageType &type,
                         int32_t &seqid) override
  {
    uint32_t count = THeaderProtocol::readMessageBegin_virt (name, type, seqid);

    if (echoes_)
      for (const auto &header : getHeaders ())
        setHeader (header.first, header.second);
    return count;
  }

private:
  bool echoes_;
};

/* Of a server, which has no factory for the output: both directions of a connection have one protocol. */
class HeaderProtocolFactory : public apache::thrift::protocol::TProtocolFactory
{
public:
  explicit HeaderProtocolFactory (const Options &options) : options_ (options)
  {
  }

  std::shared_ptr<apache::thrift::protocol::TProtocol>
  getProtocol (std::shared_ptr<apache::thrift::transport::TTransport> transport) override
  {
    return std::make_shared<HeaderProtocol> (transport, options_);
  }

private:
  const Options &options_;
};

#endif /* PEER_CPP_HEADER_HPP */
