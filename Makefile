# byron: one Makefile for everything. `make help` lists what it can do.

MODE    ?= release
PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib/$(shell $(CC) -print-multiarch)
B       := build/$(MODE)

# --- Flags ------------------------------------------------------------------

FLAGS_release := -O2 -g -DNDEBUG
FLAGS_debug   := -Og -g3 -DXXH_NO_INLINE_HINTS=1
FLAGS_asan    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
                 -fno-sanitize-recover=all
FLAGS_tsan    := -O1 -g -fsanitize=thread
FLAGS_cover   := -O0 -g -DNDEBUG --coverage -fprofile-update=atomic
# Under a fuzzer (tests/fuzz/run): checksums that it could not guess pass.
FLAGS_afl     := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
                 -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
FLAGS_libfuzzer := $(FLAGS_afl) -fsanitize=fuzzer-no-link
FUZZED        := $(filter afl libfuzzer,$(MODE))
ifneq ($(FUZZED),)
CC            := $(if $(filter afl,$(MODE)),afl-clang-fast,clang)
export AFL_DONT_OPTIMIZE := 1
export AFL_QUIET := 1
endif
ifndef FLAGS_$(MODE)
$(error MODE=$(MODE): use release, debug, asan, tsan, cover, afl or libfuzzer)
endif
SHIPPED       := $(filter release debug,$(MODE))

# $(call has,header): 1 if the compiler finds it. What \# means inside a function
# changed with make 4.3.
HASH    := \#
has      = $(shell echo '$(HASH)include <$(1)>' | $(CC) -E - >/dev/null 2>&1 && echo 1)
LZ4     := $(call has,lz4.h)
ZSTD    := $(call has,zstd.h)
DEFINES := -D_GNU_SOURCE -DXXH_INLINE_ALL $(if $(LZ4),-DBYRON_HAVE_LZ4) \
           $(if $(ZSTD),-DBYRON_HAVE_ZSTD)
LIBS    := $(if $(LZ4),-llz4) $(if $(ZSTD),-lzstd)
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
           -Wmissing-prototypes -Wvla $(if $(WERROR),-Werror)
# What is shipped is optimized as a whole at its link, where the compiler can leave
# machine code beside what it needs for that: tests link in a fraction of the time.
# $(call takes,options): 1 if the compiler does.
takes    = $(shell echo 'int x;' | $(CC) $(1) -x c -o /dev/null - >/dev/null 2>&1 && echo 1)
WHOLE   := $(if $(filter release,$(MODE)),$(if $(call takes,-flto=auto -ffat-lto-objects \
             -r -flinker-output=nolto-rel),1))
COMPILE  = $(CC) -std=c11 -pthread -fPIC -fvisibility=hidden $(WARN) \
           $(FLAGS_$(MODE)) $(DEFINES) -Iengine -Iext -MMD -MP $(CFLAGS)
PRODUCT  = $(if $(WHOLE),-flto=auto -ffat-lto-objects)
# $(call say,CC,file): one short line in place of the command, unless V=1.
say      = $(if $(V),,@echo '$(1)	$(2)' && )
LINK     = $(CC) -pthread $(FLAGS_$(MODE)) $(if $(WHOLE),-fno-lto) $(LDFLAGS)
# $(call merge,names,object,objects): one of them, whose global names are these.
merge    = $(if $(WHOLE),$(CC) -fPIC -r -nostdlib $(FLAGS_$(MODE)) $(CFLAGS) -flto=auto \
               -flinker-output=nolto-rel,$(LD) -r) -o $(2) $(3) && \
           objcopy --wildcard --keep-global-symbol='$(1)' $(2)

# --- Files ------------------------------------------------------------------

ENGINE  := $(patsubst %.c,$(B)/%.o,$(wildcard engine/*/*.c))
EXT     := $(patsubst %.c,$(B)/%.o,$(wildcard ext/*.c))
TESTS   := $(wildcard tests/unit/test_*.c tests/engine/test_*.c tests/ext/test_*.c)
SUPPORT := $(filter-out %/template.c %/byron_dump.c,$(wildcard tests/support/*.c))
UNIT    := $(patsubst %.c,$(B)/%.o,$(TESTS) $(SUPPORT)) $(EXT) $(ENGINE)
TOOLS   := $(patsubst %.c,$(B)/%,$(wildcard tests/tools/*.c tests/bench/bench_*.c \
             tests/support/byron_dump.c tests/kill/killer.c tests/differ/differ.c tests/slt/sqllogic.c \
             tests/torture/torture.c tests/soak/soak.c))
KILL    := $(patsubst %.c,$(B)/%.o,$(wildcard tests/kill/*.c) tests/support/seed.c)
DIFFER  := $(patsubst %.c,$(B)/%.o,$(wildcard tests/differ/*.c) tests/support/seed.c)
SOAK    := $(patsubst %.c,$(B)/%.o,$(wildcard tests/soak/*.c) tests/support/seed.c)
MEMFS   := $(patsubst %,$(B)/tests/support/%.o,memfs memfs_clock memfs_inspect memfs_map memfs_node memfs_os memfs_tree seed)
TORTURE := $(patsubst %.c,$(B)/%.o,$(wildcard tests/torture/*.c)) $(MEMFS)
CHECK    = $(shell pkg-config --libs check 2>/dev/null || echo -lcheck)
FUZZERS := $(patsubst %.c,$(B)/%,$(filter-out %/fuzz_main.c %/fuzz_http.c,$(wildcard tests/fuzz/fuzz_*.c)))
SUITES  := $(notdir $(TESTS:.c=))
NEWEST  := build/sqlite-newest

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all fuzz fuzz-keep unit valgrind tools newest test demo kills differ torture soak cover mutants bench bench-full bench-shapes bench-load lint tidy format docs \
        install install-server clean help FORCE

all: $(B)/libbyron.a $(B)/byron.so ## Build the library and ./byron.so.

# Several makes may be at it at once: each writes a file of its own.
replace = @mkdir -p $(@D) && new=$@.$$$$ && printf '$(1)' >$$new && \
          { cmp -s $@ $$new && rm $$new || mv $$new $@; }
# Other flags, other objects.
$(B)/flags: FORCE
	$(call replace,$(subst \,,$(COMPILE) $(PRODUCT)))
$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(COMPILE) -c -o $@ $<

# The one file for newer processors only: it is asked first whether this is one.
$(B)/engine/base/hash_wide.o: private COMPILE += $(if $(filter x86_64%,$(shell $(CC) -dumpmachine)),-mavx2)

$(ENGINE) $(EXT): private COMPILE += $(PRODUCT)

# One object whose only global names are those of byron.h.
$(B)/libbyron.a: $(ENGINE)
	$(call say,AR,$@)$(call merge,byron_*,$(B)/libbyron.o,$^) && \
	    rm -f $@ && ar rcs $@ $(B)/libbyron.o

$(B)/byron.so: $(ENGINE) $(EXT)
	$(call say,LINK,$@)$(LINK) $(if $(WHOLE),-flto=auto) -shared -Wl,-soname,byron.so $(if $(SHIPPED),-Wl$(,)-z$(,)defs) \
	    -o $@ $^ $(LIBS) $(if $(SHIPPED),&& cp $@ byron.so.new && \
	    mv byron.so.new byron.so)
, := ,

# --- Tests ------------------------------------------------------------------

$(B)/suites.h: FORCE
	$(call replace,$(foreach s,$(SUITES),SUITE($(s)_suite)\n))

$(B)/tests/%.o: private COMPILE += -I$(B) -Itests
$(B)/tests/support/runner.o: $(B)/suites.h
# Calls of these come to tests/support/failing_malloc.c.
WRAP     = $(patsubst %,-Wl$(,)--wrap=%,malloc calloc realloc strdup strndup asprintf \
             vasprintf open_memstream)
# And of this one to tests/unit/test_job_counts.c.
$(B)/unit $(B)/unit-newest: private WRAP += -Wl,--wrap=table_output_entries
$(B)/unit: $(UNIT)
	$(call say,LINK,$@)$(LINK) $(WRAP) -o $@ $^ $(LIBS) $(CHECK) -lsqlite3
$(B)/unit-newest: $(UNIT) $(NEWEST)/sqlite3.o
	$(call say,LINK,$@)$(LINK) $(WRAP) -o $@ $^ $(LIBS) $(CHECK) -lm -ldl

# A tool or a bench is one file beside SQLite; the dump reads our formats.
$(TOOLS): $(B)/%: $(B)/%.o
	$(call say,LINK,$@)$(LINK) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS) $(MORE) -lsqlite3 -lm
$(B)/tests/support/byron_dump: $(ENGINE)
# The comparisons: other stores take part where their headers are. Who does is
# written down, so that one who comes later is not overlooked.
$(patsubst %.c,$(B)/%,$(wildcard tests/bench/bench_*.c)): $(B)/tests/bench/rows.o
CONTEST := $(patsubst %,$(B)/tests/bench/%.o,contest counted_calls keys lane meter peer report \
             settings squeeze waits workload)
PEERS    = $(foreach p,rocksdb leveldb,$(if $(call has,$p/c.h),$p)) $(if $(call has,lmdb.h),lmdb)
$(B)/peers: FORCE
	$(call replace,$(PEERS))
$(B)/tests/bench/peer_rocksdb.o: private COMPILE += \
    -DBENCH_ROCKSDB_VERSION='"$(shell pkg-config --modversion rocksdb)"'
$(patsubst %,$(B)/tests/bench/peer_%.o,rocksdb leveldb lmdb): $(B)/peers
$(B)/tests/bench/bench_engine: $(CONTEST) $(B)/libbyron.a \
    $(patsubst %,$(B)/tests/bench/peer_%.o,byron rocksdb leveldb lmdb)
$(B)/tests/bench/bench_engine: private MORE = $(addprefix -l,$(PEERS))
$(B)/tests/bench/bench_sql: $(CONTEST) $(patsubst %,$(B)/tests/bench/%.o,peer_sql floor_table)
$(patsubst %,$(B)/tests/bench/bench_%,engine sql): private LINK += -rdynamic
$(B)/tests/bench/bench_load: $(B)/tests/bench/waits.o
$(B)/tests/bench/bench_group: $(B)/libbyron.a
$(B)/tests/kill/killer: $(KILL)
$(B)/tests/kill/killer-newest: $(KILL) $(NEWEST)/sqlite3.o
	$(call say,LINK,$@)$(LINK) -o $@ $^ -lm -ldl
$(B)/tests/differ/differ: $(DIFFER)
# Its files are opened, written and synced by way of tests/torture.
$(B)/tests/torture/torture: $(TORTURE) $(filter $(B)/engine/base/%,$(ENGINE))
$(B)/tests/torture/torture: private LINK += -rdynamic
$(B)/tests/torture/torture-newest: $(TORTURE) $(filter $(B)/engine/base/%,$(ENGINE)) $(NEWEST)/sqlite3.o
	$(call say,LINK,$@)$(LINK) -rdynamic -o $@ $^ $(LIBS) -lm -ldl
$(B)/tests/soak/soak: $(SOAK)
$(B)/tests/slt/sqllogic: $(B)/tests/slt/md5.o
$(B)/tests/slt/sqllogic-newest: $(addprefix $(B)/tests/slt/,sqllogic.o md5.o) $(NEWEST)/sqlite3.o
	$(call say,LINK,$@)$(LINK) -o $@ $^ -lm -ldl
$(B)/tests/differ/differ-newest: $(DIFFER) $(NEWEST)/sqlite3.o
	$(call say,LINK,$@)$(LINK) -o $@ $^ -lm -ldl
$(B)/tests/tools/sqlrun-newest: tests/tools/sqlrun.c $(NEWEST)/sqlite3.o
	@mkdir -p $(@D)
	$(call say,CC,$@)$(COMPILE) -I$(NEWEST) -MF $@.d -o $@ $^ -lm -ldl

# Over files, but under a fuzzer in the modes afl and libfuzzer. Each has the
# parts of engine and extension that it calls: others cost the fuzzer time.
FUZZ_MAIN := $(if $(FUZZED),,$(B)/tests/fuzz/fuzz_main.o)
$(B)/tests/fuzz/fuzz_%: private LINK += $(if $(FUZZED),-fsanitize=fuzzer)
$(B)/fuzzed.a: $(ENGINE) $(EXT)
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^
$(FUZZERS): %: %.o $(FUZZ_MAIN) $(B)/fuzzed.a
	$(call say,LINK,$@)$(LINK) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS) -lsqlite3
$(B)/tests/fuzz/fuzz_store: $(MEMFS) $(patsubst %,$(B)/tests/support/%.o,course store_model)
$(B)/tests/fuzz/fuzz_open $(B)/tests/fuzz/fuzz_salvage: $(MEMFS) $(B)/tests/support/planted.o
$(patsubst %,$(B)/tests/fuzz/fuzz_%,log open salvage): $(B)/tests/support/right_sums.o

# The newest SQLite, out of npm's better-sqlite3.
$(NEWEST)/sqlite3.c:
	tests/sqlite-newest $(NEWEST)
$(NEWEST)/sqlite3.o: $(NEWEST)/sqlite3.c
	$(call say,CC,$<)$(CC) -O2 -fPIC -DSQLITE_ENABLE_COLUMN_METADATA -c -o $@ $<

unit: $(B)/unit ## Build and run the unit tests [T=module].
	$(B)/unit $(T)
valgrind: $(B)/unit ## The unit tests under valgrind, half an hour [T=module].
	@tests/packages valgrind
	CK_TIMEOUT_MULTIPLIER=50 valgrind -q --error-exitcode=9 $(B)/unit $(T)
tools: $(TOOLS) $(FUZZERS)
	@:
newest: $(addprefix $(B)/,unit-newest tests/tools/sqlrun-newest tests/kill/killer-newest \
          tests/differ/differ-newest tests/slt/sqllogic-newest tests/torture/torture-newest)

test: ## The one command: install what is missing, build, test [T=suite].
	@tests/packages build test
	@$(MAKE) --no-print-directory -j$$(nproc) all tools $(B)/unit
	@MODE=$(MODE) tests/run $(T)

demo: ## The one command: install what is missing, build, show byron at work.
	@tests/packages build demo
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@sql/demo.sh

cover: ## Lines and branches of engine/ and ext/ that C tests, corpora and SQL reach, 10 minutes.
	@tests/packages build test cover
	@$(MAKE) --no-print-directory -j$$(nproc) MODE=cover $(patsubst %,build/cover/%,unit byron.so \
	    tests/tools/sqlrun $(FUZZERS:$(B)/%=%))
	@find build/cover -name '*.gcda' -delete
	@CK_TIMEOUT_MULTIPLIER=4 build/cover/unit
	@MODE=cover tests/fuzz/test_corpus.sh
	@MODE=cover tests/sql/run
	@gcovr --root . --filter engine/ --filter ext/ --sort-percentage --print-summary \
	    --html-details build/cover/report.html --json build/cover/report.json \
	    --fail-under-line 95 --fail-under-branch 85 build/cover
	@tests/cover/check build/cover/report.json
	@echo 'line by line: build/cover/report.html'

mutants: ## Break the product in small ways: the tests must see each [M=name].
	@tests/mutants/run $(M)

kills: all $(B)/tests/kill/killer ## Kill a writer, check, go on [ROUNDS=1000 SEED= JOURNAL=].
	$(B)/tests/kill/killer extension=$(CURDIR)/$(B)/byron.so rounds=$(or $(ROUNDS),1000) \
	    $(if $(SEED),seed=$(SEED)) $(if $(JOURNAL),journal=$(JOURNAL))

differ: all $(B)/tests/differ/differ ## Random SQL on byron and ordinary tables [SEEDS=2000 SEED=].
	$(B)/tests/differ/differ extension=$(CURDIR)/$(B)/byron.so seeds=$(or $(SEEDS),2000) \
	    $(if $(SEED),seed=$(SEED))

# $(call torment,more words)
torment  = $(B)/tests/torture/torture extension=$(CURDIR)/$(B)/byron.so seeds=$(or $(SEEDS),200) \
           $(if $(SEED),seed=$(SEED)) $(if $(JOURNAL),journal=$(JOURNAL)) $(1)
torture: all $(B)/tests/torture/torture ## Cut the power at every call, let calls fail [SEEDS=200 SEED= JOURNAL=].
	$(call torment,mode=disturb)
	$(call torment,mode=fault steps=200)
	$(call torment,mode=crash)

soak: all $(B)/tests/soak/soak ## Hours of use by threads: memory, files and disk stay bounded [MINUTES=60 SEED=].
	$(B)/tests/soak/soak extension=$(CURDIR)/$(B)/byron.so minutes=$(or $(MINUTES),60) \
	    $(if $(SEED),seed=$(SEED))

fuzz: ## Fuzz every decoder, or one [F=name SECONDS=60 BY=libfuzzer|afl].
	@tests/packages build fuzz $(filter afl,$(BY))
	@tests/fuzz/run '$(F)' $(or $(SECONDS),60) $(BY)
fuzz-keep: ## Put what fuzzers have found of use into tests/fuzz/corpus [F=name].
	@tests/packages build fuzz
	@tests/fuzz/keep $(F)
bench: ## Compare with other stores and with ordinary tables, 10 minutes [LABELS="e1M cache"].
	@tests/packages build bench
	@$(MAKE) --no-print-directory -j$$(nproc) all tools
	@tests/bench/run $(B) short build/bench.tsv $(LABELS)
bench-full: ## The same with 3 and 36 million rows, 1 hour, 25 GB of disk, as root [LABELS="e36M"].
	@tests/packages build bench
	@$(MAKE) --no-print-directory -j$$(nproc) all tools
	@tests/bench/run $(B) full build/bench-full.tsv $(LABELS)
bench-shapes: all tools ## Shapes of queries, against ordinary tables [ROWS=3000000].
	$(B)/tests/bench/bench_shapes $(if $(ROWS),rows=$(ROWS))
bench-load: all tools ## Load 20 million rows and check them [ROWS=20000000].
	$(B)/tests/bench/bench_load $(if $(ROWS),rows=$(ROWS))

# --- Server -----------------------------------------------------------------
# Packages of its own (tests/packages server), which nothing else here needs.

SERVER   := $(patsubst %.c,$(B)/%.o,$(filter-out %/byrond.c server/ctl/%,$(wildcard server/*/*.c))) \
            $(B)/sql_of_byron.o $(B)/libbyron.a
# The client needs neither the engine nor SQLite.
CTL      := $(patsubst %.c,$(B)/%.o,$(filter-out %/byronctl.c,$(wildcard server/ctl/*.c)))
CTL_USES := $(patsubst %,$(B)/server/%.o,net/address net/bytes net/dial http/requester http/tls http/tls_names \
              grpc/client grpc/frame grpc/gzip grpc/metadata grpc/tally grpc/wire)
PROTOS   := $(patsubst server/proto/%,%,$(wildcard server/proto/*/*/*.proto server/proto/*/*/*/*.proto))
MESSAGES := $(patsubst %.proto,$(B)/proto/%.pb-c.o,$(PROTOS))
INTEROP  := $(patsubst %,$(B)/proto/grpc/testing/%.pb-c.o,empty messages test)
SERVED   := $(wildcard tests/server/test_*.c)
SERVED_BY := $(patsubst %.c,$(B)/%.o,$(SERVED) tests/server/played.c tests/server/runner.c \
              tests/support/seed.c tests/support/failing_malloc.c)
SERVER_LIBS := -lnghttp2 -lprotobuf-c -lz -lsqlite3 -lssl -lcrypto $(LIBS)

server: $(B)/byrond $(B)/byronctl ## Build the server byrond (gRPC: keys and values, SQL) and its client byronctl.
server-tests: $(patsubst %,$(B)/tests/%,server/unit server/interop_server fuzz/fuzz_http)
.PHONY: server server-tests

# The extension as one object, of which nothing but its entry point is global.
$(B)/sql_of_byron.o: $(EXT)
	$(call say,LD,$@)$(call merge,sqlite3_byron_init,$@,$(EXT))
# Messages, as protoc-c writes them: not our code, not our warnings.
$(B)/proto/%.pb-c.c: server/proto/%.proto
	@mkdir -p $(@D)
	$(call say,PROTO,$<)protoc-c -Iserver/proto --c_out=$(B)/proto $*.proto
$(B)/proto/grpc/testing/%.pb-c.c: /usr/share/grpc-proto/grpc/testing/%.proto
	@mkdir -p $(@D)
	$(call say,PROTO,$<)protoc-c -I/usr/share/grpc-proto --c_out=$(B)/proto grpc/testing/$*.proto
$(B)/proto/%.o: $(B)/proto/%.c
	$(call say,CC,$<)$(CC) -std=c11 -fPIC -w $(FLAGS_$(MODE)) -I$(B)/proto -c -o $@ $<
$(B)/proto/descriptors.h: $(addprefix server/proto/,$(PROTOS))
	@mkdir -p $(@D)
	$(call say,PROTO,$@)protoc-c -Iserver/proto --include_imports \
	    --descriptor_set_out=$@.set $(PROTOS) && \
	    od -An -v -tu1 $@.set | sed 's/ *\([0-9][0-9]*\)/\1,/g' >$@

$(B)/server/%.o $(B)/tests/server/%.o $(B)/tests/fuzz/fuzz_http.o: private COMPILE += -Iserver -I$(B)/proto
$(filter %.o,$(SERVER)) $(CTL): $(MESSAGES:.o=.c) $(B)/proto/descriptors.h
$(B)/tests/server/interop_service.o: $(INTEROP:.o=.c)
$(B)/byrond: $(SERVER) $(MESSAGES) $(B)/server/main/byrond.o
$(B)/byronctl: $(CTL) $(CTL_USES) $(B)/proto/byron/v1/byron.pb-c.o $(B)/server/ctl/byronctl.o
$(B)/byronctl: private SERVER_LIBS := -lnghttp2 -lprotobuf-c -lz -lssl -lcrypto
$(B)/tests/server/interop_server: $(SERVER) $(MESSAGES) $(INTEROP) \
    $(patsubst %,$(B)/tests/server/%.o,interop_server interop_service)
# The same runner, over other suites.
$(B)/server/suites.h: FORCE
	$(call replace,$(foreach s,$(notdir $(SERVED:.c=)),SUITE($(s)_suite)\n))
$(B)/tests/server/runner.o: tests/support/runner.c $(B)/server/suites.h $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)$(COMPILE) -c -o $@ $<
$(B)/tests/server/runner.o: private COMPILE += -DSUITES='"server/suites.h"'
$(B)/tests/server/unit: $(SERVED_BY) $(SERVER) $(CTL) $(MESSAGES)
$(B)/tests/server/unit: private SERVER_LIBS += $(WRAP) $(CHECK)
PLAYED   := $(patsubst %.c,$(B)/%.o,$(wildcard server/net/*.c server/http/*.c server/grpc/*.c))
$(B)/tests/fuzz/fuzz_http: $(FUZZ_MAIN) $(B)/tests/fuzz/fuzz_http.o $(B)/tests/server/played.o \
    $(if $(FUZZED),$(PLAYED) $(B)/fuzzed.a,$(SERVER) $(MESSAGES))
$(B)/byrond $(B)/byronctl $(B)/tests/server/interop_server $(B)/tests/server/unit $(B)/tests/fuzz/fuzz_http:
	$(call say,LINK,$@)$(LINK) -o $@ $(filter %.o %.a,$^) $(SERVER_LIBS)

# --- Style ------------------------------------------------------------------

C_FILES := $(wildcard engine/*.h engine/*/*.[ch] ext/*.[ch] server/*/*.[ch] tests/*/*.[ch])
lint: ## Check format, layers, sizes, names [WERROR=1 MODE=... for warnings].
	@tests/packages lint
	@clang-format --dry-run -Werror $(C_FILES)
	@tests/style/run
tidy: ## clang-tidy over engine and ext (slow).
	@tests/packages lint
	clang-tidy --quiet $(TIDY) $(wildcard engine/*/*.c ext/*.c) -- -std=c11 \
	    $(DEFINES) -Iengine -Iext
format: ## Format every C file.
	clang-format -i $(C_FILES)
docs: ## Check the links of the documentation.
	@tests/style/links

# --- Install ----------------------------------------------------------------

install: all ## Install under PREFIX and DESTDIR, so that `.load byron` works.
	@PREFIX=$(PREFIX) LIBDIR=$(LIBDIR) DESTDIR=$(DESTDIR) LIBS="$(LIBS)" tests/install $(B)

install-server: server ## Install byrond, its systemd unit and an example of its settings.
	@PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) tests/install-server $(B)

clean: ## Remove what was built.
	rm -rf build byron.so byron.so.new
help: ## Show this.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' Makefile
	@echo 'MODE=release|debug|asan|tsan|cover  WERROR=1  CC=clang  PREFIX=  DESTDIR='

-include $(wildcard $(B)/*/*.d $(B)/*/*/*.d)
