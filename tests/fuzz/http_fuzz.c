/* Any bytes as an HTTP request: nothing past them is read; what is accepted has a path of printable ASCII, and bytes that follow
 * the head do not change the verdict. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/http.h"
#include "common/base/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *bytes = xmalloc(size + 1); /* copied: a sanitizer sees a read past the end */
  memcpy(bytes, data, size);
  bytes = xrealloc(bytes, size ? size : 1);
  HttpRequest request, again;
  if (http_parse(bytes, size, &request)) {
    CHECK(*http_reason(request.status));
    if (request.status == 200) {
      CHECK(request.path[0] == '/' && strlen(request.path) < HTTP_PATH_MAX);
      for (const char *at = request.path; *at; at++) CHECK(*at > ' ' && *at <= '~');
    }
    char *longer = xcalloc(size + 2, 1);
    memcpy(longer, data, size);
    longer[size] = '\n';
    if (size < HTTP_HEAD_MAX) CHECK(http_parse(longer, size + 1, &again) && again.status == request.status);
    free(longer);
  }
  free(bytes);
  return 0;
}
