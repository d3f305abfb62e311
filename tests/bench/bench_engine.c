/*
 * bench_engine: byron's engine against RocksDB, LevelDB and LMDB, through
 * their C APIs.
 */
#include <stdio.h>

#include "bench/settings.h"

int main(int argc, char **argv)
{
    const struct peer *const peers[] = {peer_byron, peer_rocksdb, peer_leveldb,
                                        peer_lmdb};
    const char *const names[] = {"byron", "rocksdb", "leveldb", "lmdb"};
    struct contest contest = {.level = "engine"};

    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++) {
        if (peers[i])
            contest.peers[contest.peer_count++] = peers[i];
        else
            printf("%s takes no part: its header was not there\n", names[i]);
    }
    return settings_main(&contest, argc, argv);
}
