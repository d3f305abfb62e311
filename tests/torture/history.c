#include "torture/history.h"

#include <string.h>

#include "torture/report.h"

static bool is_wal(const struct subject *subject)
{
    return strcmp(subject->journal, "wal") == 0;
}

static bool is_ordinary_same(const struct subject_part *a,
                             const struct subject_part *b)
{
    return a->ordinary == b->ordinary && a->brief == b->brief;
}

static bool is_ordinary_changed(const struct subject *subject, int database,
                                size_t state)
{
    return !is_ordinary_same(&subject->states[state].parts[database],
                             &subject->states[state - 1].parts[database]);
}

static bool is_byron_changed(const struct subject *subject, int database,
                             size_t state)
{
    return subject->states[state].parts[database].byron !=
           subject->states[state - 1].parts[database].byron;
}

static bool is_changed(const struct subject *subject, int database,
                       size_t state)
{
    return is_ordinary_changed(subject, database, state) ||
           is_byron_changed(subject, database, state);
}

/* --- what was promised ----------------------------------------------------
 */

/* What SQLite promises of a commit to so many databases, in this journal mode;
 * byron promises the same of what may commit by itself. */
static bool is_durable(const struct subject *subject, size_t state,
                       int databases)
{
    int level = subject->states[state].level;

    if (is_wal(subject) || strcmp(subject->journal, "truncate") == 0)
        return level >= 2;
    /* The removal of a journal is not synced before EXTRA, that of the one
     * which names the journals of several databases always. */
    if (strcmp(subject->journal, "delete") == 0)
        return level >= 3 || databases > 1;
    return true;
}

static void raise_to(size_t *safe, size_t state)
{
    if (*safe < state)
        *safe = state;
}

/* One that changes nothing syncs nothing. */
static void note_done(struct history *history, const struct subject *subject,
                      size_t state)
{
    bool is_own = subject->states[state].is_own;
    int changed = 0;

    history->done = state;
    for (int i = 0; state > 0 && i < subject->databases; i++)
        changed += is_changed(subject, i, state);
    if (changed == 0)
        return;
    for (int i = 0; i < subject->databases; i++) {
        /* The first sync of a journal made the removal of the last one safe;
         * all of them lie in one folder. */
        if (strcmp(subject->journal, "delete") == 0 && !is_own) {
            raise_to(&history->safe_ordinary[i], state - 1);
            raise_to(&history->safe_byron[i], state - 1);
        }
        if (!is_changed(subject, i, state) ||
            !is_durable(subject, state, changed))
            continue;
        if (!is_own)
            raise_to(&history->safe_ordinary[i], state);
        if (is_byron_changed(subject, i, state))
            raise_to(&history->safe_byron[i], state);
    }
}

void history_advance(struct history *history, const struct subject *subject,
                     const struct storage_call *mark)
{
    size_t number = (size_t)(mark->offset & UINT32_MAX);

    switch ((enum subject_mark)(mark->offset >> 32)) {
    case SUBJECT_BEGINS:
        history->begun = number;
        break;
    case SUBJECT_DONE:
        note_done(history, subject, number);
        break;
    case SUBJECT_COPY_BEGINS:
        history->copies_begun = number + 1;
        break;
    case SUBJECT_COPY_DONE:
        history->copies_done = number + 1;
        break;
    }
}

void history_bounds(const struct history *history, bool is_cut,
                    struct history_bounds *out)
{
    struct history_span newest = {history->done, history->begun};

    memset(out, 0, sizeof *out);
    out->is_cut = is_cut;
    for (int i = 0; i < SUBJECT_DATABASES; i++) {
        out->ordinary[i] = out->byron[i] = newest;
        if (!is_cut)
            continue;
        out->ordinary[i].low = history->safe_ordinary[i];
        out->byron[i].low = history->safe_byron[i];
    }
}

/* --- what was found -------------------------------------------------------
 */

/* May the ordinary tables be those of one state, and byron's of another? */
static bool is_fit(const struct subject *subject, bool is_cut, int database,
                   struct history_place place)
{
    size_t i = place.ordinary;
    size_t j = place.byron;

    if (i != j && !is_cut)
        return false;
    /* Only what counts by itself goes beyond the ordinary tables. */
    for (size_t s = i + 1; s <= j; s++)
        if (is_byron_changed(subject, database, s) &&
            !subject->states[s].is_own)
            return false;
    /* What binds both is not lost by half; the schema is ordinary. */
    for (size_t s = j + 1; s <= i; s++)
        if (!is_wal(subject) || s <= subject->created ||
            (is_ordinary_changed(subject, database, s) &&
             is_byron_changed(subject, database, s)))
            return false;
    return true;
}

/* Is the extra commit there, as one of all tables? */
static bool is_extra(const struct subject *subject,
                     const struct history_bounds *bounds, int database,
                     const struct subject_state *found)
{
    const struct subject_state *extra = &subject->states[bounds->extra];

    return bounds->extra > 0 && !extra->is_own &&
           memcmp(&extra->parts[database], &found->parts[database],
                  sizeof found->parts[database]) == 0;
}

/* With the ordinary tables in the state of *place: where byron's are. */
static bool find_byron(const struct subject *subject,
                       const struct history_bounds *bounds, int database,
                       const struct subject_state *found,
                       struct history_place *place)
{
    const struct subject_state *states = subject->states;
    const struct history_span *span = &bounds->byron[database];
    uint64_t print = found->parts[database].byron;
    size_t extra = bounds->extra;
    bool is_beyond = extra > 0 && states[extra].is_own &&
                     is_byron_changed(subject, database, extra);

    for (size_t j = span->high + 1; j-- > span->low;) {
        bool is_top = is_beyond && j == span->high;
        place->byron = j;
        if (!is_fit(subject, bounds->is_cut, database, *place))
            continue;
        if (is_top && states[extra].parts[database].byron == print)
            return true;
        if (!(is_beyond && bounds->has_extra) &&
            states[j].parts[database].byron == print)
            return true;
    }
    return false;
}

static bool find_at(const struct subject *subject,
                    const struct history_bounds *bounds, int database,
                    const struct subject_state *found,
                    struct history_place *place)
{
    const struct history_span *span = &bounds->ordinary[database];
    size_t i = place->ordinary;

    return i >= span->low && i <= span->high &&
           is_ordinary_same(&subject->states[i].parts[database],
                            &found->parts[database]) &&
           find_byron(subject, bounds, database, found, place);
}

/* Databases from first to before end, all at one state of their ordinary
 * tables. */
static bool find_common(const struct subject *subject,
                        const struct history_bounds *bounds, int first, int end,
                        const struct subject_state *found,
                        struct history_place *out)
{
    bool is_found = true;
    bool is_host = bounds->extra > 0 && !subject->states[bounds->extra].is_own;

    for (int i = first; i < end; i++) {
        out[i] = (struct history_place){bounds->extra, bounds->extra};
        is_found = is_found && is_extra(subject, bounds, i, found);
    }
    if (is_found || (is_host && bounds->has_extra))
        return is_found;
    for (size_t s = bounds->ordinary[first].high + 1; s-- > 0;) {
        is_found = true;
        for (int i = first; i < end && is_found; i++) {
            out[i].ordinary = s;
            is_found = find_at(subject, bounds, i, found, &out[i]);
        }
        if (is_found)
            return true;
    }
    return false;
}

/* Of which commit it is, as far as one can tell; -1: of none. */
static int find_part(const struct subject *subject, int database,
                     const struct subject_state *found, size_t newest,
                     bool is_byron)
{
    const struct subject_part *part = &found->parts[database];

    for (size_t i = newest + 1; i-- > 0;) {
        const struct subject_part *state = &subject->states[i].parts[database];
        if (is_byron ? state->byron == part->byron
                     : is_ordinary_same(state, part))
            return (int)i;
    }
    return -1;
}

static void fail(const struct subject *subject,
                 const struct history_bounds *bounds, int database,
                 const struct subject_state *found)
{
    const struct history_span *ordinary = &bounds->ordinary[database];
    const struct history_span *byron = &bounds->byron[database];
    size_t newest = bounds->extra ? bounds->extra : byron->high;

    report_failure(
        "%s: the ordinary tables are those of commit %d, byron's of %d (-1: of "
        "none); from %zu to %zu and from %zu to %zu were expected, in both of "
        "one (%s%zu comes on top)",
        subject_schemas[database],
        find_part(subject, database, found, newest, false),
        find_part(subject, database, found, newest, true), ordinary->low,
        ordinary->high, byron->low, byron->high,
        bounds->has_extra ? "" : "perhaps ", bounds->extra);
}

void history_find(const struct subject *subject,
                  const struct history_bounds *bounds,
                  const struct subject_state *found,
                  struct history_place out[SUBJECT_DATABASES])
{
    int end = subject->databases;

    for (int i = 0; i < end; i++)
        if (!find_common(subject, bounds, i, i + 1, found, out))
            fail(subject, bounds, i, found);
    if (!is_wal(subject) && !find_common(subject, bounds, 0, end, found, out))
        report_failure("each database is in a state of its own (%zu and %zu), "
                       "and both together in none",
                       out[0].ordinary, out[end - 1].ordinary);
}
