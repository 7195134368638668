/*
 * paho_heap.h - what Paho has allocated, for tests that look for losses.
 *
 * Paho ends with its last client, and when its threads log a word too much
 * then, its trace buffer leaks, once in a thousand ends.  So a test holds a
 * client, and there is one end: that of the program, after which
 * LeakSanitizer looks for whatever Paho or we have lost.
 */
#ifndef SAMPAN_TEST_PAHO_HEAP_H
#define SAMPAN_TEST_PAHO_HEAP_H

#include <time.h>

#include <MQTTAsync.h>

#define PAHO_HEAP_WAIT_S 10

static MQTTAsync paho_held;

static inline void paho_release(void)
{
    MQTTAsync_destroy(&paho_held);
}

static inline void paho_hold(void)
{
    if (paho_held != NULL)
        return;
    assert_int_equal(MQTTAsync_create(&paho_held, "tcp://127.0.0.1:1", "held",
                                      MQTTCLIENT_PERSISTENCE_NONE, NULL),
                     MQTTASYNC_SUCCESS);
    assert_int_equal(atexit(paho_release), 0);
}

/* What is allocated and not freed; Paho exports this, without a header. */
struct paho_heap {
    size_t now_bytes;
    size_t most_bytes;
};
extern struct paho_heap *Heap_get_info(void);

static inline size_t paho_heap_bytes(void)
{
    return Heap_get_info()->now_bytes;
}

/* Its threads free the last of a client a moment after the client's end. */
static inline void paho_heap_comes_to(size_t bytes)
{
    const struct timespec moment = {0, 10000000};

    for (int i = 0; i < PAHO_HEAP_WAIT_S * 100 && paho_heap_bytes() != bytes;
         i++)
        nanosleep(&moment, NULL);
    assert_int_equal(paho_heap_bytes(), bytes);
}

#endif
