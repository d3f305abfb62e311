#include "interval.h"

#include <math.h>
#include <string.h>

/* Every text that can read as a number begins with one of these bytes. */
#define NUMBER_TEXT_FIRST "\t"
#define NUMBER_TEXT_END   ":" /* Exclusive. */

static bool is_number(const struct field *field)
{
    return field->kind == FIELD_INTEGER || field->kind == FIELD_REAL;
}

static bool is_infinite(const struct field *field)
{
    return field->kind == FIELD_REAL && isinf(field->real);
}

/* Of a text; 0 if it has none. */
static uint8_t first_byte(const struct field *field)
{
    return field->size > 0 ? *(const uint8_t *)field->data : 0;
}

static struct field text_of(const char *text)
{
    return (struct field){
        .kind = FIELD_TEXT, .data = text, .size = strlen(text)};
}

static struct interval number_texts(void)
{
    return (struct interval){.lower = text_of(NUMBER_TEXT_FIRST),
                             .upper = text_of(NUMBER_TEXT_END),
                             .lower_bound = BOUND_CLOSED,
                             .upper_bound = BOUND_OPEN};
}

static struct interval texts_of(const struct field *number)
{
    struct interval texts = number_texts();

    texts.is_number = true;
    texts.number =
        number->kind == FIELD_REAL ? number->real : (double)number->integer;
    return texts;
}

static struct interval all_texts(void)
{
    return (struct interval){.lower = text_of(""),
                             .upper = {.kind = FIELD_BLOB},
                             .lower_bound = BOUND_CLOSED,
                             .upper_bound = BOUND_OPEN};
}

/* Texts of the number may count as equal to it. */
static bool is_loose_number(const struct key_argument *argument,
                            enum affinity affinity)
{
    return affinity < AFFINITY_NUMERIC && is_number(&argument->field) &&
           !argument->is_bare;
}

bool interval_is_point(const struct key_argument *argument, bool has_null,
                       enum affinity affinity)
{
    return argument->field.kind == FIELD_NULL
               ? has_null
               : !is_loose_number(argument, affinity);
}

void interval_equal(const struct key_argument *argument, bool has_null,
                    enum affinity affinity, struct intervals *out)
{
    const struct field *field = &argument->field;
    bool is_loose = is_loose_number(argument, affinity);

    out->count = 0;
    if (field->kind == FIELD_NULL && !has_null)
        return;
    if (!is_loose || affinity == AFFINITY_BLOB)
        out->at[out->count++] =
            (struct interval){.lower = *field, .is_point = true};
    if (!is_loose)
        return;
    /* The number as text: only infinity's has other first letters. */
    if (affinity == AFFINITY_TEXT && is_infinite(field))
        out->at[out->count] = all_texts();
    else
        out->at[out->count] = texts_of(field);
    out->count++;
}

/* A bound of a text or untyped column against a value of unknown affinity:
 * numbers in texts may count as numbers. */
static void widen_lower(struct interval *only, enum affinity affinity)
{
    if (affinity == AFFINITY_TEXT && is_number(&only->lower))
        only->lower_bound = BOUND_NONE;
}

static void widen_upper(struct interval *only, enum affinity affinity,
                        struct intervals *out)
{
    const struct field *upper = &only->upper;

    if (upper->kind == FIELD_TEXT && first_byte(upper) < *NUMBER_TEXT_END) {
        only->upper = text_of(NUMBER_TEXT_END);
        only->upper_bound = BOUND_OPEN;
    } else if (is_number(upper) && affinity == AFFINITY_TEXT) {
        only->upper = is_infinite(upper) ? (struct field){.kind = FIELD_BLOB}
                                         : text_of(NUMBER_TEXT_END);
        only->upper_bound = BOUND_OPEN;
    } else if (is_number(upper)) {
        struct interval *texts = &out->at[out->count++];

        *texts = number_texts();
        if (only->lower_bound != BOUND_NONE &&
            (only->lower.kind == FIELD_BLOB ||
             (only->lower.kind == FIELD_TEXT &&
              first_byte(&only->lower) >= *NUMBER_TEXT_FIRST))) {
            texts->lower = only->lower;
            texts->lower_bound = only->lower_bound;
        }
    }
}

/* Blobs of the same bytes as the texts below the upper bound: the lower one may
 * be no part of the pattern, and every blob is above a text. */
static void add_blobs(const struct interval *texts, struct intervals *out)
{
    struct interval *blobs = &out->at[out->count++];

    *blobs = *texts;
    if (blobs->lower_bound == BOUND_NONE || blobs->lower.kind <= FIELD_TEXT) {
        blobs->lower = text_of("");
        blobs->lower_bound = BOUND_CLOSED;
    }
    blobs->lower.kind = FIELD_BLOB;
    blobs->upper.kind = FIELD_BLOB;
}

/* All values that are not NULL are above it. */
static void exclude_null(struct interval *only)
{
    if (only->lower_bound != BOUND_NONE)
        return;
    only->lower = (struct field){.kind = FIELD_NULL};
    only->lower_bound = BOUND_OPEN;
}

void interval_range(const struct plan *plan,
                    const struct key_argument *arguments,
                    enum affinity affinity, struct intervals *out)
{
    const struct key_argument *lower = arguments;
    const struct key_argument *upper =
        arguments + (plan->lower != BOUND_NONE ? 1 : 0);
    bool is_above_null = plan->nulls >> plan->equal_count & 1;
    struct interval *only = &out->at[0];

    out->count = 0;
    if ((plan->lower != BOUND_NONE && lower->field.kind == FIELD_NULL &&
         !is_above_null) ||
        (plan->upper != BOUND_NONE && upper->field.kind == FIELD_NULL))
        return;
    out->count = 1;
    *only = (struct interval){.lower_bound = plan->lower,
                              .upper_bound = plan->upper};
    if (plan->lower != BOUND_NONE)
        only->lower = lower->field;
    if (plan->upper != BOUND_NONE)
        only->upper = upper->field;
    if (affinity < AFFINITY_NUMERIC && plan->lower != BOUND_NONE &&
        !lower->is_bare)
        widen_lower(only, affinity);
    exclude_null(only);
    if (affinity < AFFINITY_NUMERIC && plan->upper != BOUND_NONE &&
        !upper->is_bare)
        widen_upper(only, affinity, out);
    if (plan->is_pattern && only->upper.kind == FIELD_TEXT)
        add_blobs(only, out);
}

/* --- Patterns ------------------------------------------------------------ */

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* Bytes before the first wildcard; LIKE knows no case of ASCII letters. */
static size_t literal_size(enum pattern pattern, const struct field *argument,
                           bool has_case)
{
    const char *wildcards = pattern == PATTERN_LIKE ? "%_" : "*?[";
    const char *bytes = argument->data;
    size_t size = 0;

    while (size < argument->size && bytes[size] != 0 &&
           !strchr(wildcards, bytes[size]) &&
           !(pattern == PATTERN_LIKE && has_case && is_letter(bytes[size])))
        size++;
    return size;
}

/* Whether a number's text may begin with what the pattern begins with. */
static bool may_match_number(const struct field *argument, size_t size)
{
    return size == 0 || strchr("0123456789-+Ii", *(const char *)argument->data);
}

static void add_prefix(struct intervals *out, enum field_kind kind,
                       const struct field *argument, size_t size)
{
    out->at[out->count++] = (struct interval){
        .lower = {.kind = kind, .data = argument->data, .size = size},
        .is_prefix = true};
}

void interval_pattern(enum pattern pattern, const struct field *argument,
                      enum affinity affinity, enum collation collation,
                      struct intervals *out)
{
    size_t blob_size;

    out->count = 0;
    if (argument->kind != FIELD_TEXT && argument->kind != FIELD_BLOB)
        return;
    if (pattern == PATTERN_PREFIX) {
        add_prefix(out, argument->kind, argument, argument->size);
        return;
    }
    blob_size = literal_size(pattern, argument, true);
    if (affinity != AFFINITY_TEXT && may_match_number(argument, blob_size))
        out->at[out->count++] = (struct interval){.lower = {.kind = FIELD_NULL},
                                                  .upper = text_of(""),
                                                  .lower_bound = BOUND_OPEN,
                                                  .upper_bound = BOUND_OPEN};
    add_prefix(out, FIELD_TEXT, argument,
               literal_size(pattern, argument, collation != COLLATION_NOCASE));
    add_prefix(out, FIELD_BLOB, argument, blob_size);
}
