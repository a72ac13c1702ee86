"""A server of sessions.thrift over Apache's Python library: unframed binary, as HiveServer2 without SASL speaks.

  sessions.py GENERATED

It prints where it listens.
"""
import sys

sys.path.insert(0, sys.argv[1])

from thrift.protocol.TBinaryProtocol import TBinaryProtocolFactory
from thrift.server.TServer import TThreadedServer
from thrift.transport.TSocket import TServerSocket
from thrift.transport.TTransport import TBufferedTransportFactory

from sessions import TCLIService
from sessions.ttypes import (TCloseSessionResp, THandleIdentifier, TOpenSessionResp, TProtocolVersion, TSessionHandle,
                             TStatus, TStatusCode)


class Handler:
    def __init__(self):
        self.secrets = {}

    def OpenSession(self, req):
        version = min(req.client_protocol, TProtocolVersion.HIVE_CLI_SERVICE_PROTOCOL_V10)
        if req.username != 'anna':
            status = TStatus(TStatusCode.ERROR_STATUS, errorMessage='who is %s?' % req.username)
            return TOpenSessionResp(status, version)
        identifier = THandleIdentifier(bytes(range(16)), b'\xff' * 16)
        self.secrets[identifier.guid] = identifier.secret
        return TOpenSessionResp(TStatus(TStatusCode.SUCCESS_STATUS), version, TSessionHandle(identifier),
                                dict(req.configuration or {}, opened='1'))

    def CloseSession(self, req):
        identifier = req.sessionHandle.sessionId
        known = self.secrets.pop(identifier.guid, None) == identifier.secret
        return TCloseSessionResp(TStatus(TStatusCode.SUCCESS_STATUS if known else TStatusCode.INVALID_HANDLE_STATUS))


class Listener(TServerSocket):
    def listen(self):
        TServerSocket.listen(self)
        print('listening on tcp://127.0.0.1:%d' % self.handle.getsockname()[1], flush=True)


TThreadedServer(TCLIService.Processor(Handler()), Listener('127.0.0.1', 0), TBufferedTransportFactory(),
                TBinaryProtocolFactory(), daemon=True).serve()
