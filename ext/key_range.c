#include "key_range.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "try.h"

void key_ranges_deinit(struct key_ranges *ranges)
{
    bytes_deinit(&ranges->bytes);
    bytes_deinit(&ranges->prefix);
    free(ranges->segments);
    memset(ranges, 0, sizeof *ranges);
}

void key_ranges_clear(struct key_ranges *ranges)
{
    ranges->bytes.size = 0;
    ranges->count = 0;
    ranges->is_wide = false;
}

/* --- Bytes --------------------------------------------------------------- */

static byron_status add_segment(struct key_ranges *out, struct segment **added)
{
    if (out->count == out->capacity) {
        int capacity = out->capacity * 2 + 4;
        struct segment *segments =
            realloc(out->segments, sizeof *segments * (size_t)capacity);

        if (!segments)
            return BYRON_NO_MEMORY;
        out->segments = segments;
        out->capacity = capacity;
    }
    *added = &out->segments[out->count++];
    memset(*added, 0, sizeof **added);
    return BYRON_OK;
}

/*
 * Adds one end of a range: prefix, then field. after: the end lies behind all
 * keys with this value, else before them. Without field: before or behind the
 * prefix itself.
 */
static byron_status add_end(struct key_ranges *out, struct byron_bytes prefix,
                            const struct field *field, struct key_style style,
                            bool after)
{
    size_t start = out->bytes.size;
    byron_status status = bytes_add(&out->bytes, prefix.data, prefix.size);

    if (status == BYRON_OK && field)
        status = key_codec_add(&out->bytes, field, style);
    if (status != BYRON_OK || !after)
        return status;
    /* A last column ends with the key: longer ones are other values. */
    if (field && style.is_last && !style.is_descending)
        return bytes_add_u8(&out->bytes, 0);
    bytes_raise(&out->bytes, start);
    return BYRON_OK;
}

static void drop_if_empty(struct key_ranges *out)
{
    int last = out->count - 1;

    if (out->segments[last].upper_size > 0 &&
        bytes_compare(key_ranges_lower(out, last),
                      key_ranges_upper(out, last)) >= 0)
        out->count--;
}

/* Every key in which the column begins so. */
static byron_status add_beginning(struct key_ranges *out,
                                  struct byron_bytes prefix,
                                  const struct field *field,
                                  struct key_style style)
{
    struct bytes *bytes = &out->bytes;
    struct segment segment = {.lower = bytes->size};
    struct segment *added;
    byron_status status;

    TRY(bytes_add(bytes, prefix.data, prefix.size));
    TRY(key_codec_add_beginning(bytes, field, style));
    segment.lower_size = bytes->size - segment.lower;
    segment.upper = bytes->size;
    TRY(bytes_reserve(bytes, segment.lower_size));
    TRY(bytes_add(bytes, bytes->data + segment.lower, segment.lower_size));
    bytes_raise(bytes, segment.upper);
    segment.upper_size = bytes->size - segment.upper;
    TRY(add_segment(out, &added));
    *added = segment;
out:
    return status;
}

/* Both ends; the value order of a descending column is turned around. */
static byron_status add_interval(struct key_ranges *out,
                                 struct byron_bytes prefix,
                                 const struct interval *interval,
                                 struct key_style style)
{
    bool is_turned = style.is_descending;
    const struct field *low =
        is_turned && !interval->is_prefix ? &interval->upper : &interval->lower;
    const struct field *high = is_turned ? &interval->lower : &interval->upper;
    enum bound low_bound =
        is_turned ? interval->upper_bound : interval->lower_bound;
    enum bound high_bound =
        is_turned ? interval->lower_bound : interval->upper_bound;
    struct segment segment = {.lower = out->bytes.size,
                              .is_number = interval->is_number,
                              .number = interval->number,
                              .column = prefix.size,
                              .style = style};
    struct segment *added;
    byron_status status;

    if (interval->is_prefix)
        return add_beginning(out, prefix, low, style);
    if (interval->is_point) {
        low = high = &interval->lower;
        low_bound = high_bound = BOUND_CLOSED;
    }
    TRY(add_end(out, prefix, low_bound == BOUND_NONE ? NULL : low, style,
                low_bound == BOUND_OPEN));
    segment.lower_size = out->bytes.size - segment.lower;
    segment.upper = out->bytes.size;
    if (interval->is_point && style.is_last) {
        segment.is_point = true;
    } else {
        TRY(add_end(out, prefix, high_bound == BOUND_NONE ? NULL : high, style,
                    high_bound != BOUND_OPEN));
        segment.upper_size = out->bytes.size - segment.upper;
    }
    TRY(add_segment(out, &added));
    *added = segment;
    if (!segment.is_point)
        drop_if_empty(out);
out:
    return status;
}

static byron_status add_intervals(struct key_ranges *out,
                                  struct byron_bytes prefix,
                                  const struct intervals *values,
                                  struct key_style style)
{
    byron_status status = BYRON_OK;

    for (int i = 0; i < values->count && status == BYRON_OK; i++) {
        int index = style.is_descending ? values->count - 1 - i : i;

        status = add_interval(out, prefix, &values->at[index], style);
    }
    return status;
}

/* Every key that begins with prefix. */
static byron_status add_prefix(struct key_ranges *out,
                               struct byron_bytes prefix)
{
    struct segment segment = {.lower = out->bytes.size,
                              .lower_size = prefix.size,
                              .upper = out->bytes.size + prefix.size};
    struct segment *added;
    byron_status status;

    TRY(bytes_add(&out->bytes, prefix.data, prefix.size));
    TRY(bytes_add(&out->bytes, prefix.data, prefix.size));
    bytes_raise(&out->bytes, segment.upper);
    segment.upper_size = out->bytes.size - segment.upper;
    TRY(add_segment(out, &added));
    *added = segment;
out:
    return status;
}

/* --- Rowids -------------------------------------------------------------- */

/* The first rowid that is above (or at) the value; false if there is none. */
static bool first_rowid(const struct field *field, enum bound bound,
                        int64_t *out)
{
    if (field->kind == FIELD_INTEGER) {
        *out = field->integer;
    } else if (field->kind == FIELD_REAL) {
        if (!(field->real < 9223372036854775808.0))
            return false;
        *out = INT64_MIN;
        if (field->real < -9223372036854775808.0)
            return true;
        *out = (int64_t)field->real; /* Towards zero. */
        if ((double)*out < field->real)
            ++*out;
        /* Now not below; with an open bound it has to be above. */
        if ((double)*out > field->real)
            return true;
    } else {
        return false; /* Every text and blob is above all numbers. */
    }
    if (bound == BOUND_OPEN && *out == INT64_MAX)
        return false;
    *out += bound == BOUND_OPEN ? 1 : 0;
    return true;
}

/* The last rowid that is below (or at) the value; false if there is none. */
static bool last_rowid(const struct field *field, enum bound bound,
                       int64_t *out)
{
    enum bound other = bound == BOUND_OPEN ? BOUND_CLOSED : BOUND_OPEN;
    int64_t above;

    *out = INT64_MAX;
    if (!first_rowid(field, other, &above))
        return true; /* None is above it. */
    if (above == INT64_MIN)
        return false;
    *out = above - 1;
    return true;
}

static byron_status add_rowids(struct key_ranges *out, uint32_t id,
                               int64_t first, int64_t last)
{
    struct segment *segment;
    byron_status status;

    if (first > last)
        return BYRON_OK;
    TRY(add_segment(out, &segment));
    segment->lower = out->bytes.size;
    TRY(key_codec_add_id(&out->bytes, id));
    TRY(key_codec_add_rowid(&out->bytes, first));
    segment->lower_size = out->bytes.size - segment->lower;
    segment->is_point = first == last;
    if (segment->is_point)
        return BYRON_OK;
    segment->upper = out->bytes.size;
    TRY(key_codec_add_id(&out->bytes, id));
    if (last < INT64_MAX)
        TRY(key_codec_add_rowid(&out->bytes, last + 1));
    else
        bytes_raise(&out->bytes, segment->upper);
    segment->upper_size = out->bytes.size - segment->upper;
out:
    return status;
}

static byron_status add_rowid_plan(struct key_ranges *out, uint32_t id,
                                   const struct plan *plan,
                                   const struct key_argument *arguments)
{
    int64_t first = INT64_MIN;
    int64_t last = INT64_MAX;
    const struct field *lower = &arguments[0].field;
    const struct field *upper =
        &arguments[plan->lower != BOUND_NONE ? 1 : 0].field;

    if (plan->pattern != PATTERN_NONE)
        return BYRON_OK; /* A number begins with no text. */
    for (int i = 0; i < plan_bound_count(plan); i++)
        if (arguments[i].field.kind == FIELD_NULL)
            return BYRON_OK;
    if (plan->equal_count > 0) {
        if (first_rowid(lower, BOUND_CLOSED, &first) &&
            last_rowid(lower, BOUND_CLOSED, &last))
            return add_rowids(out, id, first, last);
        return BYRON_OK;
    }
    if (plan->lower != BOUND_NONE && !first_rowid(lower, plan->lower, &first))
        return BYRON_OK;
    if (plan->upper != BOUND_NONE && !last_rowid(upper, plan->upper, &last))
        return BYRON_OK;
    return add_rowids(out, id, first, last);
}

/* --- Whole plans --------------------------------------------------------- */

static bool has_rowid(const struct declaration *table)
{
    return table->shape < KEY_SINGLE;
}

static enum affinity key_affinity(const struct declaration *table, int index)
{
    return table->columns[table->key[index].column].affinity;
}

int key_argument_read(sqlite3_value *value, bool is_bare,
                      const struct declaration *table, int key_index,
                      struct key_argument *out)
{
    enum affinity affinity = AFFINITY_NUMERIC;

    if (!has_rowid(table))
        affinity = key_affinity(table, key_index);
    /* A comparison makes numbers of texts, but not reals of integers; and
     * texts of numbers only if those have no affinity of their own. */
    if (affinity >= AFFINITY_NUMERIC)
        affinity = AFFINITY_NUMERIC;
    else if (!is_bare)
        affinity = AFFINITY_BLOB;
    out->is_bare = is_bare;
    return field_read(value, affinity, &out->field);
}

int key_pattern_read(sqlite3_value *value, struct key_argument *out)
{
    out->is_bare = true;
    return field_read(value, AFFINITY_TEXT, &out->field);
}

/*
 * Adds the equal columns to prefix while each is one value. *next is the first
 * that is not; then values holds what it may be.
 */
static byron_status add_equals(struct bytes *prefix,
                               const struct declaration *table,
                               const struct plan *plan,
                               const struct key_argument *arguments, int *next,
                               struct intervals *values)
{
    byron_status status = BYRON_OK;

    for (*next = 0; *next < plan->equal_count; ++*next) {
        interval_equal(&arguments[*next], plan->nulls >> *next & 1,
                       key_affinity(table, *next), values);
        if (values->count != 1 || !values->at[0].is_point)
            break;
        if (*next == table->key_count - 1)
            break; /* The last of all: a point, to be added as such. */
        TRY(key_codec_add(prefix, &values->at[0].lower,
                          key_style_of(table, *next)));
    }
out:
    return status;
}

/* Of the column after the equal ones. */
static void column_values(const struct declaration *table,
                          const struct plan *plan,
                          const struct key_argument *arguments,
                          struct intervals *out)
{
    int index = plan->equal_count;

    if (plan->pattern != PATTERN_NONE)
        interval_pattern(plan->pattern, &arguments[index].field,
                         key_affinity(table, index),
                         table->key[index].collation, out);
    else
        interval_range(plan, arguments + index, key_affinity(table, index),
                       out);
}

static byron_status add_column_plan(struct key_ranges *out,
                                    const struct declaration *table,
                                    uint32_t id, const struct plan *plan,
                                    const struct key_argument *arguments)
{
    struct bytes *prefix = &out->prefix;
    struct intervals values; /* Large: filled as far as it is used. */
    int next = 0;
    byron_status status;

    values.count = 0;
    prefix->size = 0;
    TRY(key_codec_add_id(prefix, id));
    TRY(add_equals(prefix, table, plan, arguments, &next, &values));
    if (next == plan->equal_count) {
        if (plan_bound_count(plan) == next) {
            TRY(add_prefix(out, bytes_view(prefix)));
            goto out;
        }
        column_values(table, plan, arguments, &values);
    } else if (values.count > 0 &&
               (values.count > 1 || !values.at[0].is_point)) {
        out->is_wide = true;
    }
    TRY(add_intervals(out, bytes_view(prefix), &values,
                      key_style_of(table, next)));
out:
    return status;
}

/* Whether one key, or none, has the values of the plan: mostly, where it binds
 * the whole key. */
static bool is_point(const struct declaration *table, const struct plan *plan,
                     const struct key_argument *arguments)
{
    if (plan->equal_count < table->key_count)
        return false;
    for (int i = 0; i < table->key_count; i++)
        if (!interval_is_point(&arguments[i], plan->nulls >> i & 1,
                               key_affinity(table, i)))
            return false;
    return true;
}

/* What add_column_plan would add. Requires: is_point. */
static byron_status add_point(struct key_ranges *out,
                              const struct declaration *table, uint32_t id,
                              const struct key_argument *arguments)
{
    size_t start = out->bytes.size;
    struct segment *segment;
    byron_status status;

    TRY(key_codec_add_id(&out->bytes, id));
    for (int i = 0; i < table->key_count; i++)
        TRY(key_codec_add(&out->bytes, &arguments[i].field,
                          key_style_of(table, i)));
    TRY(add_segment(out, &segment));
    segment->lower = start;
    segment->lower_size = out->bytes.size - start;
    segment->is_point = true;
out:
    return status;
}

byron_status key_ranges_add(struct key_ranges *out,
                            const struct declaration *table, uint32_t id,
                            const struct plan *plan,
                            const struct key_argument *arguments)
{
    if (has_rowid(table))
        return add_rowid_plan(out, id, plan, arguments);
    if (is_point(table, plan, arguments))
        return add_point(out, table, id, arguments);
    return add_column_plan(out, table, id, plan, arguments);
}

byron_status key_ranges_add_point(struct key_ranges *out,
                                  struct byron_bytes key)
{
    size_t start = out->bytes.size;
    struct segment *segment;
    byron_status status = bytes_add(&out->bytes, key.data, key.size);

    if (status == BYRON_OK)
        status = add_segment(out, &segment);
    if (status == BYRON_OK)
        *segment = (struct segment){
            .lower = start, .lower_size = key.size, .is_point = true};
    return status;
}

/* --- Lists --------------------------------------------------------------- */

static struct byron_bytes lower_of(const uint8_t *data,
                                   const struct segment *segment)
{
    return (struct byron_bytes){data + segment->lower, segment->lower_size};
}

static struct byron_bytes upper_of(const uint8_t *data,
                                   const struct segment *segment)
{
    return (struct byron_bytes){data + segment->upper, segment->upper_size};
}

/* By lower end; of equal ones the longer range first. */
static int compare_segments(const void *a, const void *b, void *context)
{
    const struct segment *first = a;
    const struct segment *second = b;
    int order =
        bytes_compare(lower_of(context, first), lower_of(context, second));

    return order != 0 ? order : first->is_point - second->is_point;
}

/* Whether segment begins in range, which begins no later. */
static bool begins_inside(const uint8_t *data, const struct segment *range,
                          const struct segment *segment)
{
    struct byron_bytes lower = lower_of(data, segment);

    if (range->is_point)
        return bytes_compare(lower_of(data, range), lower) == 0;
    return range->upper_size == 0 ||
           bytes_compare(lower, upper_of(data, range)) < 0;
}

/* Of a range and what begins inside it, one range is made. */
static void extend(const uint8_t *data, struct segment *range,
                   const struct segment *segment)
{
    range->is_number = false;
    if (range->is_point || segment->is_point || range->upper_size == 0)
        return;
    if (segment->upper_size > 0 &&
        bytes_compare(upper_of(data, segment), upper_of(data, range)) <= 0)
        return;
    range->upper = segment->upper;
    range->upper_size = segment->upper_size;
}

void key_ranges_sort(struct key_ranges *ranges)
{
    int kept = 0;

    if (ranges->count < 2)
        return;
    qsort_r(ranges->segments, (size_t)ranges->count, sizeof *ranges->segments,
            compare_segments, ranges->bytes.data);
    for (int i = 1; i < ranges->count; i++)
        if (begins_inside(ranges->bytes.data, &ranges->segments[kept],
                          &ranges->segments[i]))
            extend(ranges->bytes.data, &ranges->segments[kept],
                   &ranges->segments[i]);
        else
            ranges->segments[++kept] = ranges->segments[i];
    ranges->count = kept + 1;
}
