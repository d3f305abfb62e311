/*
 * number_text: which texts may read as a number.
 *
 * SQL's comparison of a text with a number that has a numeric column's
 * affinity reads the text as a number: '5', ' 05', '+5.0' and '50e-1' all equal
 * 5, and they lie far apart in the order of texts. This tells of a text whether
 * it may be one of them, and if not, where the next that may lies: a walk over
 * an ordered column steps from one to the next and reads little between them.
 */
#ifndef BYRON_EXT_NUMBER_TEXT_H
#define BYRON_EXT_NUMBER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#define NUMBER_TEXT_DIGITS 14 /* That count; SQLite writes at least 15. */

struct number_text {
    bool is_negative;
    /* Between these, in the order of texts, lie the digits of all that may
     * read as the number, first zeros, point and exponent apart. */
    char low[NUMBER_TEXT_DIGITS + 1];
    char high[NUMBER_TEXT_DIGITS + 1];
    bool is_split; /* They are those from low on, and those up to high. */
    int low_count; /* Of its digits before the point; */
    int high_count;
};

enum number_text_step {
    NUMBER_TEXT_MAY,   /* This one may read as it. */
    NUMBER_TEXT_BEGIN, /* The next ones begin with kept bytes, then next. */
    NUMBER_TEXT_PART,  /* The next one is the kept bytes alone, or is beyond. */
    NUMBER_TEXT_END,   /* There are no more. */
};

/* false: so large, small or special that any text may. */
bool number_text_init(struct number_text *out, double number);
/* From text on upwards, or downwards. Any bytes are fine. */
enum number_text_step number_text_seek(const struct number_text *number,
                                       const char *text, size_t size,
                                       bool is_downward, size_t *kept,
                                       char *next);

#endif
