#include "create_text.h"

#include "tokenizer.h"

bool create_text_has_gap(const char *sql)
{
    struct token token;
    bool is_gap = true; /* Nothing since the last ( or comma. */
    bool has_comma = false;
    int depth = 0;

    /* Up to the parenthesis behind USING byron. */
    do
        token_next(&sql, &token);
    while (token.kind != TOKEN_END && !token_is_word(&token, "USING"));
    while (token.kind != TOKEN_END) {
        token_next(&sql, &token);
        if (token_is_mark(&token, '(')) {
            if (depth++ > 0)
                is_gap = false;
        } else if (token_is_mark(&token, ')')) {
            if (--depth == 0)
                return has_comma && is_gap;
        } else if (depth == 1 && token_is_mark(&token, ',')) {
            if (is_gap)
                return true;
            is_gap = true;
            has_comma = true;
        } else if (depth > 0) {
            is_gap = false;
        }
    }
    return false;
}
