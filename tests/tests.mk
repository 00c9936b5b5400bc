# Unit tests: tests/unit/ mirrors the source tree; each *_test.c is one cmocka program.

UNIT := $(wildcard tests/unit/*/*_test.c tests/unit/*/*/*_test.c)
UNIT_PROGRAMS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(UNIT))

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(ROLE_OBJECTS) $(LIBRARY)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) $(MPI_LIBS) -lcmocka
$(UNIT_PROGRAMS:%=%.o): CPPFLAGS += $(MPI_CFLAGS)
.PRECIOUS: $(BUILD)/tests/unit/%.o

.PHONY: check-unit unit-%
check-unit: $(UNIT_PROGRAMS) ## the cmocka tests
	@failed=0; for t in $^; do $$t || failed=1; done; exit $$failed
