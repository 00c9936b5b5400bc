/* Why: the SVG. */
#include "actor/why.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/base/file.h"
#include "common/vision/image.h"
#include "common/vision/thumbnail.h"

enum { TILE = 220, GAP = 12, LINE = 26, COLUMNS = 6, TILES_MOST = 512 };

typedef struct Page {
  FILE *out;
  int width, height; /* of the picture in a tile */
  int tiles;         /* so far in the row */
  int y;             /* of the row */
} Page;

static void print_text(FILE *out, const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c == '<') fputs("&lt;", out);
    else if (c == '&') fputs("&amp;", out);
    else putc(c < ' ' ? ' ' : c, out);
  }
}

/* Dark where it did not look, warm where it did, as in the report: the little that lies everywhere is held down. */
static void print_heat(FILE *out, const unsigned char *attention, int side) {
  fprintf(out, "<g filter='url(#soft)'>");
  for (int i = 0; i < side * side; i++) {
    double v = pow(attention[i] / 255.0, 1.5);
    int x = i % side, y = i / side, left = x == 0, top = y == 0; /* cells at an edge go on beyond it, for the blur */
    fprintf(out, "<rect x='%d' y='%d' width='%.2f' height='%.2f' fill='rgb(%.0f,%.0f,%.0f)' fill-opacity='%.2f'/>",
            x - left, y - top, 1.02 + left + (x == side - 1), 1.02 + top + (y == side - 1), fmin(255, 20 + 330 * v),
            190 * v * v, 40 * (1 - v), (165 - 60 * v) / 255);
  }
  fputs("</g>", out);
}

static void next_tile(Page *page) {
  if (page->tiles && page->tiles % COLUMNS == 0) page->y += LINE + page->height + GAP;
  fprintf(page->out, "<g transform='translate(%d,%d)'>", GAP + page->tiles % COLUMNS * (TILE + GAP), page->y);
  page->tiles++;
}

static void print_caption(Page *page, const LookCaption *caption, int side) {
  const char *at = caption->text;
  page->tiles = 0;
  for (int w = 0; w < caption->words && w < TILES_MOST; w++) {
    size_t length = strcspn(at, " ");
    next_tile(page);
    fprintf(page->out, "<text y='18'>");
    print_text(page->out, at, length);
    fprintf(page->out, "</text><g transform='translate(0,%d)'><use href='#picture'/>", LINE);
    fprintf(page->out, "<svg width='%d' height='%d' viewBox='0 0 %d %d' preserveAspectRatio='none'>", page->width,
            page->height, side, side);
    if (caption->attention) print_heat(page->out, caption->attention + (size_t)w * (size_t)(side * side), side);
    fputs("</svg></g></g>\n", page->out);
    at += length + strspn(at + length, " ");
  }
  page->y += LINE + page->height + 2 * GAP;
}

/* The picture's size in a tile, and itself as a data URL: owned by the caller. */
static Status picture_read(Page *page, const char *path, char **url) {
  unsigned char *jpeg;
  size_t size;
  Image image = {0};
  TRY(thumbnail_make(path, TILE, &jpeg, &size));
  Status status = image_decode(&image, path, jpeg, size, 0);
  double grown = (double)TILE / (image.width > image.height ? image.width : image.height); /* thumbnails are not */
  page->width = (int)fmax(1, round(grown * image.width)), page->height = (int)fmax(1, round(grown * image.height));
  *url = base64_text("data:image/jpeg;base64,", jpeg, size);
  image_free(&image);
  free(jpeg);
  return status;
}

static void print_page(Page *page, const char *url, Look *look, const float *features, const CaptionSet *set) {
  char *body;
  size_t size;
  FILE *out = page->out;
  int width = GAP + COLUMNS * (TILE + GAP);
  page->out = open_memstream(&body, &size);
  CHECK(page->out);
  page->y = GAP;
  for (int row = 0; row < set->count; row++) {
    LookCaption caption;
    look_at(look, features, set->tokens + (size_t)row * (size_t)set->max_length, set->length[row], set->finished[row],
            &caption);
    print_caption(page, &caption, look->side);
    look_caption_free(&caption);
  }
  fclose(page->out);
  page->out = out;
  fprintf(out,
          "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' viewBox='0 0 %d %d' font-family='sans-serif' "
          "font-size='18' style='max-width:100%%;height:auto'>\n"
          "<defs><image id='picture' width='%d' height='%d' href='%s'/>"
          "<filter id='soft'><feGaussianBlur stdDeviation='0.3'/></filter></defs>\n"
          "<rect width='100%%' height='100%%' fill='white'/>\n%s</svg>\n",
          width, page->y, width, page->y, page->width, page->height, url, body);
  free(body);
}

Status why_write(const char *path, const char *image, Look *look, const float *features, const CaptionSet *set) {
  char *url, *text;
  size_t size;
  Page page = {0};
  TRY(picture_read(&page, image, &url));
  page.out = open_memstream(&text, &size);
  CHECK(page.out);
  print_page(&page, url, look, features, set);
  fclose(page.out);
  Status status = file_write_atomic(path, text, size);
  free(text);
  free(url);
  return status;
}
