/* Report gallery: pictures of the runs' datasets with references, and captions before and after training. */
#ifndef TROUPE_TOOL_REPORT_GALLERY_H
#define TROUPE_TOOL_REPORT_GALLERY_H

#include <jansson.h>

typedef struct ReportGallery {
  const char *folder; /* of picture files, or NULL: looked for beside the dataset; borrowed */
  int limit;          /* pictures a run: of the validation split, and as many that it kept samples of */
  json_t *pictures;   /* [{id, file, split, src, references, captions: [{run, when, text, cider, ...}]}] */
  json_t *notes;
} ReportGallery;

void report_gallery_init(ReportGallery *gallery, const char *folder, int limit);
void report_gallery_free(ReportGallery *gallery);

/* Adds what run number `index` (of report_run) has to show. What is not there (dataset, checkpoint, picture files) becomes a
 * note. */
void report_gallery_add(ReportGallery *gallery, const json_t *run, int index);

/* {pictures, notes} for the page. */
json_t *report_gallery_json(const ReportGallery *gallery);

#endif
