/* Scenes: what is in them, and their pixels. Their words are in scenes_text.c. */
#include "common/data/scenes.h"

#include <stdlib.h>

#include "common/base/rng.h"

enum { STREAM_LAYOUT = 0, STREAM_PIXELS = 100, SUB = 4, UNIT = 2 * SUB }; /* lengths in drawing: 1/UNIT of a pixel */

static uint32_t draw(RngKey *key, uint32_t bound) {
  uint32_t value = rng_below(key, bound);
  key->position++;
  return value;
}

/* One colour a background that would not be seen on it. */
static const SceneColour HIDDEN[GROUNDS] = {COLOUR_GREEN, COLOUR_YELLOW, COLOUR_PURPLE, COLOUR_WHITE, COLOUR_BLUE};

int scene_held_out(const Scene *scene) {
  int found = 0;
  for (int i = 0; i < scene->things; i++) {
    const SceneThing *thing = &scene->thing[i];
    found += (int)thing->colour == (int)thing->shape;                 /* 6 of 42 */
    found += ((int)thing->shape + 2) % GROUNDS == (int)scene->ground; /* 6 of 30 */
  }
  if (scene->things == 2) found += scene->thing[1].shape == (scene->thing[0].shape + 1) % SHAPES; /* 6 of 36 */
  return found;
}

static void thing_make(SceneThing *thing, SceneGround ground, RngKey *key) {
  thing->shape = (SceneShape)draw(key, SHAPES);
  do thing->colour = (SceneColour)draw(key, COLOURS);
  while (thing->colour == HIDDEN[ground]);
  thing->big = draw(key, 2);
  thing->count = 1;
  thing->radius = thing->big ? 23 : 13;
}

static void place(SceneThing *thing, int k, int x, int y, RngKey *key) {
  thing->x[k] = x + (int)draw(key, 9) - 4;
  thing->y[k] = y + (int)draw(key, 9) - 4;
}

static void scene_layout(Scene *scene, RngKey *key) {
  scene->ground = (SceneGround)draw(key, GROUNDS);
  uint32_t kind = draw(key, 100);
  scene->things = kind < 45 ? 1 : 2;
  scene->stacked = false;
  for (int i = 0; i < scene->things; i++) thing_make(&scene->thing[i], scene->ground, key);
  SceneThing *first = &scene->thing[0], *second = &scene->thing[1];
  if (kind < 20) { /* one thing somewhere */
    place(first, 0, 32 + 24 * (int)draw(key, 3), 32 + 24 * (int)draw(key, 3), key);
  } else if (kind < 45) { /* two or three of it in a row */
    first->count = 2 + (int)draw(key, 2);
    first->big = false;
    first->radius = 14;
    int y = 40 + (int)draw(key, 33), step = first->count == 2 ? 48 : 36;
    for (int k = 0; k < first->count; k++) place(first, k, 56 - step * (first->count - 1) / 2 + step * k, y, key);
  } else {
    while (second->shape == first->shape && second->colour == first->colour) thing_make(second, scene->ground, key);
    scene->stacked = kind >= 75;
    int along[2] = {29, 83}, across = 46 + (int)draw(key, 21);
    for (int i = 0; i < 2; i++) {
      if (scene->stacked) place(&scene->thing[i], 0, across, along[i], key);
      else place(&scene->thing[i], 0, along[i], across, key);
    }
  }
}

void scene_make(Scene *scene, uint64_t seed, uint32_t number, bool held_out) {
  RngKey key = {.seed = seed, .stage = RNG_SCENES, .iteration = STREAM_LAYOUT, .image = number};
  do {
    *scene = (Scene){.seed = seed, .number = number};
    scene_layout(scene, &key);
  } while ((scene_held_out(scene) > 0) != held_out);
}

/* --- pixels -------------------------------------------------------------------------------------------------------- */

typedef struct Rgb {
  int r, g, b;
} Rgb;

static const Rgb PAINT[COLOURS] = {{215, 38, 38},  {45, 85, 225},  {40, 175, 65},  {248, 220, 50},
                                   {150, 50, 180}, {248, 140, 28}, {246, 246, 246}};
static const Rgb GROUND[GROUNDS] = {{92, 142, 62}, {224, 198, 142}, {16, 20, 52}, {228, 236, 246}, {38, 106, 156}};

/* A five-pointed star of radius 1000; every second corner lies at radius 420. */
static const int STAR[10][2] = {{0, -1000}, {247, -340}, {951, -309}, {399, 130},   {588, 809},
                                {0, 420},   {-588, 809}, {-399, 130}, {-951, -309}, {-247, -340}};

static bool in_star(long x, long y, long radius) {
  bool inside = false;
  for (int i = 0, j = 9; i < 10; j = i++) {
    long xi = STAR[i][0] * radius, yi = STAR[i][1] * radius, xj = STAR[j][0] * radius, yj = STAR[j][1] * radius;
    long px = x * 1000, py = y * 1000;
    if ((yi > py) == (yj > py)) continue;
    long side = (xj - xi) * (py - yi) - (px - xi) * (yj - yi);
    if ((yj > yi) == (side > 0)) inside = !inside;
  }
  return inside;
}

static bool in_shape(SceneShape shape, long x, long y, long r) {
  long square = x * x + y * y;
  switch (shape) {
    case SHAPE_CIRCLE: return square <= r * r;
    case SHAPE_SQUARE: return labs(x) * 8 <= r * 7 && labs(y) * 8 <= r * 7;
    case SHAPE_TRIANGLE: return y >= -r && y * 4 <= 3 * r && labs(x) * 7 <= (y + r) * 4;
    case SHAPE_STAR: return in_star(x, y, r);
    case SHAPE_CROSS: return (labs(x) * 10 <= r * 3 && labs(y) <= r) || (labs(y) * 10 <= r * 3 && labs(x) <= r);
    case SHAPE_RING: return square <= r * r && square * 100 >= r * r * 36;
    default: return false;
  }
}

static uint8_t level(int value) { return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value); }

/* Texture: blades of grass, grains, stars, flakes, waves; `noise` is one word a pixel. */
static int texture(SceneGround ground, int x, int y, uint32_t noise) {
  int grain = (int)(noise & 15) - 8;
  switch (ground) {
    case GROUND_GRASS: return grain + ((x * 5 + (int)(noise >> 8 & 3)) % 7 < 2 ? -18 : 0);
    case GROUND_SAND: return grain + ((noise >> 8 & 31) == 0 ? -26 : 0);
    case GROUND_NIGHT: return grain / 4 + ((noise >> 8 & 255) == 0 ? 120 : 0);
    case GROUND_SNOW: return grain / 2 + ((noise >> 8 & 63) == 0 ? 10 : 0);
    case GROUND_SEA: return grain / 2 + ((y + (x / 8 % 2 ? 1 : 0) * 2) % 10 < 2 ? 24 : 0);
    default: return 0;
  }
}

static void ground_draw(const Scene *scene, uint8_t *rgb) {
  RngKey key = {.seed = scene->seed, .stage = RNG_SCENES, .iteration = STREAM_PIXELS, .image = scene->number};
  for (int y = 0; y < SCENE_SIDE; y++) {
    for (int x = 0; x < SCENE_SIDE; x++) {
      uint32_t words[4];
      key.position = (uint32_t)(y * SCENE_SIDE + x);
      rng_words(&key, words);
      int add = texture(scene->ground, x, y, words[0]) + (y - SCENE_SIDE / 2) / 8;
      Rgb base = GROUND[scene->ground];
      uint8_t *pixel = rgb + 3 * (y * SCENE_SIDE + x);
      pixel[0] = level(base.r + add), pixel[1] = level(base.g + add), pixel[2] = level(base.b + add);
    }
  }
}

/* How many of a pixel's SUB x SUB samples lie in the shape. */
static int coverage(const SceneThing *thing, int k, int x, int y) {
  int inside = 0;
  for (int i = 0; i < SUB * SUB; i++) {
    long dx = (long)(x - thing->x[k]) * UNIT + 2 * (i % SUB) + 1,
         dy = (long)(y - thing->y[k]) * UNIT + 2 * (i / SUB) + 1;
    inside += in_shape(thing->shape, dx, dy, (long)thing->radius * UNIT);
  }
  return inside;
}

static void thing_draw(const SceneThing *thing, int k, Rgb paint, uint8_t *rgb) {
  int reach = thing->radius + 1;
  for (int y = thing->y[k] - reach; y <= thing->y[k] + reach; y++) {
    for (int x = thing->x[k] - reach; x <= thing->x[k] + reach; x++) {
      if (x < 0 || y < 0 || x >= SCENE_SIDE || y >= SCENE_SIDE) continue;
      int inside = coverage(thing, k, x, y), all = SUB * SUB;
      uint8_t *pixel = rgb + 3 * (y * SCENE_SIDE + x);
      pixel[0] = (uint8_t)((paint.r * inside + pixel[0] * (all - inside)) / all);
      pixel[1] = (uint8_t)((paint.g * inside + pixel[1] * (all - inside)) / all);
      pixel[2] = (uint8_t)((paint.b * inside + pixel[2] * (all - inside)) / all);
    }
  }
}

void scene_draw(const Scene *scene, uint8_t *rgb) {
  ground_draw(scene, rgb);
  RngKey key = {.seed = scene->seed, .stage = RNG_SCENES, .iteration = STREAM_PIXELS + 1, .image = scene->number};
  for (int i = 0; i < scene->things; i++) {
    const SceneThing *thing = &scene->thing[i];
    for (int k = 0; k < thing->count; k++) {
      Rgb paint = PAINT[thing->colour];
      int light = (int)draw(&key, 25) - 16;
      paint = (Rgb){level(paint.r + light), level(paint.g + light), level(paint.b + light)};
      thing_draw(thing, k, paint, rgb);
    }
  }
}
