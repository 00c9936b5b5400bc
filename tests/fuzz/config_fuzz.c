/* Fuzzes the configuration: any bytes are either read or refused with a message, and what was read prints and reads back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Config config;
  config_init(&config);
  Status status = config_read_text(&config, "fuzz.yaml", (const char *)data, size);
  if (status == OK) {
    char *text = config_text(&config, false);
    Config again;
    config_init(&again);
    CHECK(config_read_text(&again, "printed.yaml", text, strlen(text)) == OK);
    char *same = config_text(&again, false);
    CHECK(strcmp(text, same) == 0);
    free(same);
    free(text);
    config_free(&again);
    (void)config_check(&config);
  } else {
    CHECK(status_message()[0] != '\0');
  }
  config_free(&config);
  return 0;
}
