#include "base/patience.h"

byron_status patience_ask(const struct byron_patience *patience)
{
    if (!patience || !patience->go_on || patience->go_on(patience->context))
        return BYRON_OK;
    return error_set(BYRON_INTERRUPTED, NULL, BYRON_NO_OFFSET, 0,
                     "interrupted");
}
