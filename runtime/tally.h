/* Everything that generated code and programs include. */
#ifndef TALLY_H
#define TALLY_H

#include "tally-channel.h"
#include "tally-client.h"
#include "tally-endpoint.h"
#include "tally-error.h"
#include "tally-pool.h"
#include "tally-processor.h"
#include "tally-server.h"
#include "tally-socket.h"
#include "tally-struct.h"
#include "tally-types.h"

#endif /* TALLY_H */
