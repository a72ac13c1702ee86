/* The rich value that the echo example sends. */
#ifndef EXAMPLES_PAYLOAD_H
#define EXAMPLES_PAYLOAD_H

#include "demo_echo_types.h"

/* (transfer full): 100 structs, a map of 50, a list of 1,000 numbers and 4 KiB of bytes; another
 * @seed makes another value. */
DemoPayload *payload_new (guint seed);

#endif /* EXAMPLES_PAYLOAD_H */
