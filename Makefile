# troupe: one learner, many actors. `make help` lists the targets.
#
# Three programs from one library (common/), the messaging code (proto/) and the two roles (actor/, learner/).
# Sources are found by folder, so a new file needs no edit here. Objects land in $(BUILD), nothing else does.

BUILD ?= build
CC ?= cc
ARCH ?= native
PREFIX ?= /usr/local
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
OPTIMISE ?= -O3 -march=$(ARCH) -fno-math-errno -fno-trapping-math
SANITIZE ?=

.DEFAULT_GOAL := all

# --- libraries: each by pkg-config; a missing one is one clear line -----------------------------------------------
BLAS ?= openblas
PACKAGES := $(BLAS) yaml-0.1 jansson libturbojpeg spng libxxhash
HDF5_PC ?= $(firstword $(foreach p,hdf5 hdf5-serial,$(shell pkg-config --exists $(p) && echo $(p))))
MPICC ?= mpicc
ifneq ($(filter-out help clean format check-layers deps,$(or $(MAKECMDGOALS),all)),)
include deploy/libraries.mk
endif

CPPFLAGS += -I. -I$(BUILD)/generated -D_GNU_SOURCE $(LIBRARY_CFLAGS)
CFLAGS += -std=c11 $(OPTIMISE) -g -fopenmp $(WARNINGS) $(SANITIZE)
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
PROGRAMS := $(addprefix $(BUILD)/bin/,troupe troupe-learner troupe-actor)

.PHONY: all help clean
all: $(PROGRAMS) ## build build/bin/{troupe,troupe-learner,troupe-actor}

$(BUILD)/bin/troupe: $(call object,$(TOOL)) $(LIBRARY)
$(BUILD)/bin/troupe-learner: $(call object,$(LEARNER) $(PROTO)) $(LIBRARY)
$(BUILD)/bin/troupe-actor: $(call object,$(ACTOR) $(PROTO)) $(LIBRARY)
$(BUILD)/bin/troupe-learner $(BUILD)/bin/troupe-actor: LDLIBS += $(MPI_LIBS)

$(PROGRAMS):
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LDLIBS)

$(LIBRARY): $(COMMON_OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# generated scanners: flex writes code that our warnings do not fit
$(BUILD)/%.lex.c: %.l
	@mkdir -p $(@D)
	flex -o $@ $<
$(BUILD)/%.lex.o: $(BUILD)/%.lex.c
	$(CC) $(CPPFLAGS) $(filter-out $(WARNINGS),$(CFLAGS)) -MMD -MP -c -o $@ $<

$(call object,$(PROTO) $(ACTOR) $(LEARNER)): CPPFLAGS += $(MPI_CFLAGS)

include tests/tests.mk

help: ## this list
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 22

clean: ## remove what was built
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
