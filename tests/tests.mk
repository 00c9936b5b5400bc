# Tests. tests/run.sh runs and counts them; CONTRIBUTING.md says where a new one goes.
#
#   unit/   mirrors the source tree; each *_test.c is one cmocka program (several cases)
#   mpi/    *.sh under a real mpirun; each *.c there is a program that such a script starts
#   e2e/    *.sh that use the programs as a user would
#   house/  *.sh about the tree itself: layers, warnings, install, the runner
#   chaos/  faults in real runs, behind make check-chaos
#   fuzz/   *_fuzz.c for libFuzzer, seeds in corpus/NAME/; `make check` replays the seeds without libFuzzer
#   bench/  *.c that print rates, *.py that make tables of them beside another program's
#   watch/  a small experiment under valgrind or ThreadSanitizer
#   smpi/   a training run's messages simulated by SimGrid; tests/mpi/simulation.sh runs a small one

UNIT := $(wildcard tests/unit/*/*_test.c tests/unit/*/*/*_test.c)
FUZZ := $(wildcard tests/fuzz/*_fuzz.c)
SUPPORT := $(wildcard tests/mpi/*.c tests/bench/*.c tests/reference/*.c)
UNIT_PROGRAMS := $(UNIT:%.c=$(BUILD)/%)
REPLAY_PROGRAMS := $(FUZZ:%_fuzz.c=$(BUILD)/%_replay)
SUPPORT_PROGRAMS := $(SUPPORT:%.c=$(BUILD)/%)
MPI_PROGRAMS := $(filter $(BUILD)/tests/mpi/%,$(SUPPORT_PROGRAMS))
BENCH_PROGRAMS := $(filter $(BUILD)/tests/bench/%,$(SUPPORT_PROGRAMS))
HOUSE_TESTS := $(wildcard tests/house/*.sh)
MPI_TESTS := $(filter-out %/tiny.sh,$(wildcard tests/mpi/*.sh)) # tiny.sh: what the others share
E2E_TESTS := $(wildcard tests/e2e/*.sh)
TEST_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(UNIT) $(FUZZ) $(SUPPORT) tests/fuzz/replay.c)

$(TEST_OBJECTS): CPPFLAGS += $(MPI_CFLAGS)
.SECONDARY: $(TEST_OBJECTS)

$(UNIT_PROGRAMS): %: %.o $(ROLE_OBJECTS) $(LIBRARY)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBRARY) $(LDLIBS) $(MPI_LIBS) -lcmocka
$(filter $(BUILD)/tests/unit/tool/%,$(UNIT_PROGRAMS)): $(TOOL_OBJECTS)
$(SUPPORT_PROGRAMS): %: %.o $(ROLE_OBJECTS) $(LIBRARY)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) $(MPI_LIBS)
$(REPLAY_PROGRAMS): %_replay: %_fuzz.o $(BUILD)/tests/fuzz/replay.o $(ROLE_OBJECTS) $(LIBRARY)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) $(MPI_LIBS)

RUN_TESTS = BUILD=$(BUILD) CC='$(CC)' sh tests/run.sh

.PHONY: check check-all check-unit check-mpi check-e2e check-layers check-clang check-asan check-valgrind check-tsan check-fuzz check-fuzz-all \
  check-clean-root check-deb check-model bench bench-compare bench-score bench-mpi bench-smpi check-smpi
check: ## install what is missing, build, and run every test that needs no long run
	@deploy/install-deps.sh
	@$(REMAKE) check-all

check-all: $(PROGRAMS) $(UNIT_PROGRAMS) $(REPLAY_PROGRAMS) $(MPI_PROGRAMS)
	@$(RUN_TESTS) $(HOUSE_TESTS) $(UNIT_PROGRAMS) $(REPLAY_PROGRAMS) $(MPI_TESTS) $(E2E_TESTS)

check-unit: $(UNIT_PROGRAMS) ## the cmocka tests alone (one of them: build/tests/unit/base/rng_test)
	@$(RUN_TESTS) $^

check-mpi: $(PROGRAMS) $(MPI_PROGRAMS) ## the tests under mpirun alone
	@$(RUN_TESTS) $(MPI_TESTS)

check-e2e: $(PROGRAMS) ## the programs as a user runs them, alone
	@$(RUN_TESTS) $(E2E_TESTS)

check-model: ## the model of the protocol (proto/model) by Spin, right and with bugs put in (needs spin; 3 minutes, 0.4 GB)
	@CC='$(CC)' sh tests/model.sh

check-layers: ## who may include whom
	@sh tests/check-layers.sh

check-clang: ## build everything with clang, warnings being errors, into build/clang
	@$(REMAKE) BUILD=$(BUILD)/clang CC=clang WERROR=-Werror compile-all
.PHONY: compile-all
compile-all: $(PROGRAMS) $(UNIT_PROGRAMS) $(REPLAY_PROGRAMS) $(MPI_PROGRAMS)

# Not detect_stack_use_after_return: GCC 12's stand-in for the stack is not aligned for 64-byte vectors. Not the slow unwinder
# either: it takes HDF5's many allocations ten times as long. HDF5 asks for as much memory as a damaged file says, and does not mind none.
check-asan: ## the cmocka tests and those under mpirun with the address and undefined-behaviour sanitizers, in build/asan
	@UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=allocator_may_return_null=1 \
	  LSAN_OPTIONS=suppressions=$(CURDIR)/tests/lsan.supp:print_suppressions=0 \
	  $(REMAKE) BUILD=$(BUILD)/asan OPTIMISE='-O1 -march=$(ARCH)' \
	  SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer' check-unit check-mpi

# An instruction set that valgrind knows.
check-valgrind: ## a small experiment from prepare to caption, each rank under valgrind (3 minutes)
	@$(REMAKE) BUILD=$(BUILD)/valgrind ARCH=x86-64-v3 OPTIMISE='-O1 -march=x86-64-v3 -fno-math-errno -fno-trapping-math' all
	@BUILD=$(BUILD)/valgrind sh tests/watch/watched.sh valgrind

check-tsan: ## the same under clang's ThreadSanitizer, which its OpenMP tells what waits for what (needs libomp-14-dev)
	@$(REMAKE) BUILD=$(BUILD)/tsan CC=clang OPTIMISE='-O1 -march=$(ARCH)' SANITIZE='-fsanitize=thread -Wno-pass-failed' all
	@BUILD=$(BUILD)/tsan ARCHER=$$(ls /usr/lib/llvm-*/lib/libarcher.so | tail -n 1) sh tests/watch/watched.sh tsan

FUZZ_SECONDS ?= 30
FUZZERS := $(FUZZ:%.c=$(BUILD)/%)
$(FUZZERS): %: %.o $(ROLE_OBJECTS) $(LIBRARY)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(LDLIBS) $(MPI_LIBS)
check-fuzz: ## each fuzz target by clang's libFuzzer for FUZZ_SECONDS=30
	@$(REMAKE) BUILD=$(BUILD)/fuzz CC=clang OPTIMISE='-O1 -march=$(ARCH)' \
	  SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -Wno-pass-failed' check-fuzz-all
check-fuzz-all: $(FUZZERS)
	@for f in $^; do sh tests/fuzz/fuzz.sh $$f $(FUZZ_SECONDS) || exit 1; done

FAULTY_DISK := $(BUILD)/tests/chaos/faulty_disk.so
$(FAULTY_DISK): tests/chaos/faulty_disk.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) -D_GNU_SOURCE -std=c11 -O2 $(WARNINGS) $(WERROR) -Wno-missing-prototypes -fPIC -shared -o $@ $< -ldl

.PHONY: check-chaos
check-chaos: $(PROGRAMS) $(BUILD)/tests/mpi/protocol_test $(FAULTY_DISK) ## kills, stops and corrupts parts of runs (TRIALS=20 a fault, SEED=1, FAULTS=); table and build/chaos.jsonl
	@BUILD=$(BUILD) sh tests/chaos/chaos.sh $(FAULTS)

.PHONY: check-slurm
check-slurm: $(PROGRAMS) ## jobs of a real Slurm: munged, slurmctld and two nodes on this machine, ended afterwards (root; installs Debian's packages)
	@sh tests/slurm-packages.sh
	@TEST_TIMEOUT=3000 $(RUN_TESTS) $(wildcard tests/slurm/*.sh)

.PHONY: check-reference
check-reference: $(PROGRAMS) $(BUILD)/tests/reference/tokenize_lines ## tokeniser and metrics against pycocoevalcap (python3, java)
	@BUILD=$(BUILD) python3 tests/reference/compare.py $(REFERENCE_OPTIONS)
	@BUILD=$(BUILD) python3 tests/golden/score/compare_meteor.py

.PHONY: check-interop
check-interop: $(PROGRAMS) ## what leaves troupe, read by safetensors, PyTorch, ONNX Runtime, h5py, pycocotools (python3 with them)
	@BUILD=$(BUILD) python3 tests/reference/interop.py

check-deb: deb ## a Debian package installed and tried in a bare Debian root (root, debootstrap)
	@DEB=$$(ls -t $(BUILD)/deb/*.deb | head -n 1) sh tests/clean-root.sh

check-clean-root: ## make check in a bare Debian root by debootstrap (root; DEMO=1 runs make demo too)
	@sh tests/clean-root.sh

bench: $(PROGRAMS) $(BENCH_PROGRAMS) ## rates on one core beside a PyTorch peer's (tests/bench/peer.py); table, and lines added to build/bench.jsonl; BENCH_OPTIONS=
	@BUILD=$(BUILD) TROUPE_BENCH_OUT=$(BUILD)/bench.jsonl python3 tests/bench/peer.py $(BENCH_OPTIONS)

bench-compare: $(PROGRAMS) $(BENCH_PROGRAMS) ## the same rates of this tree and of BASE=COMMIT, in turn
	@test -n "$(BASE)" || { echo "bench-compare: BASE=COMMIT was expected" >&2; exit 2; }
	@git worktree remove --force $(BUILD)/base 2>/dev/null; git worktree add -f --detach $(BUILD)/base $(BASE)
	@$(MAKE) -C $(BUILD)/base BUILD=build CC='$(CC)' $(patsubst $(BUILD)/%,build/%,$(PROGRAMS) $(BENCH_PROGRAMS))
	@BUILD=$(BUILD) python3 tests/bench/peer.py --base $(BUILD)/base/build $(BENCH_OPTIONS); status=$$?; \
	  git worktree remove --force $(BUILD)/base; exit $$status

bench-mpi: $(PROGRAMS) $(BENCH_PROGRAMS) ## actors and learner ranks against their bound, weights against MPI_Bcast, lag, start-up, memory (tests/bench/mpi.py); BENCH_OPTIONS=
	@BUILD=$(BUILD) TROUPE_BENCH_OUT=$(BUILD)/bench.jsonl python3 tests/bench/mpi.py $(BENCH_OPTIONS)

# what the simulated ranks run: all of proto/, and of the learner what hands work out
SMPI_SOURCES := $(filter-out %/still_clock.c,$(wildcard tests/smpi/*.c)) $(filter-out proto/process.c,$(PROTO)) $(addprefix learner/,ledger.c rollouts.c collect.c images.c) \
  $(addprefix common/base/,status.c log.c hash.c rng.c profile.c pulse.c trace.c file.c)
$(BUILD)/smpi/still_clock.so: tests/smpi/still_clock.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) -D_GNU_SOURCE -std=c11 -O2 $(WARNINGS) $(WERROR) -Wno-missing-prototypes -fPIC -shared -o $@ $<
$(BUILD)/smpi/simulation: $(BUILD)/smpi/still_clock.so
$(BUILD)/smpi/simulation: $(SMPI_SOURCES) $(wildcard tests/smpi/*.h proto/*.h learner/*.h common/base/*.h common/config/config.h)
	@mkdir -p $(@D)
	$(call say,SMPICC)
	$(Q)smpicc -std=gnu11 -O2 -g -I. -D_GNU_SOURCE -Wall -Wno-unknown-pragmas -Dsched_yield=stand_in_yield \
	  -Dsetitimer=stand_in_setitimer -o $@ $(SMPI_SOURCES) -lxxhash -lm

check-smpi: $(BUILD)/smpi/simulation ## 256 simulated actors whose nodes fail at drawn instants (needs libsimgrid-dev, python3); SEEDS=1-20, 10 s of a core each
	@BUILD=$(BUILD) python3 tests/smpi/chaos.py --seeds $(or $(SEEDS),1-20) $(SMPI_OPTIONS)

bench-smpi: $(BENCH_PROGRAMS) $(BUILD)/smpi/simulation ## 8 to 1,024 actors with 1 to 64 learner ranks, simulated by SimGrid (needs libsimgrid-dev); BENCH_OPTIONS=
	@BUILD=$(BUILD) TROUPE_BENCH_OUT=$(BUILD)/bench.jsonl python3 tests/smpi/smpi.py $(BENCH_OPTIONS)

bench-score: $(PROGRAMS) $(BUILD)/tests/bench/score_bench ## troupe score against pycocoevalcap: 1,000 and 40,000 pictures x 5 references (minutes), rewards, memory
	@BUILD=$(BUILD) TROUPE_BENCH_OUT=$(BUILD)/bench.jsonl TROUPE_DATA="$${TROUPE_DATA:-../shared/data}" \
	  $(BUILD)/tests/bench/score_bench --images 1000,40000 --references 616000

.PHONY: check-report
check-report: $(PROGRAMS) ## the page of troupe report in headless Chromium (Debian: chromium); SHOTS=FOLDER keeps screenshots
	@$(RUN_TESTS) tests/report/browser.sh
