#include "loans.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_SIZE 496 /* Bytes that one has room for: 512 with its head. */
#define SPARE_MOST 8

struct piece {
    struct loans *owner;
    struct piece *next; /* Of the spare ones. */
    char bytes[PIECE_SIZE];
};

struct loans {
    struct piece *spare;
    unsigned spare_count;
    unsigned out_count;
    bool is_closed; /* No table has it any more. */
};

struct loans *loans_new(void)
{
    return calloc(1, sizeof(struct loans));
}

void loans_free(struct loans *loans)
{
    if (!loans)
        return;
    while (loans->spare) {
        struct piece *piece = loans->spare;

        loans->spare = piece->next;
        free(piece);
    }
    loans->spare_count = 0;
    loans->is_closed = true;
    if (loans->out_count == 0)
        free(loans);
}

void *loans_copy(struct loans *loans, const void *bytes, size_t size)
{
    struct piece *piece = loans->spare;

    if (size >= PIECE_SIZE)
        return NULL;
    if (piece) {
        loans->spare = piece->next;
        loans->spare_count--;
    } else {
        piece = malloc(sizeof *piece);
        if (!piece)
            return NULL;
        piece->owner = loans;
    }
    loans->out_count++;
    if (size > 0)
        memcpy(piece->bytes, bytes, size);
    piece->bytes[size] = 0;
    return piece->bytes;
}

void loans_give_back(void *bytes)
{
    struct piece *piece =
        (struct piece *)((char *)bytes - offsetof(struct piece, bytes));
    struct loans *loans = piece->owner;

    loans->out_count--;
    if (!loans->is_closed && loans->spare_count < SPARE_MOST) {
        piece->next = loans->spare;
        loans->spare = piece;
        loans->spare_count++;
        return;
    }
    free(piece);
    if (loans->is_closed && loans->out_count == 0)
        free(loans);
}
