# troupe: one learner, many actors. `make help` lists the targets.
#
# Three programs from one library (common/), the messaging code (proto/) and the two roles (actor/, learner/).
# Sources are found by folder, so a new file needs no edit here. Objects land in $(BUILD), nothing else does.

BUILD ?= build
CC ?= cc
ARCH ?= native
PREFIX ?= /usr/local
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror=implicit-function-declaration
# in CI a warning is an error (make WERROR=-Werror does the same)
WERROR ?= $(if $(CI),-Werror)
OPTIMISE ?= -O3 -march=$(ARCH) -fno-math-errno -fno-trapping-math -ffp-contract=fast
SANITIZE ?=

.DEFAULT_GOAL := all
# one short line a file; V=1 shows the commands
V ?= 0
Q := $(if $(filter 0,$(V)),@)
say = @$(if $(filter 0,$(V)),printf '%-6s %s\n' $(1) $@,:)
.DELETE_ON_ERROR:

# --- libraries: each by pkg-config; a missing one is one clear line -----------------------------------------------
BLAS ?= openblas
PACKAGES := $(BLAS) yaml-0.1 jansson libturbojpeg spng libxxhash libzip
# These goals compile nothing themselves. demo and check are among them: they install what is missing, and then call
# make again, so that what libraries.mk looks up is there.
NOT_COMPILING := help clean format lint check-layers deps demo reproduce reproduce-full check check-clean-root check-deb uninstall dist deb
ifneq ($(filter-out $(NOT_COMPILING),$(or $(MAKECMDGOALS),all)),)
include deploy/libraries.mk
endif

CPPFLAGS += -I. -D_GNU_SOURCE $(LIBRARY_CFLAGS)
CFLAGS += -std=c11 $(OPTIMISE) -g -fopenmp $(WARNINGS) $(WERROR) $(SANITIZE)
LDFLAGS += -fopenmp $(SANITIZE)
LDLIBS += $(LIBRARY_LIBS) -lm

# --- sources ------------------------------------------------------------------------------------------------------
COMMON := $(filter-out common/tool/%,$(wildcard common/*/*.c))
LEX := $(wildcard common/*/*.l)
TOOL := $(wildcard common/tool/*.c)
PROTO := $(wildcard proto/*.c)
ACTOR := $(wildcard actor/*.c)
LEARNER := $(wildcard learner/*.c)
object = $(patsubst %.c,$(BUILD)/%.o,$(1))
COMMON_OBJECTS := $(call object,$(COMMON)) $(patsubst %.l,$(BUILD)/%.lex.o,$(LEX))
LIBRARY := $(BUILD)/libtroupe.a
# everything of the two roles except their main(): what the unit tests link
ROLE_OBJECTS := $(call object,$(filter-out %/main.c,$(PROTO) $(ACTOR) $(LEARNER)))
TOOL_OBJECTS := $(call object,$(filter-out %/main.c,$(TOOL)))
PROGRAMS := $(addprefix $(BUILD)/bin/,troupe troupe-learner troupe-actor)

.PHONY: all demo reproduce reproduce-full man install uninstall deps format lint dist deb deb-package help clean
all: $(PROGRAMS) ## build build/bin/{troupe,troupe-learner,troupe-actor}; installs nothing

# make again, on all cores unless the caller chose a number
NPROC := $(shell nproc 2>/dev/null || echo 2)
REMAKE = $(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(NPROC))

demo: ## install what is missing, build, and run the whole method on drawn pictures (under 5 minutes)
	@deploy/install-deps.sh build
	@$(REMAKE) all
	@BUILD=$(BUILD) deploy/demo.sh

reproduce: ## the experiment on Flickr8k: XE, SCST, RLOO, GRPO, three seeds; resumable; about 3 hours on 2 cores
	@$(REMAKE) all
	@BUILD=$(BUILD) deploy/reproduce.sh

reproduce-full: ## reproduce, then variants of GRPO and ablations, one seed each
	@$(REMAKE) all
	@BUILD=$(BUILD) deploy/reproduce.sh full

deps: ## install what is missing to build and to check (apt or dnf; sudo only if needed)
	@deploy/install-deps.sh

$(BUILD)/bin/troupe: $(call object,$(TOOL)) $(LIBRARY)
$(BUILD)/bin/troupe-learner: $(call object,$(LEARNER) $(PROTO)) $(LIBRARY)
$(BUILD)/bin/troupe-actor: $(call object,$(ACTOR) $(PROTO)) $(LIBRARY)
$(BUILD)/bin/troupe-learner $(BUILD)/bin/troupe-actor: LDLIBS += $(MPI_LIBS)

$(PROGRAMS):
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LDLIBS)

$(LIBRARY): $(COMMON_OBJECTS)
	@rm -f $@
	$(call say,AR)
	$(Q)$(AR) rcs $@ $^

# other flags or another compiler than last time: everything is compiled again
FLAGS := $(BUILD)/flags
ifneq ($(LIBRARY_LIBS),)
$(shell mkdir -p $(BUILD); echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)' | cmp -s - $(FLAGS) || \
  echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)' >$(FLAGS))
endif

$(BUILD)/%.o: %.c $(FLAGS)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# what `troupe version` tells of this build, which is compiled again when that changes
VERSION := $(BUILD)/version
ifneq ($(LIBRARY_LIBS),)
$(shell deploy/version.sh | cmp -s - $(VERSION) || deploy/version.sh >$(VERSION))
endif
$(BUILD)/common/tool/version.o: $(VERSION)
$(BUILD)/common/tool/version.o: CPPFLAGS += -DTROUPE_DESCRIBED='"$(shell cat $(VERSION) 2>/dev/null)"' \
  -DTROUPE_FLAGS='"$(filter-out $(WARNINGS) $(WERROR),$(CFLAGS))"'

# generated scanners: flex writes code that our warnings do not fit
.SECONDARY: $(patsubst %.l,$(BUILD)/%.lex.c,$(LEX))
$(BUILD)/%.lex.c: %.l
	@mkdir -p $(@D)
	$(call say,FLEX)
	$(Q)flex -o $@ $<
$(BUILD)/%.lex.o: $(BUILD)/%.lex.c $(FLAGS)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(filter-out $(WARNINGS) $(WERROR),$(CFLAGS)) -MMD -MP -c -o $@ $<

# the page of `troupe report` is put into the program by .incbin
$(BUILD)/common/tool/report_page.o: $(wildcard common/tool/report/*)
# and the batch scripts into `troupe submit`
$(BUILD)/common/tool/submit.o: $(wildcard deploy/slurm/*.sbatch)

$(call object,$(PROTO) $(ACTOR) $(LEARNER)): CPPFLAGS += $(MPI_CFLAGS)

include tests/tests.mk

# --- install ------------------------------------------------------------------------------------------------------
BINDIR = $(DESTDIR)$(PREFIX)/bin
DATADIR = $(DESTDIR)$(PREFIX)/share/troupe
MANDIR = $(DESTDIR)$(PREFIX)/share/man
BASHDIR = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
ZSHDIR = $(DESTDIR)$(PREFIX)/share/zsh/site-functions
DOCDIR = $(DESTDIR)$(PREFIX)/share/doc/troupe
# what a user needs of this folder besides the programs: under share/troupe in the folders it has in deploy/, and what to read
USER_FILES = $(wildcard deploy/configs/*.yaml deploy/slurm/*.sbatch deploy/interop/*.py deploy/*.py) deploy/fetch.inc
USER_SCRIPTS = $(wildcard deploy/fetch-*.sh)
USER_PAGES = README.md CHANGELOG.md LICENSE proto/PROTOCOL.md deploy/slurm/README.md $(wildcard deploy/guides/*.md)

man: $(PROGRAMS) ## man pages, made of what the programs say of themselves, into build/man
	@deploy/man.sh $(BUILD)/bin/troupe $(BUILD)/man

install: all man ## install programs, configurations, scripts, man pages, guides, completions (PREFIX=/usr/local, DESTDIR=)
	install -d $(BINDIR) $(MANDIR)/man1 $(MANDIR)/man5 $(BASHDIR) $(ZSHDIR)
	install -m 755 $(PROGRAMS) $(BINDIR)
	for file in $(USER_FILES); do install -D -m 644 $$file $(DATADIR)/$${file#deploy/} || exit 1; done
	for file in $(USER_SCRIPTS); do install -D -m 755 $$file $(DATADIR)/$${file#deploy/} || exit 1; done
	for file in $(USER_PAGES); do install -D -m 644 $$file $(DOCDIR)/$$file || exit 1; done
	install -m 644 $(BUILD)/man/*.1 $(MANDIR)/man1
	install -m 644 $(BUILD)/man/*.5 $(MANDIR)/man5
	install -m 644 deploy/completion/troupe.bash $(BASHDIR)/troupe
	install -m 644 deploy/completion/_troupe $(ZSHDIR)/_troupe

uninstall: ## remove what install put there (same PREFIX and DESTDIR)
	rm -f $(addprefix $(BINDIR)/,$(notdir $(PROGRAMS))) $(MANDIR)/man1/troupe.1 $(MANDIR)/man1/troupe-*.1 $(MANDIR)/man5/troupe.yaml.5
	rm -f $(BASHDIR)/troupe $(ZSHDIR)/_troupe
	rm -rf $(DATADIR) $(DOCDIR)

# --- the sources themselves ---------------------------------------------------------------------------------------
# the tables that a script writes stay as it writes them
C_FILES = $(filter-out %_golden.h %_table.h,$(shell git ls-files "*.c" "*.h"))

format: ## clang-format every C file in place
	clang-format -i $(C_FILES)

lint: check-layers ## layers; clang-format, cppcheck and shellcheck where they are installed (changes nothing)
	@sh tests/lint.sh $(C_FILES)

DIST = .
dist: ## troupe-VERSION.tar.gz of the last commit, which knows its version (DIST=FOLDER)
	@version=$$(deploy/version.sh | sed 's/-dirty$$//') && mkdir -p $(BUILD) && echo $$version >$(BUILD)/VERSION && \
	  git archive --prefix=troupe-$$version/ --add-file=$(BUILD)/VERSION -o $(DIST)/troupe-$$version.tar.gz HEAD && \
	  echo $(DIST)/troupe-$$version.tar.gz

# A package runs on other machines than this one: no -march=native.
DEB_ARCH ?= $(if $(filter x86_64,$(shell uname -m)),x86-64-v3,$(if $(filter aarch64,$(shell uname -m)),armv8-a,native))
DEB_FOLDER = $(BUILD)/deb
deb: ## a Debian package in build/deb, for x86-64-v3 (AVX2) unless DEB_ARCH says otherwise
	@$(REMAKE) BUILD=$(BUILD)/package ARCH=$(DEB_ARCH) DEB_FOLDER=$(BUILD)/deb deb-package

deb-package: all man
	@rm -rf $(BUILD)/stage
	@$(MAKE) --no-print-directory -s BUILD=$(BUILD) ARCH=$(ARCH) install PREFIX=/usr DESTDIR=$(abspath $(BUILD))/stage
	@FLAGS='-march=$(ARCH)' deploy/packaging/deb.sh $(BUILD)/stage $(DEB_FOLDER)

help: ## this list
	@grep -hE '^[a-z][a-z0-9-]*:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 22

clean: ## remove what was built
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name clean-root -prune -o -type f -name '*.d' -print 2>/dev/null)
