#include "compaction/job_spec.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/error.h"

static void input_deinit(struct job_input *input)
{
    for (size_t i = 0; i < input->count; i++)
        table_meta_unref(input->tables[i]);
    alloc_free(input->tables);
}

void job_spec_deinit(struct job_spec *spec)
{
    for (size_t i = 0; i < spec->input_count; i++)
        input_deinit(&spec->inputs[i]);
    alloc_free(spec->inputs);
    *spec = (struct job_spec){.kind = JOB_NONE};
}

byron_status job_spec_add(struct job_spec *spec, uint32_t level,
                          const struct run *run, size_t first, size_t count)
{
    assert(count > 0 && first + count <= run->count);
    struct job_input *inputs =
        alloc_resize(spec->inputs, (spec->input_count + 1) * sizeof *inputs);
    if (!inputs)
        return error_no_memory();
    spec->inputs = inputs;

    struct job_input *input = &inputs[spec->input_count];
    *input = (struct job_input){.level = level, .run = run->id};
    input->tables = alloc_zeroed(count, sizeof(struct table_meta *));
    if (!input->tables)
        return error_no_memory();
    for (size_t i = 0; i < count; i++) {
        input->tables[i] = table_meta_ref(run->tables[first + i]);
        spec->input_bytes += input->tables[i]->facts.size;
    }
    input->count = count;
    spec->input_count++;
    return BYRON_OK;
}
