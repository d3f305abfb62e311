#include "base/alloc.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(bytes, size)   ((void)(bytes), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(bytes, size) ((void)(bytes), (void)(size))
#endif

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

void *alloc_lines(size_t size)
{
    void *bytes = NULL;

    /* Sanitizers take what no system has for a mistake. */
    if (size > PTRDIFF_MAX || must_fail() ||
        posix_memalign(&bytes, ALLOC_LINE_SIZE, size ? size : 1) != 0)
        return NULL;
    return count_in(bytes);
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
 * What a commit of one row cost was for the most part a system call that maps
 * pages, a fault at their first use and a call that unmaps them; and a large
 * memtable waits less for huge pages that need not be cleared.
 */
struct shelf {
    size_t size; /* Of a piece. */
    size_t count;
    _Atomic(void *) pieces[ALLOC_KEPT_COUNT];
};
static struct shelf kept_shelf = {ALLOC_KEPT_SIZE, ALLOC_KEPT_COUNT, {NULL}};
static struct shelf huge_shelf = {ALLOC_HUGE_SIZE, ALLOC_HUGE_COUNT, {NULL}};

static struct shelf *shelf_of(size_t size)
{
    if (size == kept_shelf.size)
        return &kept_shelf;
    return size == huge_shelf.size ? &huge_shelf : NULL;
}

static void *take_kept(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++) {
        void *pages = NULL;
        if (atomic_load_explicit(&shelf->pieces[i], memory_order_relaxed))
            pages = atomic_exchange(&shelf->pieces[i], NULL);
        if (pages)
            return pages;
    }
    return NULL;
}

static bool keep(struct shelf *shelf, void *pages)
{
    /* Before anyone else can have it. */
    if (shelf == &huge_shelf)
        (void)madvise(pages, shelf->size, MADV_FREE);
    for (size_t i = 0; i < shelf->count; i++) {
        void *none = NULL;
        if (!atomic_load_explicit(&shelf->pieces[i], memory_order_relaxed) &&
            atomic_compare_exchange_strong(&shelf->pieces[i], &none, pages))
            return true;
    }
    return false;
}

static void unmap(void *pages, size_t size)
{
    int result = size > 0 ? munmap(pages, size) : 0;
    assert(result == 0);
    (void)result;
}

static void *map(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

/* Where huge pages may lie; if there are none, small ones do. */
static void *map_huge(size_t size)
{
    size_t alignment =
        size % ALLOC_HUGE_SIZE == 0 ? ALLOC_HUGE_SIZE : ALLOC_HUGE_PAGE;
    uint8_t *pages = map(size + alignment);
    size_t before;

    if (!pages)
        return NULL;
    before = -(uintptr_t)pages % alignment;
    unmap(pages, before);
    pages += before;
    unmap(pages + size, alignment - before);
    (void)madvise(pages, size, MADV_HUGEPAGE);
    return pages;
}

void *alloc_pages(size_t size)
{
    struct shelf *shelf = shelf_of(size);
    void *pages = NULL;

    assert(size > 0 && size <= SIZE_MAX - ALLOC_HUGE_SIZE);
    if (must_fail())
        return NULL;
    if (shelf)
        pages = take_kept(shelf);
    if (!pages)
        pages = size % ALLOC_HUGE_PAGE == 0 ? map_huge(size) : map(size);
    return count_in(pages);
}

void alloc_pages_free(void *pages, size_t size)
{
    struct shelf *shelf = shelf_of(size);

    if (!pages)
        return;
    count_out();
    if (!shelf || !keep(shelf, pages))
        unmap(pages, size);
}

void alloc_forbid(void *bytes, size_t size, bool is_forbidden)
{
    if (is_forbidden)
        ASAN_POISON_MEMORY_REGION(bytes, size);
    else
        ASAN_UNPOISON_MEMORY_REGION(bytes, size);
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
