/* PieceList: where encoders put ids: a caption's row, which is cut when it is full. Inside of common/data. */
#ifndef TROUPE_DATA_PIECE_LIST_H
#define TROUPE_DATA_PIECE_LIST_H

#include <stdint.h>

typedef struct PieceList {
  int32_t *ids; /* [room], borrowed */
  int count, room;
} PieceList;

static inline void piece_add(PieceList *list, int32_t id) {
  if (list->count < list->room) list->ids[list->count++] = id;
}

#endif
