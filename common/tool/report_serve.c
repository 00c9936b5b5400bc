/* troupe report --serve: the page and its data, made again when a run has written something. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/tool/report.h"
#include "common/tool/serve.h"
#include "common/tool/stop.h"

typedef struct Live {
  const ReportSource *source;
  json_t *data, *gallery;           /* as they were last; owned */
  char *data_stamp, *gallery_stamp; /* what the files were then; owned */
} Live;

/* Sizes and times of files of all runs: another text means that one has changed. Owned by the caller. */
static char *stamp_of(const ReportSource *source, const char *const *files) {
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  CHECK(out);
  for (int r = 0; r < source->runs; r++)
    for (const char *const *file = files; *file; file++) {
      struct stat info = {0};
      char *path = path_join(source->run[r], *file);
      if (stat(path, &info)) info = (struct stat){0};
      fprintf(out, "%lld.%ld %lld;", (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec, (long long)info.st_size);
      free(path);
    }
  fclose(out);
  return text;
}

/* True, and *stamp is the new one, when the files have changed since. */
static bool has_changed(const ReportSource *source, const char *const *files, char **stamp) {
  char *now = stamp_of(source, files);
  bool changed = !*stamp || strcmp(now, *stamp) != 0;
  free(changed ? *stamp : now);
  if (changed) *stamp = now;
  return changed;
}

static Status data_refresh(Live *live) {
  static const char *const files[] = {"status.json", "metrics.jsonl", "samples.jsonl", "config.yaml", NULL};
  if (!has_changed(live->source, files, &live->data_stamp) && live->data) return OK;
  json_t *data;
  Status status = report_data(live->source, true, &data);
  if (status != OK) return status;
  json_decref(live->data);
  live->data = data;
  return OK;
}

/* Captions are made again when there are other checkpoints. */
static void gallery_refresh(Live *live) {
  static const char *const files[] = {"checkpoints/best.h5", "checkpoints/latest", NULL};
  if (!has_changed(live->source, files, &live->gallery_stamp) && live->gallery) return;
  json_decref(live->gallery);
  live->gallery = report_pictures(live->source, json_object_get(live->data, "runs"));
}

static char *page_text(Live *live, size_t *size) {
  gallery_refresh(live);
  json_t *whole = json_copy(live->data);
  json_object_set(whole, "gallery", live->gallery);
  char *html = report_page(whole, size);
  json_decref(whole);
  return html;
}

static char *content(void *context, const char *path, int *status, const char **type, size_t *size) {
  Live *live = context;
  bool page = strcmp(path, "/") == 0;
  if (!page && strcmp(path, "/data.json") != 0) return NULL;
  if (data_refresh(live) != OK) {
    *status = 500;
    char *text = xasprintf("%s\n", status_message());
    *size = strlen(text);
    return text;
  }
  *type = page ? "text/html; charset=utf-8" : "application/json";
  if (page) return page_text(live, size);
  char *text = json_dumps(live->data, JSON_COMPACT | JSON_REAL_PRECISION(6));
  *size = strlen(text);
  return text;
}

Status report_serve(const ReportSource *source, int port) {
  Live live = {.source = source};
  Server server;
  Status status = data_refresh(&live); /* wrong folders are told at once */
  if (status == OK) status = serve_open(&server, port);
  if (status == OK) {
    printf("http://127.0.0.1:%d/\n", server.port);
    fflush(stdout);
    stop_watch();
    serve_run(&server, content, &live, stop_wanted);
    stop_forget();
    serve_close(&server);
  }
  json_decref(live.data);
  json_decref(live.gallery);
  free(live.data_stamp);
  free(live.gallery_stamp);
  return status;
}
