/* What a server says that executes no request, in words by which a client knows it: the one place that both sides
 * have them from. Other versions' clients know them, too. */
#ifndef TALLY_SERVER_WORDS_PRIVATE_H
#define TALLY_SERVER_WORDS_PRIVATE_H

/* What the message of an error begins with that a TApplicationException became. */
#define TALLY_SERVER_SAYS "the server says: "

/* What a refusal begins with. */
#define TALLY_SERVER_IS "the server is "
#define TALLY_SERVER_IS_STOPPING TALLY_SERVER_IS "stopping"
#define TALLY_SERVER_IS_BUSY TALLY_SERVER_IS "busy"
#define TALLY_SERVER_IS_FULL TALLY_SERVER_IS "full"
#define TALLY_SERVER_DEADLINE "the request's deadline passed "

/* What a refusal and a goodbye have in them. */
#define TALLY_SERVER_NOT_EXECUTED "not executed"

#define TALLY_SERVER_STOPS TALLY_SERVER_IS_STOPPING "; the request was " TALLY_SERVER_NOT_EXECUTED
#define TALLY_SERVER_GOODBYE                                                                       \
  TALLY_SERVER_IS_STOPPING                                                                         \
  "; a request that was not answered before this was " TALLY_SERVER_NOT_EXECUTED

#endif /* TALLY_SERVER_WORDS_PRIVATE_H */
