#include "compaction/rest.h"

#include "base/try.h"

void rest_deinit(struct rest *rest)
{
    buf_deinit(&rest->from);
    buf_deinit(&rest->last);
    *rest = (struct rest){0};
}

static byron_status set_key(struct buf *buf, struct slice key)
{
    buf_clear(buf);
    return buf_add(buf, key.data, key.size);
}

byron_status rest_begin(struct rest *rest, const struct job_spec *wide)
{
    const struct job_input *source = &wide->inputs[0];
    byron_status status;

    rest->level = 0;
    TRY(set_key(&rest->from, table_meta_smallest(source->tables[0])));
    TRY(set_key(&rest->last,
                table_meta_largest(source->tables[source->count - 1])));
    rest->level = source->level;
out:
    return status;
}

/* Behind what was chosen, which began with the first table that was left. */
static byron_status advance(struct rest *rest, const struct descent *left,
                            const struct job_spec *chosen)
{
    size_t next = left->begin + chosen->inputs[0].count;
    byron_status status = BYRON_OK;

    if (next < left->end)
        status =
            set_key(&rest->from, table_meta_smallest(left->run->tables[next]));
    else
        rest->level = 0;
    return status;
}

byron_status rest_choose(struct rest *rest, const struct descent *descent,
                         struct job_spec *out)
{
    struct descent left = *descent;
    struct slice last = buf_slice(&rest->last);
    byron_status status = BYRON_OK;

    left.begin = run_find(left.run, buf_slice(&rest->from));
    left.end = left.begin;
    while (left.end < left.run->count &&
           slice_compare(table_meta_smallest(left.run->tables[left.end]),
                         last) <= 0)
        left.end++;
    if (left.begin < left.end)
        TRY(descent_piece(&left, out));
    if (out->kind == JOB_NONE)
        rest->level = 0;
    else
        TRY(advance(rest, &left, out));
out:
    if (status != BYRON_OK) {
        rest->level = 0;
        job_spec_deinit(out);
    }
    return status;
}
