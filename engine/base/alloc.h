/*
 * alloc: every allocation of the engine, so that tests can fail each one.
 *
 * NULL means out of memory; callers answer error_no_memory().
 */
#ifndef BYRON_BASE_ALLOC_H
#define BYRON_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

void *alloc_bytes(size_t size);                /* malloc */
void *alloc_zeroed(size_t count, size_t size); /* calloc */
void *alloc_resize(void *bytes, size_t size);  /* realloc */
void alloc_free(void *bytes);                  /* NULL is fine. */
/* alloc_bytes, from the start of a line of the processor's caches on. */
#define ALLOC_LINE_SIZE ((size_t)64)
void *alloc_lines(size_t size);
char *alloc_text(const char *text); /* strdup */

/*
 * Whole pages straight from the system, returned to it when freed, but for some
 * pieces of either of these sizes, which serve the next who ask. A piece of
 * the larger that is kept is the system's as soon as memory is short. Multiples
 * of ALLOC_HUGE_PAGE may be huge pages. What pages hold is undefined.
 */
#define ALLOC_HUGE_PAGE  ((size_t)2 * 1024 * 1024)
#define ALLOC_KEPT_SIZE  ((size_t)64 * 1024)
#define ALLOC_HUGE_SIZE  ((size_t)8 * 1024 * 1024)
#define ALLOC_KEPT_COUNT 16
#define ALLOC_HUGE_COUNT 4
void *alloc_pages(size_t size);
void alloc_pages_free(void *pages, size_t size); /* NULL is fine. */

/* What lies in pages, but in no piece that was handed out: under a sanitizer to
 * touch it is a mistake, as it is with memory that was freed. */
void alloc_forbid(void *bytes, size_t size, bool is_forbidden);

/* Tests: the nth allocation from now fails (1 = the next); 0 = never. */
void alloc_fail_after(size_t nth);
/* Tests: how many allocations it is until then; 0 = none will fail. */
size_t alloc_fail_pending(void);
/* Tests: allocations that live now, over all threads. */
size_t alloc_live(void);

#endif
