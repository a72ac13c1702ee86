/* What opening and closing a session takes of a service that speaks as HiveServer2 does: its names and field ids, and no more of it. */
namespace py sessions

enum TProtocolVersion
{
  HIVE_CLI_SERVICE_PROTOCOL_V1 = 0
  HIVE_CLI_SERVICE_PROTOCOL_V10 = 9
}

enum TStatusCode
{
  SUCCESS_STATUS = 0
  ERROR_STATUS = 3
  INVALID_HANDLE_STATUS = 4
}

struct TStatus
{
  1: required TStatusCode statusCode
  2: optional list<string> infoMessages
  5: optional string errorMessage
}

struct THandleIdentifier
{
  1: required binary guid
  2: required binary secret
}

struct TSessionHandle
{
  1: required THandleIdentifier sessionId
}

struct TOpenSessionReq
{
  1: required TProtocolVersion client_protocol = TProtocolVersion.HIVE_CLI_SERVICE_PROTOCOL_V10
  2: optional string username
  3: optional string password
  4: optional map<string, string> configuration
}

struct TOpenSessionResp
{
  1: required TStatus status
  2: required TProtocolVersion serverProtocolVersion = TProtocolVersion.HIVE_CLI_SERVICE_PROTOCOL_V10
  3: optional TSessionHandle sessionHandle
  4: optional map<string, string> configuration
}

struct TCloseSessionReq
{
  1: required TSessionHandle sessionHandle
}

struct TCloseSessionResp
{
  1: required TStatus status
}

service TCLIService
{
  TOpenSessionResp OpenSession (1: TOpenSessionReq req)
  TCloseSessionResp CloseSession (1: TCloseSessionReq req)
}
