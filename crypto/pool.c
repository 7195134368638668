#include "crypto.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS_MAX 64

struct crypto_pool {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct crypto_task *first, *last; /* oldest, newest */
    bool closing;
    unsigned thread_count;
    pthread_t threads[THREADS_MAX];
};

/* Waits for a task; NULL when the pool is closing and all are done. */
static struct crypto_task *take(struct crypto_pool *pool)
{
    struct crypto_task *task;

    pthread_mutex_lock(&pool->mutex);
    while (!pool->first && !pool->closing)
        pthread_cond_wait(&pool->changed, &pool->mutex);
    task = pool->first;
    if (task && !(pool->first = task->next))
        pool->last = NULL;
    pthread_mutex_unlock(&pool->mutex);
    return task;
}

static void *work(void *argument)
{
    struct crypto_task *task;

    while ((task = take(argument)) != NULL)
        task->run(task); /* the task may be gone after it */
    return NULL;
}

/* The threads take no signals: those are for the program's main thread. */
static void start(struct crypto_pool *pool, unsigned threads)
{
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool->thread_count < threads &&
           pthread_create(&pool->threads[pool->thread_count], NULL, work,
                          pool) == 0)
        pool->thread_count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

enum status crypto_pool_open(unsigned threads, struct crypto_pool **pool)
{
    struct crypto_pool *opened = calloc(1, sizeof *opened);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    *pool = NULL;
    if (!opened)
        return STATUS_NOMEM;
    if (!threads)
        threads = processors > 0 ? (unsigned)processors : 1;
    pthread_mutex_init(&opened->mutex, NULL);
    pthread_cond_init(&opened->changed, NULL);
    start(opened, threads < THREADS_MAX ? threads : THREADS_MAX);
    if (!opened->thread_count) {
        crypto_pool_close(opened);
        return STATUS_IO;
    }
    *pool = opened;
    return STATUS_OK;
}

void crypto_pool_add(struct crypto_pool *pool, struct crypto_task *task)
{
    task->next = NULL;
    pthread_mutex_lock(&pool->mutex);
    if (pool->last)
        pool->last->next = task;
    else
        pool->first = task;
    pool->last = task;
    pthread_cond_signal(&pool->changed);
    pthread_mutex_unlock(&pool->mutex);
}

void crypto_pool_close(struct crypto_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->closing = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}
