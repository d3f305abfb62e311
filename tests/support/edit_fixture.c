#include "support/edit_fixture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static char text[64 * 1024];

/* What a test cannot go on without. */
static void require(bool holds)
{
    if (!holds)
        abort();
}

static void set_buf(struct buf *buf, const char *bytes)
{
    require(buf_add(buf, bytes, strlen(bytes)) == BYRON_OK);
}

struct table_facts fixture_facts(uint64_t number, const char *smallest,
                                 const char *largest)
{
    struct table_facts facts = {.uid = 1000 + number,
                                .size = 10 * number,
                                .entries = number,
                                .tombstones = number / 2,
                                .raw_bytes = 20 * number,
                                .min_sequence = number,
                                .max_sequence = 2 * number,
                                .file_hash = 3000 + number};
    set_buf(&facts.smallest, smallest);
    set_buf(&facts.largest, largest);
    return facts;
}

void fixture_add(struct version_edit *edit, uint32_t level, uint64_t run,
                 uint64_t number, const char *smallest, const char *largest)
{
    struct table_facts facts = fixture_facts(number, smallest, largest);
    require(version_edit_add(edit, level, run, number, 5000 + number, &facts) ==
            BYRON_OK);
}

void fixture_remove(struct version_edit *edit, uint64_t number)
{
    require(version_edit_remove(edit, number) == BYRON_OK);
}

void fixture_drop(struct version_edit *edit, uint64_t wal, const char *lower,
                  const char *upper)
{
    require(version_edit_drop(edit, wal, slice_of(lower, strlen(lower)),
                              slice_of(upper, strlen(upper))) == BYRON_OK);
}

struct table_meta *fixture_meta(struct table_env *env, uint64_t number,
                                const char *smallest, const char *largest)
{
    struct table_facts facts = fixture_facts(number, smallest, largest);
    struct table_meta *meta;
    require(table_meta_new(env, number, &facts, 5000 + number, &meta) ==
            BYRON_OK);
    return meta;
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    size_t size = strlen(text);
    va_list list;
    va_start(list, format);
    vsnprintf(text + size, sizeof text - size, format, list);
    va_end(list);
}

static void say_range(const struct buf *from, const struct buf *to,
                      const char *close)
{
    say("[%.*s,%.*s%s", (int)from->size, (const char *)from->data,
        (int)to->size, (const char *)to->data, close);
}

static void say_version(const struct version *version)
{
    for (int l = 0; l < BYRON_LEVELS; l++)
        for (size_t r = 0; r < version->levels[l].count; r++) {
            const struct run *run = &version->levels[l].runs[r];
            say("L%d r%llu", l, (unsigned long long)run->id);
            for (size_t t = 0; t < run->count; t++) {
                const struct table_meta *meta = run->tables[t];
                say(" %llu", (unsigned long long)meta->number);
                say_range(&meta->facts.smallest, &meta->facts.largest, "]");
            }
            say(" | ");
        }
}

const char *fixture_version_text(const struct version *version)
{
    text[0] = 0;
    say_version(version);
    return text;
}

const char *fixture_text(const struct store_state *state)
{
    text[0] = 0;
    say_version(state->version);
    for (size_t i = 0; i < state->drop_count; i++) {
        say("drop %llu", (unsigned long long)state->drops[i].wal);
        say_range(&state->drops[i].lower, &state->drops[i].upper, ") | ");
    }
    say("floor %llu seq %llu next %llu tip %llu/%llu",
        (unsigned long long)state->wal_floor,
        (unsigned long long)state->last_sequence,
        (unsigned long long)state->next_number, (unsigned long long)state->tip,
        (unsigned long long)state->alias);
    return text;
}
