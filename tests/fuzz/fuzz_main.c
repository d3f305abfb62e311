/*
 * fuzz_main: runs a fuzzer's entry point over files, where libFuzzer is not
 * there to call it. Usage: fuzz_<what> FILE...
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    long size;
    uint8_t *bytes;

    if (!file || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
        perror(path);
        return 1;
    }
    rewind(file);
    bytes = malloc((size_t)size + 1);
    if (!bytes || fread(bytes, 1, (size_t)size, file) != (size_t)size) {
        perror(path);
        return 1;
    }
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, (size_t)size);
    free(bytes);
    return 0;
}

int main(int count, char **paths)
{
    int failed = 0;

    for (int i = 1; i < count; i++)
        failed |= run_file(paths[i]);
    printf("%d files\n", count - 1);
    return failed || count < 2;
}
