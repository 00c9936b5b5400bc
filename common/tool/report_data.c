/* All that a page holds: the runs, and the pictures of their gallery. */
#include <time.h>

#include "common/tool/report.h"
#include "common/tool/report_gallery.h"
#include "common/tool/verbs.h"

Status report_data(const ReportSource *source, bool live, json_t **data) {
  json_t *runs = json_array();
  for (int i = 0; i < source->runs; i++) {
    json_t *run;
    Status status = report_run(source->run[i], REPORT_WHOLE, &run);
    if (status != OK) {
      json_decref(runs);
      return status;
    }
    json_array_append_new(runs, run);
  }
  report_names(runs);
  *data = json_pack("{s:s, s:I, s:b, s:o, s:o}", "version", version_text(), "made", (json_int_t)time(NULL), "live",
                    (int)live, "defaults", report_defaults(), "runs", runs);
  return OK;
}

json_t *report_pictures(const ReportSource *source, const json_t *runs) {
  ReportGallery gallery;
  report_gallery_init(&gallery, source->images, source->pictures);
  for (int i = 0; i < source->runs; i++) report_gallery_add(&gallery, json_array_get(runs, (size_t)i), i);
  json_t *json = report_gallery_json(&gallery);
  report_gallery_free(&gallery);
  return json;
}
