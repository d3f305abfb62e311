#include "memtable/tree.h"
#include "support/entry_list.h"

Suite *test_tree_suite(void);

/* --- A reader that stood still --------------------------------------------
 *
 * A reader may load a node and sleep, while the writer goes on. The node it
 * wakes up in, which may be a part of the tree no more, still has to lead to
 * everything that was there when it fell asleep.
 */

#define NUMBERS  600 /* Of keys: so many that the root grows twice. */
#define ASLEEP   16  /* The readers that fell asleep last. */
#define PREFIXES 20

struct reader {
    struct tree tree; /* Rooted where it stands. */
    uint64_t lower;   /* Targets that are routed there: above lower, */
    uint64_t upper;   /* and below upper. */
    uint64_t time;    /* What was inserted before it fell asleep. */
};

struct forest {
    struct arena *arena;
    struct tree tree;
    uint64_t times[NUMBERS + 2]; /* When each number came; 0: never. */
    uint64_t now;
    struct reader readers[ASLEEP];
    size_t reader_count;
};

static struct slice key_of(uint8_t space[PREFIXES + 2], uint64_t number)
{
    memset(space, 'r', PREFIXES);
    space[PREFIXES] = (uint8_t)(number >> 8);
    space[PREFIXES + 1] = (uint8_t)number;
    return slice_of(space, PREFIXES + 2);
}

static uint64_t number_of(const struct record *record)
{
    return (uint64_t)record->bytes[PREFIXES] << 8 | record->bytes[PREFIXES + 1];
}

static const struct record *new_record(struct forest *forest, uint64_t number)
{
    uint8_t space[PREFIXES + 2];
    struct entry entry = {key_of(space, number), slice_of(NULL, 0), 1,
                          ENTRY_PUT};
    struct record *record;

    must(arena_reserve(forest->arena, record_size(&entry), 1) == BYRON_OK);
    record = arena_take(forest->arena, record_size(&entry));
    record->sequence = entry.sequence;
    record->key_size = (uint32_t)entry.key.size;
    record->value_size = 0;
    record->kind = ENTRY_PUT;
    memcpy(record->bytes, entry.key.data, entry.key.size);
    return record;
}

/* Numbers in ascending order. */
static void insert(struct forest *forest, const uint64_t *numbers, size_t count)
{
    const struct record *records[TREE_GROUP];
    size_t bytes;
    size_t pieces;

    for (size_t i = 0; i < count; i++)
        records[i] = new_record(forest, numbers[i]);
    tree_worst_case(&forest->tree, count, &bytes, &pieces);
    must(arena_reserve(forest->arena, bytes, pieces) == BYRON_OK);
    tree_insert(&forest->tree, records, count);
    for (size_t i = 0; i < count; i++)
        forest->times[numbers[i]] = ++forest->now;
}

/* A reader falls asleep in each inner node on the way to number. */
static void put_to_sleep(struct forest *forest, uint64_t number)
{
    uint8_t space[PREFIXES + 2];
    struct target target = {key_of(space, number), 1, false};
    struct node *node = atomic_load(&forest->tree.root);
    uint64_t lower = 0;
    uint64_t upper = NUMBERS + 1;

    while (node->level > 0) {
        struct reader *reader =
            &forest->readers[forest->reader_count++ % ASLEEP];
        uint64_t order = node_order(node);
        unsigned rank = node_rank(node, order, &target);
        *reader = (struct reader){
            .lower = lower, .upper = upper, .time = forest->now};
        atomic_init(&reader->tree.root, node);
        if (rank > 0)
            lower = number_of(node_record(node, order, rank - 1));
        if (rank < order_count(order))
            upper = number_of(node_record(node, order, rank));
        node = node_child(node, order, rank);
    }
}

static bool saw(const struct forest *forest, const struct reader *reader,
                uint64_t number)
{
    return forest->times[number] > 0 && forest->times[number] <= reader->time;
}

/* What is found lies beyond target, and nothing the reader saw lies between. */
static void check_find(const struct forest *forest, const struct reader *reader,
                       uint64_t number)
{
    uint8_t space[PREFIXES + 2];
    struct target target = {key_of(space, number), 1, false};
    const struct record *record;
    struct place place;
    uint64_t next = number;
    uint64_t last = number;

    while (next < reader->upper && !saw(forest, reader, next))
        next++;
    tree_find(&reader->tree, &target, &place);
    record = place_record(&place);
    if (record)
        must(number_of(record) >= number);
    if (next < reader->upper)
        must(record && number_of(record) <= next);

    while (last > reader->lower && !saw(forest, reader, last - 1))
        last--;
    tree_find_left(&reader->tree, &target, &place);
    record = place_record(&place);
    if (record)
        must(number_of(record) >= number);
    if (last > reader->lower) {
        must(place.rank > 0);
        record = node_record(place.leaf, place.order, place.rank - 1);
        must(number_of(record) < number);
        must(number_of(record) >= last - 1);
    }
}

static void wake(const struct forest *forest, struct rng *rng, uint64_t number)
{
    size_t count =
        forest->reader_count < ASLEEP ? forest->reader_count : ASLEEP;

    for (size_t i = 0; i < count; i++) {
        const struct reader *reader = &forest->readers[i];
        uint64_t width = reader->upper - reader->lower - 1;
        if (width == 0)
            continue;
        for (uint64_t near = number - (number > 2 ? 2 : number);
             near <= number + 2; near++) {
            if (near > reader->lower && near < reader->upper)
                check_find(forest, reader, near);
        }
        check_find(forest, reader, reader->lower + 1);
        check_find(forest, reader, reader->upper - 1);
        check_find(forest, reader, reader->lower + 1 + rng_below(rng, width));
    }
}

#define SHAPES 5

/* The i-th number of a permutation of 1 to NUMBERS. */
static uint64_t nth(int shape, uint64_t i)
{
    switch (shape) {
    case 0:
        return i + 1;
    case 1:
        return NUMBERS - i;
    case 2: /* From the middle to both ends. */
        return i % 2 ? NUMBERS / 2 - i / 2 : NUMBERS / 2 + 1 + i / 2;
    case 3: /* Runs into gaps. */
        return i % 50 * 12 + i / 50 + 1;
    default:
        return i * 14021 % NUMBERS + 1;
    }
}

/* The next numbers of a shape, as many as one group may have, in order. */
static size_t take_group(int shape, uint64_t from, struct rng *rng,
                         uint64_t numbers[TREE_GROUP])
{
    size_t most = 1 + rng_below(rng, TREE_GROUP);
    size_t count = 0;

    while (count < most && from + count < NUMBERS) {
        uint64_t number = nth(shape, from + count);
        size_t at = count++;
        for (; at > 0 && numbers[at - 1] > number; at--)
            numbers[at] = numbers[at - 1];
        numbers[at] = number;
    }
    return count;
}

static void sleep_insert_wake(struct forest *forest, const uint64_t *numbers,
                              size_t count, struct rng *rng)
{
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(forest->times[numbers[i]], 0);
        put_to_sleep(forest, numbers[i]);
    }
    insert(forest, numbers, count);
    for (size_t i = 0; i < count; i++)
        wake(forest, rng, numbers[i]);
}

START_TEST(a_reader_that_slept_finds_all_that_it_could_see)
{
    static struct forest forest;
    struct rng rng;
    uint64_t numbers[TREE_GROUP];
    bool is_grouped = _i >= SHAPES;

    memset(&forest, 0, sizeof forest);
    rng_init(&rng, test_seed() + (uint64_t)_i);
    must(arena_new(1 << 16, &forest.arena) == BYRON_OK);
    must(tree_init(&forest.tree, forest.arena) == BYRON_OK);
    for (uint64_t i = 0; i < NUMBERS;) {
        size_t count = 1;
        numbers[0] = nth(_i % SHAPES, i);
        if (is_grouped)
            count = take_group(_i % SHAPES, i, &rng, numbers);
        sleep_insert_wake(&forest, numbers, count, &rng);
        i += count;
    }
    ck_assert_uint_ge(atomic_load(&forest.tree.root)->level, 2);
    arena_free(forest.arena);
}
END_TEST

Suite *test_tree_suite(void)
{
    Suite *suite = suite_create("tree");
    TCase *cases = tcase_create("tree");

    tcase_add_loop_test(cases, a_reader_that_slept_finds_all_that_it_could_see,
                        0, 2 * SHAPES);
    suite_add_tcase(suite, cases);
    return suite;
}
