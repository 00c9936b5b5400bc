/* Scenes: the embedded data set. A scene has one or two things (a shape in a colour and a size, or two or three of it) before
 * a background; five people describe it, each in their own words and each leaving out much. What most people leave out
 * (size, background) is what a captioner trained by cross-entropy leaves out when it decodes greedily, while CIDEr rewards
 * what several agree on: that gap is what stage 2 closes.
 *
 * Some combinations of shape and colour, shape and background, and of two shapes are held out: scenes of the training split
 * have none of them, every scene of val and test has one or more, so memorising does not help.
 * Everything is a function of (seed, number of the picture), in integers: the same pixels on any machine. */
#ifndef TROUPE_DATA_SCENES_H
#define TROUPE_DATA_SCENES_H

#include <stdbool.h>
#include <stdint.h>

enum { SCENE_SIDE = 112, SCENE_CAPTIONS = 5, SCENE_TEXT = 200, SCENE_THINGS = 2 };

typedef enum SceneShape {
  SHAPE_CIRCLE,
  SHAPE_SQUARE,
  SHAPE_TRIANGLE,
  SHAPE_STAR,
  SHAPE_CROSS,
  SHAPE_RING,
  SHAPES
} SceneShape;
typedef enum SceneColour {
  COLOUR_RED,
  COLOUR_BLUE,
  COLOUR_GREEN,
  COLOUR_YELLOW,
  COLOUR_PURPLE,
  COLOUR_ORANGE,
  COLOUR_WHITE,
  COLOURS
} SceneColour;
typedef enum SceneGround { GROUND_GRASS, GROUND_SAND, GROUND_NIGHT, GROUND_SNOW, GROUND_SEA, GROUNDS } SceneGround;

typedef struct SceneThing {
  SceneShape shape;
  SceneColour colour;
  bool big;
  int count;              /* 1 to 3 of it, in a row */
  int x[3], y[3], radius; /* pixels */
} SceneThing;

typedef struct Scene {
  SceneGround ground;
  int things;   /* 1 or 2 */
  bool stacked; /* thing 0 is above thing 1; otherwise left of it */
  SceneThing thing[SCENE_THINGS];
  uint64_t seed;
  uint32_t number;
} Scene;

/* Draws scene `number` of `seed`, with (held_out) or without held-out combinations. */
void scene_make(Scene *scene, uint64_t seed, uint32_t number, bool held_out);

/* How many held-out combinations a scene has. */
int scene_held_out(const Scene *scene);

/* rgb [SCENE_SIDE, SCENE_SIDE, 3]. */
void scene_draw(const Scene *scene, uint8_t *rgb);

/* What person 0 .. SCENE_CAPTIONS - 1 says. */
void scene_describe(const Scene *scene, int person, char text[SCENE_TEXT]);

#endif
