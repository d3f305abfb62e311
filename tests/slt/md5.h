/*
 * md5: the fingerprint that sqllogictest's files have of long results.
 */
#ifndef BYRON_TESTS_MD5_H
#define BYRON_TESTS_MD5_H

#include <stddef.h>

/* Writes 32 hexadecimal digits and a zero (RFC 1321). */
void md5(const void *bytes, size_t size, char out[33]);

#endif
