/* Captions: readers of the caption files that people download -> pictures with their captions.
 *   captions.txt  (Flickr8k/30k)   CSV with a header that names the columns image,caption (or image_name, comment); RFC 4180
 *   *.token       (Flickr8k/30k)   image#n<TAB>caption
 *   dataset_*.json (Karpathy)      images[].{filename, filepath, split, sentences[].raw}; the split restval counts as train
 *   captions_*.json (COCO)         images[].{id, file_name}, annotations[].{image_id, caption}
 * The format is told by the content. Errors read FILE:LINE: or FILE: images[3]: and so on. Names of pictures are relative
 * paths that stay inside the folder of pictures: absolute ones and ".." are refused. */
#ifndef TROUPE_DATA_CAPTIONS_H
#define TROUPE_DATA_CAPTIONS_H

#include <stddef.h>

#include "common/base/pool.h"
#include "common/base/status.h"
#include "common/data/names.h"

typedef struct CaptionImage {
  char *id;       /* the file's name, or COCO's number */
  char *split;    /* "" unless the file says */
  char **caption; /* in the list's texts */
  int captions, room;
} CaptionImage;

/* Pictures in the order of the file, captions in the order of theirs. All owned. */
typedef struct CaptionList {
  CaptionImage *images;
  Names files; /* files.text[i]: path of picture i relative to the folder of pictures */
  int room;
  Pool texts;
} CaptionList;

Status captions_read_file(CaptionList *list, const char *path);
/* The same from memory: bytes[size] must be a NUL. `path` is for messages. */
Status captions_parse(CaptionList *list, const char *path, const char *bytes, size_t size);
/* self-critical.pytorch's cocotalk.json with its cocotalk_label.h5: captions as it prepared them (words in lower case, without
 * punctuation, cut at its length, rare words <unk>); the split restval counts as train. */
Status captions_read_labelled(CaptionList *list, const char *json_path, const char *labels_path);
void caption_list_free(CaptionList *list); /* idempotent */

/* A caption of the picture mirrored: the words left and right change places, each in its case. Owned by the caller. */
char *caption_mirrored(const char *text);

/* A list file: one picture's name a line (blank lines are skipped; a name given twice counts once). */
Status name_list_read(Names *names, const char *path);

#endif
