/* Variables that each thread has for itself. */
#ifndef TALLY_THREAD_LOCAL_INTERNAL_H
#define TALLY_THREAD_LOCAL_INTERNAL_H

/* Reached by the thread's pointer in one step; a shared library's would else take a call each time. All
 * together are a few words, which the libc has room for also where a program loads the library later. */
#define TALLY_THREAD_LOCAL __thread __attribute__ ((tls_model ("initial-exec")))

#endif /* TALLY_THREAD_LOCAL_INTERNAL_H */
