#include "service/permit.h"

static bool deny(struct call *call, enum right right, const char *of_what,
                 struct byron_bytes first, struct byron_bytes last)
{
    char words[RIGHTS_WORDS_SIZE];

    rights_words(words, right, of_what, first, last);
    call_finish(call, GRPC_PERMISSION_DENIED, words);
    return false;
}

bool permit_key(struct call *call, enum right right, struct byron_bytes key)
{
    struct byron_bytes none = {NULL, 0};

    return rights_on_key(caller_rights(call), right, key) ||
           deny(call, right, "the key", key, none);
}

bool permit_keys(struct call *call, enum right right, struct byron_bytes start,
                 struct byron_bytes end)
{
    struct byron_bytes last = {end.size > 0 ? end.data : "", end.size};

    return rights_on_keys(caller_rights(call), right, start, end) ||
           deny(call, right, "the keys from", start, last);
}

bool permit_ops(struct call *call, const struct byron_op *ops, size_t count)
{
    if (rights_everywhere(caller_rights(call)) >= RIGHT_WRITE)
        return true;
    for (size_t i = 0; i < count; i++) {
        const struct byron_op *op = &ops[i];
        if (op->kind == BYRON_OP_DELETE_RANGE
                ? !permit_keys(call, RIGHT_WRITE, op->key, op->value)
                : !permit_key(call, RIGHT_WRITE, op->key))
            return false;
    }
    return true;
}

bool permit_some(struct call *call, enum rights_space space)
{
    if (rights_somewhere(caller_rights(call), space) >= RIGHT_READ)
        return true;
    call_finish(call, GRPC_PERMISSION_DENIED,
                space == RIGHTS_KEYS
                    ? "the right to read is missing for every key"
                    : "the right to read is missing for every table");
    return false;
}

bool permit_all(struct call *call)
{
    if (rights_everywhere(caller_rights(call)) >= RIGHT_READ)
        return true;
    call_finish(call, GRPC_PERMISSION_DENIED,
                "the right to read everything is missing");
    return false;
}
