/*
 * fuzz_store: any bytes as a list of calls of byron.h.
 */
#include "support/course.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    course_run("fuzz_store", bytes, size, NULL);
    return 0;
}
