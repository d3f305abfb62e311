/*
 * fuzz_http: whatever a client of the server may send after its first words.
 */
#include <stddef.h>
#include <stdint.h>

#include "server/played.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = {0};

    if (size > 60000)
        return 0;
    played_preface(&in);
    if (bytes_add(&in, data, size) == BYRON_OK)
        played_run(bytes_lend(&in), NULL);
    bytes_deinit(&in);
    return 0;
}
