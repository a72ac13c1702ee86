/* Everything that generated code and programs include. Apache's headers stand here because programs
 * written for Apache's generated code get them from it without naming them. */
#ifndef TALLY_H
#define TALLY_H

#include <string.h>

#include <thrift/c_glib/thrift.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "tally-call-info.h"
#include "tally-call-log.h"
#include "tally-call-options.h"
#include "tally-call-statistics.h"
#include "tally-channel.h"
#include "tally-client.h"
#include "tally-endpoint.h"
#include "tally-error.h"
#include "tally-headers.h"
#include "tally-interceptor.h"
#include "tally-pool.h"
#include "tally-resolver.h"
#include "tally-processor.h"
#include "tally-registration.h"
#include "tally-reply.h"
#include "tally-retry-policy.h"
#include "tally-server.h"
#include "tally-service.h"
#include "tally-socket.h"
#include "tally-struct.h"
#include "tally-trace.h"
#include "tally-trace-propagator.h"
#include "tally-types.h"

#endif /* TALLY_H */
