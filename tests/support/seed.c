#include "support/seed.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t choose_seed(void)
{
    const char *text = getenv("BYRON_SEED");
    struct timespec now;

    if (text && *text)
        return strtoull(text, NULL, 0);
    clock_gettime(CLOCK_REALTIME, &now);
    return ((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec) %
           1000000000u;
}

uint64_t test_seed(void)
{
    static bool is_chosen;
    static uint64_t seed;

    if (!is_chosen) {
        seed = choose_seed();
        is_chosen = true;
    }
    return seed;
}

void rng_init(struct rng *rng, uint64_t seed)
{
    rng->state = seed;
}

/* splitmix64: any seed is as good as another. */
uint64_t rng_next(struct rng *rng)
{
    uint64_t mixed = rng->state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

uint64_t rng_below(struct rng *rng, uint64_t n)
{
    return rng_next(rng) % n;
}

bool rng_one_in(struct rng *rng, uint64_t n)
{
    return rng_below(rng, n) == 0;
}

void rng_bytes(struct rng *rng, void *out, size_t size)
{
    uint8_t *to = out;

    while (size > 0) {
        uint64_t word = rng_next(rng);
        size_t piece = size < sizeof word ? size : sizeof word;
        memcpy(to, &word, piece);
        to += piece;
        size -= piece;
    }
}
