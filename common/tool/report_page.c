/* The page of `troupe report`: HTML, style and scripts (common/tool/report/, put into the program by the assembler) around
 * the data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/tool/report.h"

#define ASSET(name, file)                                                                                          \
  __asm__(".section .rodata\n.global asset_" #name "\nasset_" #name ":\n.incbin \"common/tool/report/" file "\"\n" \
          ".byte 0\n.previous\n");                                                                                 \
  extern const char asset_##name[]

ASSET(page, "page.html");
ASSET(style, "style.css");
ASSET(base, "base.js");
ASSET(charts, "charts.js");
ASSET(runs, "runs.js");
ASSET(timeline, "timeline.js");
ASSET(gallery, "gallery.js");
ASSET(main, "main.js");

static void scripts_put(FILE *out) {
  const char *const scripts[] = {asset_base, asset_charts, asset_runs, asset_timeline, asset_gallery, asset_main};
  for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) fputs(scripts[i], out);
}

/* JSON that may stand within <script>: no '<' in it. */
static void data_put(FILE *out, const json_t *data) {
  char *text = json_dumps(data, JSON_COMPACT | JSON_REAL_PRECISION(6));
  CHECK(text);
  for (const char *at = text; *at;) {
    size_t plain = strcspn(at, "<");
    fwrite(at, 1, plain, out);
    at += plain;
    if (*at) fputs("\\u003c", out), at++;
  }
  free(text);
}

char *report_page(const json_t *data, size_t *size) {
  char *html = NULL;
  FILE *out = open_memstream(&html, size);
  CHECK(out);
  for (const char *at = asset_page; *at;) {
    const char *mark = strstr(at, "/*{");
    size_t plain = mark ? (size_t)(mark - at) : strlen(at);
    fwrite(at, 1, plain, out);
    if (!mark) break;
    if (strncmp(mark, "/*{style}*/", 11) == 0) fputs(asset_style, out);
    else if (strncmp(mark, "/*{script}*/", 12) == 0) scripts_put(out);
    else data_put(out, data); /* {data} */
    at = strstr(mark, "}*/") + 3;
  }
  fclose(out);
  return html;
}
