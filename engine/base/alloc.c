#include "base/alloc.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/*
 * Live allocations are counted per thread, a cache line each, so that threads
 * do not fight over one counter and need no locked instruction. The threads
 * that come after the first ones share the last counter. One counter alone
 * may be negative: one thread allocates, another frees. Only the sum counts.
 */
#define COUNTER_COUNT 64

/* Up to this glibc's malloc takes what the thread has at hand, which its calloc
 * does not. */
#define SMALL_SIZE 1024

struct counter {
    _Alignas(64) atomic_size_t live;
};
static struct counter counters[COUNTER_COUNT];
static atomic_uint counters_given;
static _Thread_local struct counter *own_counter;

/* How many allocations from now the failing one is; 0 = none. */
static _Alignas(64) atomic_size_t fail_countdown;

static struct counter *give_counter(void)
{
    unsigned given = atomic_load(&counters_given);

    while (given < COUNTER_COUNT - 1) {
        if (atomic_compare_exchange_weak(&counters_given, &given, given + 1))
            break;
    }
    own_counter = &counters[given];
    return own_counter;
}

static void count(size_t change)
{
    struct counter *counter = own_counter ? own_counter : give_counter();

    if (counter == &counters[COUNTER_COUNT - 1]) {
        atomic_fetch_add_explicit(&counter->live, change, memory_order_relaxed);
    } else {
        size_t live =
            atomic_load_explicit(&counter->live, memory_order_relaxed);
        atomic_store_explicit(&counter->live, live + change,
                              memory_order_relaxed);
    }
}

static void *count_in(void *bytes)
{
    if (bytes)
        count(1);
    return bytes;
}

static void count_out(void)
{
    count((size_t)-1);
}

/* Only while a test counts down; exactly one allocation gets true. */
static bool countdown_ends_here(void)
{
    size_t left = atomic_load(&fail_countdown);
    while (left != 0) {
        if (atomic_compare_exchange_weak(&fail_countdown, &left, left - 1))
            return left == 1;
    }
    return false;
}

static bool must_fail(void)
{
    return atomic_load_explicit(&fail_countdown, memory_order_relaxed) != 0 &&
           countdown_ends_here();
}

void *alloc_bytes(size_t size)
{
    if (must_fail())
        return NULL;
    return count_in(malloc(size ? size : 1));
}

void *alloc_zeroed(size_t count, size_t size)
{
    size_t total;
    void *bytes;

    if (__builtin_mul_overflow(count, size, &total) || must_fail())
        return NULL;
    if (total == 0 || total > SMALL_SIZE)
        return count_in(calloc(count ? count : 1, size ? size : 1));
    bytes = count_in(malloc(total));
    if (bytes)
        memset(bytes, 0, total);
    return bytes;
}

void *alloc_resize(void *bytes, size_t size)
{
    if (!bytes)
        return alloc_bytes(size);
    if (must_fail())
        return NULL;
    return realloc(bytes, size ? size : 1);
}

void alloc_free(void *bytes)
{
    if (!bytes)
        return;
    count_out();
    free(bytes);
}

char *alloc_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = alloc_bytes(size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

/*
 * The pages that a small transaction took, for the next one: a system call, a
 * page fault and another call each were most of what its commit cost.
 */
static _Atomic(void *) kept_pages;

void *alloc_pages(size_t size)
{
    void *pages = NULL;

    assert(size > 0);
    if (must_fail())
        return NULL;
    if (size == ALLOC_KEPT_SIZE)
        pages = atomic_exchange(&kept_pages, NULL);
    if (pages)
        return count_in(pages);
    pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : count_in(pages);
}

void alloc_pages_free(void *pages, size_t size)
{
    void *none = NULL;
    int result;

    if (!pages)
        return;
    count_out();
    if (size == ALLOC_KEPT_SIZE &&
        atomic_compare_exchange_strong(&kept_pages, &none, pages))
        return;
    result = munmap(pages, size);
    assert(result == 0);
    (void)result;
}

void alloc_fail_after(size_t nth)
{
    atomic_store(&fail_countdown, nth);
}

size_t alloc_fail_pending(void)
{
    return atomic_load(&fail_countdown);
}

size_t alloc_live(void)
{
    size_t live = 0;
    for (size_t i = 0; i < COUNTER_COUNT; i++)
        live += atomic_load_explicit(&counters[i].live, memory_order_relaxed);
    return live;
}
