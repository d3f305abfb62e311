#include "debug.h"

#include <unistd.h>

#include "byron_inspect.h"
#include "reply.h"

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#elif defined __GNUC__
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

#ifdef __OPTIMIZE__
#define OPTIMIZED "yes"
#else
#define OPTIMIZED "no"
#endif

#ifdef NDEBUG
#define ASSERTIONS "off"
#else
#define ASSERTIONS "on"
#endif

#ifdef __SANITIZE_ADDRESS__
#define SANITIZER "address"
#elif defined __SANITIZE_THREAD__
#define SANITIZER "thread"
#else
#define SANITIZER "none"
#endif

static bool has_codec(enum byron_compression compression)
{
    struct byron_options options = {.compression = compression};

    return byron_derive_options(&options, &options) == BYRON_OK;
}

static const char *yes_or_no(bool is_so)
{
    return is_so ? "yes" : "no";
}

/* One "name: value" a line. */
static void tell(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    char *text =
        sqlite3_mprintf("byron: %s\n"
                        "sqlite, built with: %s\n"
                        "sqlite, running: %s\n"
                        "sqlite, source: %s\n"
                        "compiler: %s\n"
                        "optimized: %s\n"
                        "assertions: %s\n"
                        "sanitizer: %s\n"
                        "lz4: %s\n"
                        "zstd: %s\n"
                        "page: %d",
                        BYRON_VERSION, SQLITE_VERSION, sqlite3_libversion(),
                        sqlite3_sourceid(), COMPILER, OPTIMIZED, ASSERTIONS,
                        SANITIZER, yes_or_no(has_codec(BYRON_COMPRESSION_LZ4)),
                        yes_or_no(has_codec(BYRON_COMPRESSION_ZSTD)),
                        (int)sysconf(_SC_PAGESIZE));

    (void)count;
    (void)arguments;
    if (text)
        sqlite3_result_text(context, text, -1, sqlite3_free);
    else
        sqlite3_result_error_nomem(context);
}

int debug_register(struct connection *connection)
{
    static const struct function functions[] = {
        {"byron_debug", 0, SQLITE_INNOCUOUS, tell},
    };

    return reply_register(connection, functions, 1);
}
