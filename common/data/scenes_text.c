/* Scenes: how five people describe one. Each picks what to mention and which words to use, independently. */
#include <stdio.h>
#include <string.h>

#include "common/base/rng.h"
#include "common/base/status.h"
#include "common/data/scenes.h"

enum { STREAM_WORDS = 1 };

typedef struct Speaker {
  RngKey key;
  char *text;
  size_t used;
} Speaker;

static bool chance(Speaker *speaker, uint32_t percent) {
  bool yes = rng_below(&speaker->key, 100) < percent;
  speaker->key.position++;
  return yes;
}

static void say(Speaker *speaker, const char *words) {
  if (!*words) return;
  int put =
      snprintf(speaker->text + speaker->used, SCENE_TEXT - speaker->used, "%s%s", speaker->used ? " " : "", words);
  CHECK(put > 0 && speaker->used + (size_t)put < SCENE_TEXT);
  speaker->used += (size_t)put;
}

/* Synonyms with their shares in percent; the last one takes the rest. */
typedef struct Choice {
  const char *words;
  uint32_t percent;
} Choice;

static const char *pick(Speaker *speaker, const Choice *choices) {
  uint32_t at = rng_below(&speaker->key, 100);
  speaker->key.position++;
  while (choices->percent && at >= choices->percent) at -= choices->percent, choices++;
  return choices->words;
}

static const Choice SHAPE_ONE[SHAPES][3] = {
    {{"circle", 70}, {"ball", 0}},     {{"square", 70}, {"box", 0}}, {{"triangle", 0}}, {{"star", 0}},
    {{"cross", 75}, {"plus sign", 0}}, {{"ring", 75}, {"hoop", 0}},
};
static const Choice SHAPE_MANY[SHAPES][3] = {
    {{"circles", 70}, {"balls", 0}},      {{"squares", 70}, {"boxes", 0}}, {{"triangles", 0}}, {{"stars", 0}},
    {{"crosses", 75}, {"plus signs", 0}}, {{"rings", 75}, {"hoops", 0}},
};
static const Choice COLOUR[COLOURS][3] = {{{"red", 0}},    {{"blue", 0}},   {{"green", 0}}, {{"yellow", 0}},
                                          {{"purple", 0}}, {{"orange", 0}}, {{"white", 0}}};
static const Choice SIZE[2][4] = {{{"small", 65}, {"little", 25}, {"tiny", 0}}, {{"big", 65}, {"large", 0}}};
static const Choice PLACE[GROUNDS][4] = {
    {{"on the grass", 60}, {"in a green field", 25}, {"on a lawn", 0}},
    {{"on the sand", 60}, {"on a sandy beach", 0}},
    {{"in the night sky", 60}, {"at night", 25}, {"in the dark", 0}},
    {{"in the snow", 60}, {"on snowy ground", 0}},
    {{"on the water", 60}, {"in the sea", 0}},
};
static const Choice RELATION[2][2][4] = {
    {{{"to the left of", 60}, {"left of", 25}, {"beside", 0}},
     {{"to the right of", 60}, {"right of", 25}, {"beside", 0}}},
    {{{"above", 70}, {"over", 0}}, {{"below", 60}, {"under", 0}}},
};
static const Choice OPENING[] = {{"", 72}, {"there is", 16}, {"a picture of", 0}};
static const Choice OPENING_MANY[] = {{"", 72}, {"there are", 16}, {"a picture of", 0}};
static const Choice VAGUE[] = {{"some shapes", 35}, {"a picture of shapes", 25}, {"something colorful", 0}};

static void say_thing(Speaker *speaker, const SceneThing *thing, uint32_t size_percent, uint32_t colour_percent) {
  static const char *const numbers[] = {"a", "two", "three"};
  bool size = chance(speaker, size_percent), colour = chance(speaker, colour_percent);
  const char *sized = pick(speaker, SIZE[thing->big]),
             *noun = pick(speaker, thing->count > 1 ? SHAPE_MANY[thing->shape] : SHAPE_ONE[thing->shape]);
  const char *next = size ? sized : colour ? pick(speaker, COLOUR[thing->colour]) : noun;
  bool vowel = strchr("aeiou", next[0]) != NULL;
  say(speaker, thing->count == 1 && vowel ? "an" : numbers[thing->count - 1]);
  if (size) say(speaker, sized);
  if (colour) say(speaker, pick(speaker, COLOUR[thing->colour]));
  say(speaker, noun);
}

static void say_one(Speaker *speaker, const Scene *scene) {
  const SceneThing *thing = &scene->thing[0];
  say(speaker, pick(speaker, thing->count > 1 ? OPENING_MANY : OPENING));
  say_thing(speaker, thing, 42, 85);
  if (thing->count > 1 && chance(speaker, 30)) say(speaker, "in a row");
  if (chance(speaker, 46)) say(speaker, pick(speaker, PLACE[scene->ground]));
}

static void say_two(Speaker *speaker, const Scene *scene) {
  const SceneThing *first = &scene->thing[0], *second = &scene->thing[1];
  uint32_t style = rng_below(&speaker->key, 100);
  speaker->key.position++;
  say(speaker, pick(speaker, OPENING));
  if (style < 42) {
    say_thing(speaker, first, 36, 88);
    say(speaker, pick(speaker, RELATION[scene->stacked][0]));
    say_thing(speaker, second, 36, 88);
  } else if (style < 57) {
    say_thing(speaker, second, 36, 88);
    say(speaker, pick(speaker, RELATION[scene->stacked][1]));
    say_thing(speaker, first, 36, 88);
  } else if (style < 77) {
    say_thing(speaker, first, 36, 88);
    say(speaker, "and");
    say_thing(speaker, second, 36, 88);
  } else { /* one of them is enough for some */
    say_thing(speaker, chance(speaker, 65) ? first : second, 42, 88);
  }
  if (chance(speaker, 44)) say(speaker, pick(speaker, PLACE[scene->ground]));
}

void scene_describe(const Scene *scene, int person, char text[SCENE_TEXT]) {
  CHECK(person >= 0 && person < SCENE_CAPTIONS);
  Speaker speaker = {.key = {.seed = scene->seed,
                             .stage = RNG_SCENES,
                             .iteration = STREAM_WORDS + (uint32_t)person,
                             .image = scene->number},
                     .text = text};
  text[0] = 0;
  if (chance(&speaker, 12)) { /* in a hurry */
    say(&speaker, pick(&speaker, VAGUE));
    if (chance(&speaker, 60)) say(&speaker, pick(&speaker, PLACE[scene->ground]));
  } else if (scene->things == 1) {
    say_one(&speaker, scene);
  } else {
    say_two(&speaker, scene);
  }
  say(&speaker, ".");
  text[0] = (char)(text[0] - 'a' + 'A');
}
