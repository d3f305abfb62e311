/*
 * try: leave a function through its one label when a call fails.
 *
 * The function declares `byron_status status` and a label `out:`.
 */
#ifndef BYRON_EXT_TRY_H
#define BYRON_EXT_TRY_H

#define TRY(call)                                                              \
    do {                                                                       \
        status = (call);                                                       \
        if (status != BYRON_OK)                                                \
            goto out;                                                          \
    } while (0)

#endif
