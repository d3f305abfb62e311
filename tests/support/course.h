/*
 * course: bytes as a list of calls of byron.h, on a store in memory, held
 * against plain arrays. Whatever the calls are, all that is read is what was
 * written, also after power cuts, another opening and a compaction; what is not
 * is printed, and the program aborts.
 *
 * One byte names a call, those behind it its arguments; where bytes are lacking
 * they are 0. Time is virtual: where all work is done inline the same bytes are
 * always the same course.
 */
#ifndef BYRON_TESTS_COURSE_H
#define BYRON_TESTS_COURSE_H

#include "byron.h"

#define COURSE_CALLS 500 /* More are not looked at. */

/*
 * options NULL: the bytes choose, tiny sizes and inline work, and change them
 * under way. Else they stay; its os and create are not looked at. name: for the
 * message. One at a time.
 */
void course_run(const char *name, const uint8_t *bytes, size_t size,
                const struct byron_options *options);

#endif
