#include "main/call_log.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RING      2048
#define LINE_SIZE 512

struct entry {
    struct tally_call call;
    struct timespec at;
    struct address peer;
};

struct call_log {
    enum call_log_level level;
    int fd;
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    uint64_t added; /* Needs mutex, as all below. */
    uint64_t written;
    uint64_t dropped;
    bool is_ending;
    bool is_running;
    pthread_t thread;
    struct entry ring[RING];
};

static bool is_ours(enum grpc_code code)
{
    return code == GRPC_UNKNOWN || code == GRPC_INTERNAL ||
           code == GRPC_UNAVAILABLE || code == GRPC_DATA_LOSS;
}

/* --- On the thread ---------------------------------------------------------*/

static void write_text(const struct call_log *log, const char *text, int size)
{
    while (size > 0) {
        ssize_t written = write(log->fd, text, (size_t)size);
        if (written <= 0)
            return; /* Nobody is there to be told. */
        text += written;
        size -= (int)written;
    }
}

/* Nothing in it has a quote or a backslash but a path of a unix socket, of
   which nothing but its kind is told. */
static void write_entry(const struct call_log *log, const struct entry *entry)
{
    const struct tally_call *call = &entry->call;
    char peer[ADDRESS_TEXT_SIZE] = "unix";
    char line[LINE_SIZE];
    struct tm time;
    char date[32];

    gmtime_r(&entry->at.tv_sec, &time);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &time);
    if (entry->peer.size > 0 && entry->peer.as.any.sa_family != AF_UNIX)
        address_print(&entry->peer, peer);
    write_text(log, line,
               snprintf(line, sizeof line,
                        "{\"time\":\"%s.%03ldZ\",\"method\":\"%.100s\","
                        "\"code\":\"%s\",\"ms\":%.3f,\"in\":%" PRIu64
                        ",\"out\":%" PRIu64 ",\"peer\":\"%.60s\"}\n",
                        date, entry->at.tv_nsec / 1000000,
                        *call->method ? call->method + 1 : "unknown",
                        tally_code_words(call->code), (double)call->us / 1000,
                        call->bytes_in, call->bytes_out, peer));
}

static void write_dropped(const struct call_log *log, uint64_t count)
{
    char line[LINE_SIZE];

    if (count > 0)
        write_text(
            log, line,
            snprintf(line, sizeof line, "{\"dropped\":%" PRIu64 "}\n", count));
}

static void *run(void *context)
{
    struct call_log *log = context;

    pthread_mutex_lock(&log->mutex);
    while (!log->is_ending || log->written < log->added) {
        struct entry entry = log->ring[log->written % RING];
        uint64_t dropped = log->dropped;
        if (log->written == log->added) {
            pthread_cond_wait(&log->filled, &log->mutex);
            continue;
        }
        log->written++;
        log->dropped = 0;
        pthread_mutex_unlock(&log->mutex);
        write_dropped(log, dropped);
        write_entry(log, &entry);
        pthread_mutex_lock(&log->mutex);
    }
    pthread_mutex_unlock(&log->mutex);
    return NULL;
}

/* --- For others ------------------------------------------------------------*/

void call_log_add(void *context, const struct tally_call *call,
                  const struct stream *stream)
{
    struct call_log *log = context;
    struct entry entry = {.call = *call};

    if (log->level != CALL_LOG_CALLS && !is_ours(call->code))
        return;
    clock_gettime(CLOCK_REALTIME, &entry.at);
    if (stream)
        stream_peer(stream, &entry.peer);
    pthread_mutex_lock(&log->mutex);
    if (log->added - log->written == RING) {
        log->dropped++;
    } else {
        log->ring[log->added++ % RING] = entry;
        pthread_cond_signal(&log->filled);
    }
    pthread_mutex_unlock(&log->mutex);
}

byron_status call_log_new(enum call_log_level level, int fd,
                          struct call_log **out)
{
    struct call_log *log = calloc(1, sizeof *log);
    sigset_t all;
    sigset_t before;

    if (!log)
        return BYRON_NO_MEMORY;
    log->level = level;
    log->fd = fd;
    pthread_mutex_init(&log->mutex, NULL);
    pthread_cond_init(&log->filled, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    log->is_running = pthread_create(&log->thread, NULL, run, log) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (log->is_running) {
        *out = log;
        return BYRON_OK;
    }
    call_log_free(log);
    return BYRON_NO_MEMORY;
}

void call_log_free(struct call_log *log)
{
    if (!log)
        return;
    pthread_mutex_lock(&log->mutex);
    log->is_ending = true;
    pthread_cond_signal(&log->filled);
    pthread_mutex_unlock(&log->mutex);
    if (log->is_running)
        pthread_join(log->thread, NULL);
    pthread_cond_destroy(&log->filled);
    pthread_mutex_destroy(&log->mutex);
    free(log);
}
