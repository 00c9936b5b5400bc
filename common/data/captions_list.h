/* For the readers of caption files (captions*.c) alone: how they fill the list. */
#ifndef TROUPE_DATA_CAPTIONS_LIST_H
#define TROUPE_DATA_CAPTIONS_LIST_H

#include <jansson.h>
#include <stdbool.h>

#include "common/data/captions.h"

/* What is wrong with a picture's name, or NULL. */
const char *picture_name_fault(const char *name, size_t length);
/* The number of the picture of that file, added (id = file, no split) when it is new. */
int caption_list_picture(CaptionList *list, const char *file, size_t length);
/* Adds a caption without the blanks around it. */
void caption_list_add(CaptionList *list, int picture, const char *caption, size_t length);

Status captions_parse_text(CaptionList *list, const char *path, const char *bytes, size_t size);
Status captions_parse_json(CaptionList *list, const char *path, const char *bytes, size_t size);
/* Karpathy's dataset_*.json or COCO's captions_*.json, parsed. */
Status captions_parse_json_root(CaptionList *list, const char *path, const json_t *root);
/* An id, a whole number or a string, as text into `text`; false for anything else. */
bool caption_id_text(const json_t *value, char *text, size_t size);

#endif
