#include "slt/md5.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint32_t rotate(uint32_t word, int bits)
{
    return word << bits | word >> (32 - bits);
}

static void add_block(uint32_t state[4], const uint8_t *block)
{
    static const int turns[4][4] = {
        {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];

    for (uint32_t i = 0; i < 64; i++) {
        uint32_t round = i / 16, mixed, at, word, next;

        mixed = round == 0   ? (b & c) | (~b & d)
                : round == 1 ? (d & b) | (~d & c)
                : round == 2 ? b ^ c ^ d
                             : c ^ (b | ~d);
        at = (uint32_t[]){i, 5 * i + 1, 3 * i + 5, 7 * i}[round] % 16;
        memcpy(&word, block + 4 * at, sizeof word);
        next = b + rotate(a + mixed + word +
                              (uint32_t)(fabs(sin(i + 1)) * 4294967296.0),
                          turns[round][i % 4]);
        a = d;
        d = c;
        c = b;
        b = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

void md5(const void *bytes, size_t size, char out[33])
{
    uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    uint8_t tail[128] = {0};
    const uint8_t *from = bytes;
    size_t whole = size / 64 * 64, rest = size - whole;
    size_t tail_size = rest < 56 ? 64 : 128;
    uint64_t bits = (uint64_t)size * 8;

    for (size_t at = 0; at < whole; at += 64)
        add_block(state, from + at);
    if (rest > 0)
        memcpy(tail, from + whole, rest);
    tail[rest] = 0x80;
    memcpy(tail + tail_size - 8, &bits, sizeof bits);
    for (size_t at = 0; at < tail_size; at += 64)
        add_block(state, tail + at);
    for (int i = 0; i < 16; i++)
        sprintf(out + (size_t)2 * (size_t)i, "%02x",
                state[i / 4] >> (i % 4 * 8) & 0xff);
}
